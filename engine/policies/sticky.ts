import { NO_SESSION, SESSION_TTL_MS_MAX } from '../memory/affinity.ts'
import { leastRequest } from './least-request.ts'
import { type Chooser, NO_ENDPOINT, type Policy } from './policy.ts'
import { completeOptions, type PolicyOptions } from './policy-options.ts'

const TTL_MS = 30 * 60_000

/**
 * Sticky: a session is remembered where it was sent first, and goes there again.
 *
 *   known, its endpoint open       there, whichever priority, tier or zone has its turn
 *   known, its endpoint barred     by `within`, and there from now on: it does not return when the old one does
 *   known, its endpoint full, or   by `within`, for this once: the session stays where it is. A second try that succeeds
 *     tried by this request          elsewhere takes it along (Router.keep)
 *   unknown                        by `within`, and there from now on
 *   no key (hash 0)                by `within`
 *
 * Source    HAProxy's stick tables and cookie persistence, Envoy's stateful sessions: both pass priorities by as long as
 *           the endpoint is usable, keep a moved session where it is, and move one whose retry succeeded elsewhere.
 *           Deviation: one table for all threads, and nothing of the endpoint in the cookie.
 * Reads     a set of eight entries, then bars and weight of one row.   Cost  some 20 ns; a new session that of `within` and
 *           three stores.
 * Good for  sessions kept in the memory of endpoints, of any number: new ones go where there is room, and an endpoint that
 *           joins moves nobody.
 * Poor for  what must agree between nodes: each has a table of its own (see rendezvous), and for more sessions at a time
 *           than the table has room for (capacity.affinity): those that never came back are forgotten first, then
 *           those unused the longest.
 */
export function stickyWithin(policies: readonly Policy[]): Policy {
  const options = {
    ttl: {
      kind: 'duration',
      min: '100ms',
      max: `${SESSION_TTL_MS_MAX / 3_600_000}h`,
      default: TTL_MS,
      about: 'how long a session is remembered after its last request, 100ms to 24h',
    },
    within: {
      kind: 'word',
      words: policies.map(({ name }) => name),
      default: leastRequest.name,
      about: 'the policy that places a new session',
    },
    cookie: {
      kind: 'token',
      default: 'signalbox',
      about: 'the cookie the proxy gives to who has none, where no hash is written',
    },
  } as const satisfies PolicyOptions

  return {
    name: 'sticky',
    aliases: [],
    summary: 'each session where it was sent first, as long as that endpoint is open',
    isWeighted: false,
    isKeyed: true,
    keepsSessions: true,
    options,
    create: (dice, { ttl, within }) => {
      const placing = policies.find(({ name }) => name === within) ?? leastRequest
      return stick(placing.create(dice, completeOptions(placing.options, {})), Number(ttl))
    },
  }
}

function stick({ pickRow, learn }: Chooser, ttlMs: number): Chooser {
  return {
    pickRow: (candidates, hash) => {
      if (hash === 0) return pickRow(candidates, 0)
      const { affinity } = candidates
      const row = affinity.find(hash, ttlMs)
      if (row !== NO_SESSION && !candidates.isBarred(row)) {
        return candidates.isTaken(row) ? pickRow(candidates, 0) : row
      }
      const placed = pickRow(candidates, 0)
      if (placed !== NO_ENDPOINT) affinity.keep(hash, placed, ttlMs)
      return placed
    },
    learn,
    keep: (candidates, hash, row) => candidates.affinity.keep(hash, row, ttlMs),
  }
}
