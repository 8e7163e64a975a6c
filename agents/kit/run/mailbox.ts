import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import type { DeadLetters } from './dead-letters.ts'
import { Fifo } from './fifo.ts'

/** Room of a mailbox: some seconds of signals for an agent that is busy, some hundred kilobytes for the process. */
export const MAILBOX_SIGNALS = 1024

/** A signal that waits, and what is known of where it came from. */
export interface Waiting<To> {
  readonly signal: Signal
  /** Whom within the agent it is for; undefined: whoever listens to its type. */
  readonly to?: To
  /** The agent told itself. */
  readonly isOwn: boolean
}

type Line = 'own' | 'telemetry' | 'facts' | 'promises'

/**
 * Signals an agent has not yet dealt with, oldest first. What others send is bounded; when there is no room, this gives way:
 *
 *   arrives        telemetry waits       no telemetry, a fact waits       only promises wait
 *   telemetry      the oldest of it      it itself                        it itself
 *   fact           the oldest of it      the oldest fact                  it itself
 *   promise        the oldest of it      it itself, it is rejected        it itself, it is rejected
 *
 * A promise is a signal whose kind says `overflow: 'reject'`: once it waits it will be heard. Whatever gives way is a dead letter.
 *
 * What an agent sends itself (its timers, the results of its actions) is never dropped: it is bounded by what the agent
 * has begun, and one that is lost would end a chain for good.
 *
 * There is one line for each of the four, and the numbers that signals got when they came say whose turn it is: so the oldest of a
 * line can leave from the midst of all in one step.
 */
export class Mailbox<To = string> {
  readonly deadLetters: DeadLetters
  readonly #room: number
  readonly #lines: Record<Line, Fifo<Numbered<To>>> = {
    own: new Fifo(),
    telemetry: new Fifo(),
    facts: new Fifo(),
    promises: new Fifo(),
  }
  #came = 0
  #dropped = 0

  constructor(deadLetters: DeadLetters, room = MAILBOX_SIGNALS) {
    this.deadLetters = deadLetters
    this.#room = room
  }

  get length(): number {
    return this.#lines.own.length + this.#foreign
  }

  /** Signals of others that gave way, or were rejected. */
  get dropped(): number {
    return this.#dropped
  }

  /** Puts in a signal of another agent. False: it does not wait, for want of room; it is a dead letter. */
  put(signal: Signal, kind: Pick<AnySignalKind, 'isTelemetry' | 'overflow'>): boolean {
    if (this.#foreign >= this.#room && !this.#makeRoom(kind)) {
      this.#drop(signal, kind, kind.overflow === 'reject' ? 'rejected' : 'overflow')
      return false
    }
    this.#lines[lineOf(kind)].push({ number: this.#came++, signal, to: undefined, kind })
    return true
  }

  /** Puts in a signal of the agent to itself. */
  putOwn(signal: Signal, to?: To): void {
    this.#lines.own.push({ number: this.#came++, signal, to, kind: undefined })
  }

  /** The oldest signal; undefined when none waits. */
  take(): Waiting<To> | undefined {
    const { own, telemetry, facts, promises } = this.#lines
    let first = own
    for (const line of [telemetry, facts, promises]) {
      if ((line.peek()?.number ?? Infinity) < (first.peek()?.number ?? Infinity)) first = line
    }
    const taken = first.take()
    if (taken === undefined) return undefined
    const { signal, to } = taken
    return to === undefined ? { signal, isOwn: first === own } : { signal, to, isOwn: first === own }
  }

  get #foreign(): number {
    const { telemetry, facts, promises } = this.#lines
    return telemetry.length + facts.length + promises.length
  }

  /** Drops what gives way to a signal of this kind. False: nothing does. */
  #makeRoom(kind: Pick<AnySignalKind, 'isTelemetry' | 'overflow'>): boolean {
    const { telemetry, facts } = this.#lines
    const victim = telemetry.take() ?? (lineOf(kind) === 'facts' ? facts.take() : undefined)
    if (victim === undefined) return false
    this.#drop(victim.signal, victim.kind, 'overflow')
    return true
  }

  #drop(signal: Signal, kind: Pick<AnySignalKind, 'isTelemetry'> | undefined, reason: 'overflow' | 'rejected'): void {
    this.#dropped++
    this.deadLetters.add(signal, kind, reason)
  }
}

interface Numbered<To> {
  readonly number: number
  readonly signal: Signal
  readonly to: To | undefined
  /** Undefined for the agent's own. */
  readonly kind: Pick<AnySignalKind, 'isTelemetry' | 'overflow'> | undefined
}

/** Telemetry gives way first whatever its kind says of overflow. */
function lineOf({ isTelemetry, overflow }: Pick<AnySignalKind, 'isTelemetry' | 'overflow'>): Line {
  if (isTelemetry) return 'telemetry'
  return overflow === 'reject' ? 'promises' : 'facts'
}
