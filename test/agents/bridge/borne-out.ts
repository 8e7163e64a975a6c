import { type Arrival, type Gathering, isGathered, type Meeting } from '../../../agents/bridge/meeting.ts'
import { type Decision, isBorneOut, type Proposal, type Vote } from '../../../agents/bridge/proposal.ts'
import type { Store } from '../../../agents/bridge/store.ts'
import {
  type Award,
  isAwardBorneOut,
  type OpenedBid,
  type Seal,
  type SealedBid,
  type Tender,
} from '../../../agents/bridge/tender.ts'

/** A record, wherever it was found. */
export interface Lying {
  readonly key: string
  readonly value: string
}

/** Outcomes that the records beside them do not bear out, as `root/id`; of proposals, meetings and tenders. */
export function unfounded(entries: readonly Lying[]): string[] {
  const parts = new Map<string, Map<string, unknown>>()
  for (const { key, value } of entries) {
    const [root, letter, id, agent = ''] = key.split('/')
    const at = `${root}/${id}/${letter}`
    parts.set(at, (parts.get(at) ?? new Map()).set(agent, JSON.parse(value)))
  }
  const found: string[] = []
  for (const at of parts.keys()) {
    const [root, id, letter] = at.split('/')
    if (letter !== 'd') continue
    const all = <T>(which: string): Map<string, T> =>
      (parts.get(`${root}/${id}/${which}`) ?? new Map()) as Map<string, T>
    const one = <T>(which: string): T | undefined => all<T>(which).get('')
    if (!BORNE_OUT[root]?.(id, all, one)) found.push(`${root}/${id}`)
  }
  return found
}

type All = <T>(which: string) => Map<string, T>
type One = <T>(which: string) => T | undefined

const BORNE_OUT: Record<string, ((id: string, all: All, one: One) => boolean) | undefined> = {
  consensus(_id, all, one) {
    const proposal = one<Proposal>('p')
    return proposal !== undefined && isBorneOut(proposal, all<Vote>('v'), one<Decision>('d') as Decision)
  },
  barrier(_id, all, one) {
    const meeting = one<Meeting>('p')
    return meeting !== undefined && isGathered(meeting, all<Arrival>('v'), one<Gathering>('d') as Gathering)
  },
  auction(id, all, one) {
    const [tender, seal] = [one<Tender>('p'), one<Seal>('s')]
    if (tender === undefined || seal === undefined) return false
    return isAwardBorneOut(id, tender, all<SealedBid>('b'), seal, all<OpenedBid>('r'), one<Award>('d') as Award)
  },
}

/** A store with some calls of its own. */
export function broken(store: Store, calls: Partial<Store>): Store {
  return new Proxy(store, {
    get: (whole, name) => calls[name as keyof Store] ?? (whole[name as keyof Store] as () => void).bind(whole),
  })
}

/** A store through which somebody writes other outcomes than it should. */
export function lying(store: Store, root: string, lie: (outcome: Record<string, unknown>) => object): Store {
  return broken(store, {
    create: (key, value, lease) =>
      store.create(key, key.startsWith(`${root}/d/`) ? JSON.stringify(lie(JSON.parse(value))) : value, lease),
  })
}

/** A store in which a record that is there is written over. */
export function rewriting(store: Store): Store {
  return broken(store, {
    async create(key, value, lease) {
      const answer = await store.create(key, value, lease)
      if (answer.isMade || answer.entry === undefined) return answer
      return store.cas(key, value, answer.entry.revision, lease)
    },
  })
}
