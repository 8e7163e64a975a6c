import type { Cause, EventMessage, HeardEvent, Hearing, HearWish, NotTold, Told } from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import { check, trusts } from '../grammar/schema.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import type { Delivery } from '../run/delivery.ts'
import { SignalRoutes } from '../run/signal-routes.ts'
import type { RowRef } from '../table-port.ts'
import { encodeEvent, eventOf, signalOf } from './cloud-event.ts'
import { show } from './cloud-event-attributes.ts'
import { decodeHttp } from './cloud-event-http.ts'
import type { Journal } from './journal.ts'

/** What strangers say may be long; above this the journal keeps its attributes alone, so that ten thousand of them stay some megabytes. */
const KEPT_BYTES_MAX = 4_096

/** Why those that listen have not taken it. */
const FAULTS = {
  unknown: 'no agent that runs listens to its type and can check what it carries',
  silent: 'a thread of agents has not said in time whether it is taken, it may be heard yet',
  full: 'who listens to it has no room for it now',
} as const

/** What a desk does its work with. */
export interface DeskPorts {
  readonly clock: Pick<Clock, 'wallMs'>
  readonly journal: Journal
  /** Kinds whose schemas are known on this side; what they refuse is not handed on. */
  readonly kinds: readonly AnySignalKind[]
  /** Hands a signal to every agent that listens to its type. */
  deliver(signal: Signal): Promise<Delivery>
  /** Where an endpoint stands in the tables. */
  rowOf(service: string, id: string): RowRef | undefined
}

/**
 * Where the world outside meets the signals: it hears the facts, tells the agents something, and asks why a word is what it is.
 *
 *   agents ── told ──▶ journal ──▶ feed ──▶ whoever hears          POST ──▶ checked ──▶ deliver ──▶ agents
 */
export class SignalDesk {
  /** Facts that could not be written as events, so that nobody heard them. */
  unheard = 0
  readonly #ports: DeskPorts
  readonly #kinds: ReadonlyMap<string, AnySignalKind>
  readonly #feed = new SignalRoutes<(event: HeardEvent) => void>()

  constructor(ports: DeskPorts) {
    this.#ports = ports
    this.#kinds = new Map(ports.kinds.map(kind => [kind.type, kind]))
  }

  /** An agent has told a fact. */
  told(signal: Signal): void {
    this.#ports.journal.told(signal)
    this.#say(signal)
  }

  /** See RunningControl.hear. */
  hear({ types = ['**'], after }: HearWish, onEvent: (event: HeardEvent) => void): Hearing {
    // Each listener is a target of its own, also where one function listens twice.
    const listener = (event: HeardEvent): void => onEvent(event)
    const wanted = new SignalRoutes<true>()
    for (const type of types) wanted.add(type, true)
    const removals = types.map(type => this.#feed.add(type, listener))
    const missed = after === undefined ? [] : this.#ports.journal.after(after)
    for (const signal of missed ?? []) {
      const event = wanted.targets(signal.type).length > 0 ? this.#eventOf(signal) : undefined
      if (event !== undefined) onEvent(event)
    }
    return { isResumed: missed !== undefined, stop: () => removals.forEach(remove => void remove()) }
  }

  /**
   * See RunningControl.tell. Of several events, all are checked before the first is handed on; when one finds no room, those after it
   * are not tried, and the fault says from where to go on.
   */
  async tell(message: EventMessage): Promise<Told> {
    const received = decodeHttp(message)
    if (!received.isGood) return { isTaken: false, because: received.because, fault: received.fault }
    const time = new Date(this.#ports.clock.wallMs()).toISOString()
    const signals: Signal[] = []
    for (const event of received.events) {
      const signal = signalOf(event, time)
      const checked = this.#check(signal)
      if (!('id' in checked)) return checked
      signals.push(checked)
    }
    for (const [at, signal] of signals.entries()) {
      const delivery = await this.#ports.deliver(signal)
      if (delivery.kind === 'taken') {
        this.#note(signal, message.body.length)
        continue
      }
      const from = at === 0 ? '' : ` (those before it were taken, go on from this one)`
      if (delivery.kind === 'invalid') return notTold('invalid', signal, delivery.fault + from)
      return notTold(delivery.kind, signal, FAULTS[delivery.kind] + from)
    }
    return { isTaken: true, ids: signals.map(({ id }) => id) }
  }

  /** See RunningControl.explain; empty for an endpoint that is not there. */
  explain(service: string, id: string): Readonly<Record<string, Cause>> {
    const row = this.#ports.rowOf(service, id)
    const [explanation] = row === undefined ? [] : this.#ports.journal.explain([row])
    return explanation === undefined ? {} : { ...explanation.columns }
  }

  /** A signal from outside as its kind wants it, or why it is not taken. A kind that only agents know is checked where they are, or refused there. */
  #check(signal: Signal): Signal | Told {
    const kind = this.#kinds.get(signal.type)
    if (kind === undefined) return signal
    // What agents trust is never taken from strangers.
    if (trusts(kind.data)) return notTold('unknown', signal, 'its type has no schema, so it is not taken from outside')
    const verdict = check(kind.data, signal.data)
    return verdict.isGood ? { ...signal, data: verdict.value } : notTold('invalid', signal, verdict.fault)
  }

  /** It is a fact like any other: what follows from it shall lead back to it. */
  #note(signal: Signal, bytes: number): void {
    if (this.#kinds.get(signal.type)?.isTelemetry) return
    this.#ports.journal.told(bytes > KEPT_BYTES_MAX ? { ...signal, data: null } : signal)
    this.#say(signal)
  }

  #say(signal: Signal): void {
    const listeners = this.#feed.targets(signal.type)
    if (listeners.length === 0) return
    const event = this.#eventOf(signal)
    if (event !== undefined) for (const listener of listeners) listener(event)
  }

  #eventOf(signal: Signal): HeardEvent | undefined {
    try {
      return { id: signal.id, json: encodeEvent(eventOf(signal)) }
    } catch {
      // Nobody asked for this very one: that it cannot be told is counted.
      this.unheard++
      return undefined
    }
  }
}

function notTold(because: Exclude<NotTold, 'format'>, { id, type }: Signal, fault: string): Told {
  return { isTaken: false, because, fault: `event ${show(id)} of ${show(type)}: ${fault}` }
}
