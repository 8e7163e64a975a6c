import type { Signal } from './signal.ts'

/** Room of a mailbox: some seconds of signals for an agent that is busy, some hundred kilobytes for the process. */
export const MAILBOX_SIGNALS = 1024

/**
 * Signals an agent has not yet dealt with, oldest first. What others send is bounded: when there is no room, their
 * oldest telemetry gives way, and only without any their oldest fact. What is dropped is counted, never waited for.
 *
 * What an agent sends itself (its timers, the results of its actions) is never dropped: it is bounded by what the agent
 * has begun, and one that is lost would end a chain for good.
 */
export class Mailbox {
  dropped = 0
  readonly #room: number
  readonly #isTelemetry: (signal: Signal) => boolean
  readonly #waiting: { readonly signal: Signal; readonly isOwn: boolean }[] = []
  #foreign = 0

  constructor(isTelemetry: (signal: Signal) => boolean, room = MAILBOX_SIGNALS) {
    this.#isTelemetry = isTelemetry
    this.#room = room
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Puts in a signal of another agent. */
  put(signal: Signal): void {
    if (this.#foreign >= this.#room) this.#drop()
    this.#foreign++
    this.#waiting.push({ signal, isOwn: false })
  }

  /** Puts in a signal of the agent to itself. */
  putOwn(signal: Signal): void {
    this.#waiting.push({ signal, isOwn: true })
  }

  take(): Signal | undefined {
    const first = this.#waiting.shift()
    if (first?.isOwn === false) this.#foreign--
    return first?.signal
  }

  #drop(): void {
    let victim = this.#waiting.findIndex(({ signal, isOwn }) => !isOwn && this.#isTelemetry(signal))
    if (victim < 0) victim = this.#waiting.findIndex(({ isOwn }) => !isOwn)
    this.#waiting.splice(victim, 1)
    this.#foreign--
    this.dropped++
  }
}
