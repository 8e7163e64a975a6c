import { SignalboxError } from '../../engine/writer.ts'
import { AGAIN_MS, type BridgeClock } from './clock.ts'
import { type Arrival, counts, findMeetingFault, type Gathering, gather, type Meeting, missingOf } from './meeting.ts'
import { idOf, type Voter } from './proposal.ts'
import { type Round, Rounds } from './rounds.ts'
import { readRecord } from './scribe.ts'
import type { Store } from './store.ts'

const ROOT = 'barrier/'

/** How a meeting ended; the same for all who ask, or `unknown`: nobody could say in time. */
export interface MeetingResult {
  readonly status: Gathering['status'] | 'unknown'
  /** 0 where it is unknown. */
  readonly fence: number
  readonly missing: readonly string[]
  readonly dead: readonly string[]
}

/** Who lives; the registry knows. */
export interface Lives {
  /** From a copy that may be late. */
  find(agent: string): { readonly incarnation: number } | undefined
  /** For certain: not there any more in this life. Rejects where it cannot be said. */
  isGone(life: Voter): Promise<boolean>
  onChange(listener: () => void): () => void
}

export interface BarrierOptions {
  readonly agent: string
  readonly incarnation: number
  readonly lives: Lives
  readonly keepMs?: number
  readonly clock?: BridgeClock
}

interface Arrivals {
  readonly arrived: Map<string, Arrival>
  readonly dead: Set<string>
  hasArrived: boolean
  isOverdue: boolean
}

type Awaited = Round<Meeting, Arrivals, Gathering>

/**
 * Where named agents wait until all of them have come. How it ends is written once, and everybody acts on what lies there: nobody
 * passes while another is told that it expired.
 *
 *   meet ──▶ p/id ──▶ each: v/id/agent ──▶ all have come:        d/id passed
 *                                      ├─▶ the lease of one that has not come has run out: d/id broken
 *                                      └─▶ time is over:         d/id expired
 */
export class Barrier {
  readonly #store: Store
  readonly #options: BarrierOptions
  readonly #rounds: Rounds<Meeting, Arrivals, Gathering>
  /** Meetings this agent has come to and waits at. */
  readonly #came = new Map<string, number>()
  readonly #callOff: () => void

  constructor(store: Store, options: BarrierOptions) {
    this.#store = store
    this.#options = options
    const matter = {
      root: ROOT,
      begin: () => ({ arrived: new Map(), dead: new Set<string>(), hasArrived: false, isOverdue: false }),
      readOpening: readMeeting,
      readOutcome: readGathering,
      take({ arrived }: Arrivals, _letter: string, agent: string, value: string) {
        const arrival = readArrival(value)
        if (arrival !== undefined) arrived.set(agent, arrival)
      },
      onOpen: (round: Awaited, meeting: Meeting) => {
        this.#rounds.after(round, meeting.timeoutMs, () => this.#expire(round))
        this.#lookAfter(round, meeting)
      },
      serve: (round: Awaited, meeting: Meeting) => this.#serve(round, meeting),
      onEnd() {},
      isMine: ({ decidedBy }: Gathering) => decidedBy === options.agent,
    }
    this.#rounds = new Rounds(store, matter, options.clock, options.keepMs)
    this.#callOff = options.lives.onChange(() => {
      for (const { round } of this.#rounds.underWay()) this.#lookAfter(round, round.opening as Meeting)
    })
  }

  /**
   * Comes to a meeting, and waits until it has ended. Who calls it first says who is to come and for how long.
   *
   * Throws SBX_AGENT_INVALID where it is none.
   */
  async meet(meeting: Meeting): Promise<MeetingResult> {
    const fault = findMeetingFault(meeting)
    if (fault !== undefined) throw new SignalboxError('SBX_AGENT_INVALID', `Cannot meet: ${fault}`)
    const id = idOf({ type: 'barrier', subject: meeting.name, episode: meeting.episode })
    this.#came.set(id, (this.#came.get(id) ?? 0) + 1)
    this.#rounds.open(id, meeting, meeting.timeoutMs)
    const ending = this.#rounds.result(id, meeting.timeoutMs)
    this.#rounds.serve(id)
    const { outcome, fence } = (await ending) ?? {}
    const waiting = (this.#came.get(id) as number) - 1
    if (waiting === 0) this.#came.delete(id)
    else this.#came.set(id, waiting)
    if (outcome === undefined || fence === undefined) return { status: 'unknown', fence: 0, missing: [], dead: [] }
    return { status: outcome.status, fence, missing: outcome.missing, dead: outcome.dead }
  }

  /** Meetings that are under way and for how long, in ms, the oldest first. */
  underWay(): { readonly meeting: Meeting; readonly ageMs: number }[] {
    return this.#rounds.underWay().map(({ round, ageMs }) => ({ meeting: round.opening as Meeting, ageMs }))
  }

  /** Waits no more; who does gets `unknown`. */
  close(): void {
    this.#callOff()
    this.#rounds.close()
  }

  #serve(round: Awaited, meeting: Meeting): void {
    const { id, state } = round
    const { agent, incarnation } = this.#options
    const isExpected = meeting.participants.some(each => each.agent === agent && counts(each, { incarnation }))
    if (isExpected && !state.hasArrived && this.#came.has(id)) {
      state.hasArrived = true
      this.#rounds.add(round, 'v', agent, () => ({ incarnation }) satisfies Arrival)
    }
    if (this.#end(meeting, state) !== undefined) {
      this.#rounds.decide(round, () => ({ ...this.#end(meeting, state), decidedBy: agent }) as Gathering)
    }
  }

  #end(meeting: Meeting, { arrived, dead, isOverdue }: Arrivals): Omit<Gathering, 'decidedBy'> | undefined {
    return gather(meeting, arrived, dead, isOverdue)
  }

  #expire({ id, state }: Awaited): void {
    state.isOverdue = true
    this.#rounds.serve(id)
  }

  /** Looks whether those who have not come live. */
  #lookAfter(round: Awaited, meeting: Meeting): void {
    const missing = new Set(missingOf(meeting, round.state.arrived))
    for (const { agent, incarnation } of meeting.participants) {
      if (incarnation === undefined || !missing.has(agent)) continue
      if (this.#options.lives.find(agent)?.incarnation === incarnation) continue
      void this.#lookFor(round, { agent, incarnation })
    }
  }

  /** The copy that is looked into may be late, so the store is asked: first for its lease, then whether it had come before that ran out. */
  async #lookFor(round: Awaited, life: Voter): Promise<void> {
    try {
      if (!(await this.#options.lives.isGone(life))) return
      const arrival = await this.#store.get(`${ROOT}v/${round.id}/${life.agent}`)
      if (arrival !== undefined && counts(life, readArrival(arrival.value))) return
    } catch {
      this.#rounds.after(round, AGAIN_MS, () => void this.#lookFor(round, life))
      return
    }
    round.state.dead.add(life.agent)
    this.#rounds.serve(round.id)
  }
}

const STATUSES: ReadonlySet<unknown> = new Set(['passed', 'expired', 'broken'] satisfies Gathering['status'][])

/** What others wrote is looked at before it is believed; undefined where it is not what it should be. */
function readMeeting(value: string): Meeting | undefined {
  const meeting = readRecord(value) as Meeting | undefined
  return meeting !== undefined && findMeetingFault(meeting) === undefined ? meeting : undefined
}

function readArrival(value: string): Arrival | undefined {
  const arrival = readRecord(value) as Arrival | undefined
  return Number.isSafeInteger(arrival?.incarnation) ? arrival : undefined
}

function readGathering(value: string): Gathering | undefined {
  const gathering = readRecord(value) as Gathering | undefined
  if (gathering === undefined || !STATUSES.has(gathering.status)) return undefined
  return Array.isArray(gathering.missing) && Array.isArray(gathering.dead) ? gathering : undefined
}
