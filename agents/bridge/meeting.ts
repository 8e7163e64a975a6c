import { findFaultIn, type Unproven } from './proposal.ts'

/** Who is to come. Without an incarnation it was not there when the meeting was called, and whichever of its lives comes will do. */
export interface Participant {
  readonly agent: string
  readonly incarnation?: number
}

/** Where agents wait for each other. */
export interface Meeting {
  readonly name: string
  /** Which time they meet under this name. */
  readonly episode: number
  readonly participants: readonly Participant[]
  /** From when it is seen: after this it expires. */
  readonly timeoutMs: number
}

export interface Arrival {
  readonly incarnation: number
}

/** What is written down of a meeting. */
export interface Gathering {
  readonly status: 'passed' | 'expired' | 'broken'
  /** Who had not come. */
  readonly missing: readonly string[]
  /** Who of them could not come any more: their leases had run out. */
  readonly dead: readonly string[]
  readonly decidedBy: string
}

/** What is wrong with a meeting, whatever it is; undefined where nothing is. */
export function findMeetingFault({ participants, timeoutMs, episode }: Unproven<Meeting>): string | undefined {
  return findFaultIn(participants, 'participants', timeoutMs, episode)
}

/** Whether an arrival is one of those who are to come, in the life that is meant. */
export function counts({ incarnation }: Participant, arrival: Arrival | undefined): boolean {
  return arrival !== undefined && (incarnation === undefined || incarnation === arrival.incarnation)
}

/** Who has not come. Monotone: arrivals only come and never change, so that whoever sees fewer of them waits longer, no less. */
export function missingOf({ participants }: Meeting, arrivals: ReadonlyMap<string, Arrival>): string[] {
  return participants.filter(each => !counts(each, arrivals.get(each.agent))).map(({ agent }) => agent)
}

/** How a meeting ends, as far as is seen; undefined while it is waited for. */
export function gather(
  meeting: Meeting,
  arrivals: ReadonlyMap<string, Arrival>,
  dead: ReadonlySet<string>,
  isOverdue: boolean,
): Omit<Gathering, 'decidedBy'> | undefined {
  const missing = missingOf(meeting, arrivals)
  if (missing.length === 0) return { status: 'passed', missing, dead: [] }
  const gone = missing.filter(agent => dead.has(agent))
  if (gone.length > 0) return { status: 'broken', missing, dead: gone }
  return isOverdue ? { status: 'expired', missing, dead: [] } : undefined
}

/** Whether the arrivals that lie there bear an end out: anybody can look again. */
export function isGathered(
  meeting: Meeting,
  arrivals: ReadonlyMap<string, Arrival>,
  { status, missing, dead }: Gathering,
): boolean {
  const absent = missingOf(meeting, arrivals)
  if (absent.some(agent => !missing.includes(agent))) return false
  if (status === 'passed') return missing.length === 0
  return missing.length > 0 && (status === 'expired' || dead.some(agent => missing.includes(agent)))
}
