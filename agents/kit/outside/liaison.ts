import {
  type AgentDeadLetters,
  type Attachment,
  type Cause,
  type EventMessage,
  type HeardEvent,
  type Hearing,
  type HearWish,
  SignalboxError,
  type Told,
} from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { AnySignalKind, Draft, Signal } from '../grammar/signal.ts'
import type { AgentReport } from '../member/status.ts'
import { type Delivery, overAll } from '../run/delivery.ts'
import { Stamp } from '../run/stamp.ts'
import type { RowRef } from '../table-port.ts'
import { Journal, type Written } from './journal.ts'
import { SignalDesk } from './signal-desk.ts'

/** A thread of agents, as whoever speaks to its agents needs it. Each call may wait for the thread's next turn. */
export interface Hearer {
  /** Hears what no agent says: what is not checked is not taken. */
  hear(signal: Signal): Promise<Delivery>
  deadLetters(): Promise<AgentDeadLetters[]>
  redrive(agent: string | undefined): Promise<number>
}

export interface LiaisonPorts {
  readonly clock: Clock
  readonly dice: Dice
  readonly attachment: Attachment
  /** Kinds whose schemas are known on this side. */
  readonly kinds: readonly AnySignalKind[]
  /** The threads that run now. */
  hearers(): readonly Hearer[]
  /** Whether an agent of this name is in the roster. */
  knows(agent: string): boolean
  /** How an agent stands, in a few words, for whoever waits for it in vain. */
  describe(): string
}

/** What was asked from outside and waits for its answer. */
interface Question {
  readonly type: string
  onAnswer(signal: Signal): void
}

/**
 * Between the agents and whoever is none: keeps the journal of what they told and wrote, lets others hear and tell, ask and look
 * why a word is what it is.
 *
 *   threads ── told · wrote · reported ──▶ liaison ──▶ log · feed · explain · reports
 *      ▲                                      │
 *      └────────── hear · redrive ◀───────────┘◀── tell · ask
 */
export class Liaison {
  readonly journal = new Journal()
  readonly #ports: LiaisonPorts
  readonly #desk: SignalDesk
  readonly #stamp: Stamp
  readonly #reports = new Map<string, AgentReport>()
  readonly #questions = new Map<string, Question>()
  readonly #kinds: ReadonlyMap<string, AnySignalKind>

  constructor(ports: LiaisonPorts) {
    this.#ports = ports
    this.#kinds = new Map(ports.kinds.map(kind => [kind.type, kind]))
    this.#stamp = new Stamp('outside', ports.clock, ports.dice)
    this.#desk = new SignalDesk({
      clock: ports.clock,
      journal: this.journal,
      kinds: ports.kinds,
      deliver: signal => this.#deliver(signal),
      rowOf: (service, id) => rowOf(ports.attachment, service, id),
    })
  }

  /** An agent has told a fact. What it told itself on the way there is noted with it. */
  told(signal: Signal, trail: readonly Signal[]): void {
    this.#note(trail)
    this.#desk.told(signal)
    const question = signal.causationid === undefined ? undefined : this.#questions.get(signal.causationid)
    if (question !== undefined && this.#answers(signal, question)) question.onAnswer(signal)
  }

  /** An agent has set a word. */
  wrote(written: Written, trail: readonly Signal[]): void {
    this.#note(trail)
    this.journal.wrote(written)
  }

  reported(agent: string, report: AgentReport): void {
    this.#reports.set(agent, report)
  }

  /** What an agent last reported of itself; undefined before its first report. */
  report = (agent: string): AgentReport | undefined => this.#reports.get(agent)

  tell = (message: EventMessage): Promise<Told> => this.#desk.tell(message)

  hear = (wish: HearWish, onEvent: (event: HeardEvent) => void): Hearing => this.#desk.hear(wish, onEvent)

  explain = (service: string, id: string): Readonly<Record<string, Cause>> => this.#desk.explain(service, id)

  /**
   * Asks the agents from outside, and resolves with the first answer: a fact that follows from the question and whose kind says that it
   * answers it; of kinds that are not known on this side, the first that follows from it. Rejects with SBX_AGENT_SILENT when there is none within
   * `timeoutMs`, and says how the agents stand; with SBX_SIGNAL_… when it is not taken; with the reason of `signal` when that is aborted.
   */
  ask = async (draft: Draft, { timeoutMs, signal: abort }: AskOptions): Promise<Signal> => {
    abort?.throwIfAborted()
    const asked = this.#stamp.signal(draft, undefined)
    const { id, type } = asked
    return new Promise<Signal>((resolve, reject) => {
      const end = (then: () => void): void => {
        if (!this.#questions.delete(id)) return
        cancel()
        abort?.removeEventListener('abort', onAbort)
        then()
      }
      const onAbort = (): void => end(() => reject(abort!.reason))
      const cancel = this.#ports.clock.later(timeoutMs, () => end(() => reject(this.#silent(type, timeoutMs))))
      abort?.addEventListener('abort', onAbort, { once: true })
      this.#questions.set(id, { type, onAnswer: answer => end(() => resolve(answer)) })
      this.#desk.told(asked)
      void this.#deliver(asked).then(delivery => {
        // Who was silent may hear it yet, and answer in time.
        if (delivery.kind === 'taken' || delivery.kind === 'silent') return
        end(() => reject(notTaken(type, delivery)))
      })
    })
  }

  deadLetters = async (): Promise<AgentDeadLetters[]> => {
    const letters = await Promise.all(this.#ports.hearers().map(hearer => hearer.deadLetters()))
    return letters.flat()
  }

  /** Throws SBX_AGENT_UNKNOWN. */
  redrive = async (agent?: string): Promise<number> => {
    if (agent !== undefined && !this.#ports.knows(agent)) {
      throw new SignalboxError(
        'SBX_AGENT_UNKNOWN',
        `Cannot redrive what agent ${JSON.stringify(agent)} has not heard: it does not run here`,
      )
    }
    const redriven = await Promise.all(this.#ports.hearers().map(hearer => hearer.redrive(agent)))
    return redriven.reduce((sum, each) => sum + each, 0)
  }

  /** Other facts may follow from a question before its answer does. */
  #answers(signal: Signal, { type }: Question): boolean {
    const kind = this.#kinds.get(signal.type)
    return kind === undefined || kind.answers === type
  }

  async #deliver(signal: Signal): Promise<Delivery> {
    return overAll(await Promise.all(this.#ports.hearers().map(hearer => hearer.hear(signal))))
  }

  /** From the first to the last, as it happened. */
  #note(trail: readonly Signal[]): void {
    for (const signal of trail.toReversed()) this.journal.told(signal)
  }

  #silent(type: string, timeoutMs: number): SignalboxError {
    return new SignalboxError(
      'SBX_AGENT_SILENT',
      `Cannot get an answer to ${type}: none within ${timeoutMs} ms; the agents: ${this.#ports.describe()}`,
    )
  }
}

export interface AskOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

function notTaken(type: string, delivery: Exclude<Delivery, { kind: 'taken' | 'silent' }>): SignalboxError {
  switch (delivery.kind) {
    case 'invalid':
      return new SignalboxError('SBX_SIGNAL_INVALID', `Cannot ask ${type}: ${delivery.fault}`)
    case 'full':
      return new SignalboxError('SBX_SIGNAL_REFUSED', `Cannot ask ${type}: who listens to it has no room for it now`)
    case 'unknown':
      return new SignalboxError('SBX_SIGNAL_UNKNOWN', `Cannot ask ${type}: no agent that runs listens to it`)
  }
}

function rowOf(attachment: Attachment, service: string, id: string): RowRef | undefined {
  const rows = attachment.serviceTexts().find(({ text }) => !text.isGone && text.name === service)?.rows ?? []
  const row = rows.find(row => attachment.endpoint(row).id === id)
  return row === undefined ? undefined : { row, generation: attachment.endpoints.generation(row) }
}
