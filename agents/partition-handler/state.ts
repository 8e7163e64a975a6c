import type { Config } from '../../engine/writer.ts'
import type { Mounted } from '../kit/grammar/skill.ts'
import type { Session } from '../skills/agreement/asking-peers.ts'
import type { Verdict } from './decide.ts'

export interface Rights {
  readonly mayDecide: boolean
  readonly because: string
}

/** Something is amiss, and it is not known yet whether it stays so. */
export interface Unsettled {
  /** Who is gone and who is connected indirectly: as long as that is the same, nothing has changed. */
  readonly key: string
  readonly sinceMs: number
  readonly changedMs: number
  /** What was concluded, once it had stayed for long enough. */
  readonly decided: Verdict | undefined
  /** Whether the store was asked for the lease. */
  readonly isAsked: boolean
}

/** A partition that was concluded. */
export interface Partition {
  readonly id: string
  readonly sides: readonly (readonly string[])[]
  /** Who was not reachable from here. */
  readonly lost: readonly string[]
  /** How many of these are back, and since when it is so many. */
  readonly back: number
  readonly backMs: number
  readonly verdict: Verdict['verdict']
  readonly sinceMs: number
  /** How often of late the nodes have fallen apart like that. */
  readonly times: number
  readonly isPersonCalled: boolean
}

/** What came of asking the others when a partition had healed. */
export interface Agreement {
  /** Whether all that answered know the same nodes. */
  readonly isSame: boolean
  readonly answered: readonly string[]
  readonly silent: readonly string[]
}

export interface State {
  readonly knobs: Config['agents']['partition-handler']
  readonly incarnation: number
  readonly me: string
  /** Nodes that count, this one too, and the how-manieth each joined as. */
  readonly members: ReadonlyMap<string, number | null>
  /** Those that were given up, until they are heard again. */
  readonly parted: ReadonlySet<string>
  readonly unsettled: Unsettled | undefined
  readonly rights: Rights
  /** Nothing was seen yet in this incarnation. */
  readonly isFirst: boolean
  readonly current: Partition | undefined
  /** The last ten, one for each way to fall apart, the oldest first. */
  readonly history: readonly Partition[]
  /** Incarnations of agents of this node that have been heard: a new one does not know that it has no rights. */
  readonly heard: ReadonlyMap<string, number>
  /** Under lease-majority: who had the lease when the nodes looked like that. */
  readonly lease: { readonly picture: string; readonly holder: string | null } | undefined
  readonly sessions: number
  readonly session: Mounted<Session> | undefined
  readonly agreed: Agreement | undefined
}

const PARTITIONS_MAX = 10

/** The history with one more; one that was there before is counted and is the latest now. */
export function remember(history: readonly Partition[], partition: Partition): readonly Partition[] {
  const before = history.find(({ id }) => id === partition.id)
  const others = history.filter(({ id }) => id !== partition.id)
  return [...others, { ...partition, times: (before?.times ?? 0) + 1 }].slice(-PARTITIONS_MAX)
}

/** What this node says to others that ask what it sees. */
export function viewOf({ members, rights }: State): Record<string, string> {
  return { members: [...members.keys()].sort().join(','), mayDecide: String(rights.mayDecide) }
}

/** What the answers come to, once the session is over. */
export function agreementOf(state: State, { results }: Session): Agreement {
  const mine = viewOf(state).members
  const all = [...results]
  return {
    isSame: all.every(([, result]) => result.status !== 'answered' || result.answer.members === mine),
    answered: all.flatMap(([node, { status }]) => (status === 'answered' ? [node] : [])),
    silent: all.flatMap(([node, { status }]) => (status === 'answered' ? [] : [node])),
  }
}
