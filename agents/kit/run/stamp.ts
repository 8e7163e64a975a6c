import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { Draft, Signal } from '../grammar/signal.ts'
import { sourceOf } from '../grammar/source.ts'

/**
 * Turns drafts into signals: id, source, time, and the signal they follow from. What follows from a signal of a trace is part of that
 * trace, as a span of its own (W3C Trace Context).
 *
 * An id is a UUID version 7: 48 bits of wall clock, 12 bits that count within one millisecond, 62 bits of dice. The
 * clock part never goes back, so the ids of one source grow even when the wall clock is set back.
 */
export class Stamp {
  readonly source: string
  readonly #clock: Clock
  readonly #dice: Dice
  #lastMs = 0
  #count = 0
  #head = ''
  #timeMs = Number.NaN
  #time = ''

  constructor(name: string, clock: Clock, dice: Dice) {
    this.source = sourceOf(name)
    this.#clock = clock
    this.#dice = dice
  }

  signal<Type extends string, Body>(draft: Draft<Type, Body>, cause: Signal | undefined): Signal<Type, Body> {
    const wallMs = this.#clock.wallMs()
    return {
      id: this.#id(wallMs),
      specversion: '1.0',
      type: draft.type,
      source: this.source,
      ...(draft.subject === undefined ? {} : { subject: draft.subject }),
      time: this.#timeOf(wallMs),
      data: draft.data,
      ...(cause === undefined ? {} : { causationid: cause.id }),
      ...(cause?.traceparent === undefined ? {} : { traceparent: this.#nextSpan(cause.traceparent) }),
    }
  }

  /** The same trace and flags, another span. An id of all zeroes would be none: its last part is thrown from 1 up. */
  #nextSpan(traceparent: string): string {
    const [, trace, , flags] = traceparent.split('-')
    const span = hex(Math.floor(this.#dice() * 2 ** 32), 8) + hex(1 + Math.floor(this.#dice() * (2 ** 32 - 1)), 8)
    return `00-${trace}-${span}-${flags}`
  }

  #timeOf(wallMs: number): string {
    if (wallMs !== this.#timeMs) {
      this.#timeMs = wallMs
      this.#time = new Date(wallMs).toISOString()
    }
    return this.#time
  }

  #id(wallMs: number): string {
    if (wallMs > this.#lastMs) {
      this.#begin(wallMs)
    } else if (++this.#count > 0xfff) {
      this.#begin(this.#lastMs + 1)
    }
    const variant = hex(0x8000 | Math.floor(this.#dice() * 0x4000), 4)
    const rest = hex(Math.floor(this.#dice() * 2 ** 48), 12)
    return `${this.#head}${hex(this.#count, 3)}-${variant}-${rest}`
  }

  /** What all ids of a millisecond begin with is spelled once. */
  #begin(ms: number): void {
    this.#lastMs = ms
    this.#count = 0
    const time = hex(ms, 12)
    this.#head = `${time.slice(0, 8)}-${time.slice(8)}-7`
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
