import { balance } from './balance.ts'
import { byTable, keyOfTry, type Place } from './by-table.ts'
import type { Policy } from './policy.ts'
import { RING_POINTS_MAX } from './tables/ring.ts'
import { ringPosition } from './tables/table-key.ts'
import { RING_TABLE } from './tables/table-spec.ts'

/**
 * Ring hashing: endpoints have points on a circle, and a key belongs to the first point at or after it.
 *
 *   row = member of the first point ≥ hash       try k where that is barred: the member of the k-th point after it
 *                                                with a balance: of the first point ≥ another hash of the key, for each k
 *
 * When an endpoint leaves, its keys alone move, each to the next point; when one joins, it takes its share and no other key
 * moves. So it is exactly with `ketama`, the ring of nginx and Pingora, whose points are so many for each weight. `ring`, that
 * of Envoy and gRPC, is as large as the least share needs: when that changes, everybody gets more points or fewer.
 *
 * Source    Karger et al. 1997; rings, retry and option names' meaning as Envoy's and nginx's (tables/ring-hash.ts,
 *           tables/ketama.ts). Jumps with a balance: Chen et al. 2019 (arXiv 1908.08762), because along the ring the overflow
 *           of one endpoint would all fall on its neighbours.
 * Deviation as in maglev.ts: the ring stays when health changes.
 * Reads     some five points, one entry, bars and pull of its row; with a balance also what is in flight.
 * Cost      a search: two to three times the pick of maglev.
 * Good for  caches among endpoints that come and go: the fewest keys move.
 * Poor for  even shares: with 1,024 points for ten endpoints shares differ by a tenth (more points, or maglev).
 */
export const ringHash: Policy = {
  name: 'ring-hash',
  aliases: ['ring_hash'],
  summary: 'each key to an endpoint of its own, by points on a ring; the fewest keys move',
  isWeighted: false,
  isKeyed: true,
  options: {
    mode: {
      kind: 'word',
      words: ['ring', 'ketama'],
      default: 'ring',
      about: "whose ring: Envoy's (ring) or nginx's (ketama)",
    },
    minimum: {
      kind: 'whole',
      min: 1,
      max: RING_POINTS_MAX,
      default: 1024,
      about: 'points the ring has at least, in mode ring',
    },
    maximum: {
      kind: 'whole',
      min: 1,
      max: RING_POINTS_MAX,
      default: RING_POINTS_MAX,
      about: 'points the ring has at most, in mode ring; fewer where a third of capacity.choices holds fewer',
    },
    points: { kind: 'whole', min: 1, max: 65_535, default: 160, about: 'points for a weight of 1, in mode ketama' },
    balance,
  },
  fault: ({ minimum, maximum }) =>
    minimum > maximum
      ? `minimum is ${minimum} and maximum ${maximum}; write a minimum that is not above it`
      : undefined,
  table: ({ mode, minimum, maximum, points }) =>
    mode === 'ketama'
      ? { name: 'ketama', points: points as number }
      : { name: 'ring', min: minimum as number, max: maximum as number },
  create: (_, options) => {
    const percent = options.balance as number
    return { pickRow: byTable(RING_TABLE, percent > 0 ? jump : walk, percent) }
  },
}

const walk: Place = ({ points }, hash, attempt, before) => {
  if (attempt === 0) return ringPosition(points, 0, points.length, hash)
  return before + 1 < points.length ? before + 1 : 0
}

const jump: Place = ({ points }, hash, attempt) => ringPosition(points, 0, points.length, keyOfTry(hash, attempt))
