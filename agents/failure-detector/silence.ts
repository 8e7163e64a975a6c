import { elapsedMs } from '../../engine/writer.ts'
import { bucketOf, newHistogram, quantileOf, volumeOf } from './latency-buckets.ts'

/** What the tables say of an endpoint at one look. */
export interface Look {
  readonly row: number
  readonly generation: number
  readonly service: number
  /** Requests sent to it so far, and those of them that were answered or failed; withdrawn ones are neither. */
  readonly picked: number
  readonly answered: number
  readonly inflight: number
}

/** An endpoint that should have answered by now. */
export interface Silent {
  readonly row: number
  readonly generation: number
  readonly silentMs: number
  readonly limitMs: number
}

interface Known {
  generation: number
  answered: number
  /** What was picked when it last answered: what was picked since is still to be answered. */
  pickedThen: number
  /** Since when something that was sent after its last answer waits; undefined while nothing does. */
  sinceMs: number | undefined
}

/** How long an answer may take beyond what nearly all take, as a factor. Above five, tails of healthy services begin to look dead. */
const PATIENCE = 5
const QUANTILE = 0.99
/** The usual latency is that of this window and of the one before, in ms: a freeze that is over is soon forgotten. */
const WINDOW_MS = 5000
/** Answers it takes to know what is usual. */
const VOLUME_MIN = 20
/** A look that comes later than this, in ms: this machine was busy, and silence says nothing about endpoints. */
const LATE_MS = 100

/**
 * Notices endpoints that have fallen silent: frozen, cut off without a word, stuck. No request to them fails for long, and
 * nothing else would tell.
 *
 *   silent(e) = time since the first request that e was sent after its last answer, while none came
 *   limit     = max(floor, 5 × the latency that 99 % of the service's requests did not exceed of late)
 *   convicted   silent(e) > limit, and another endpoint of the service has answered meanwhile
 *
 * So neither a long poll that was there before convicts anybody, nor a pause of the whole service, nor a look that came late
 * because this machine was starved.
 */
export class SilenceWatch {
  readonly #rows = new Map<number, Known>()
  readonly #services: { answeredMs: number; histogram: Uint32Array; before: Uint32Array; sinceMs: number }[] = []
  #lookedMs: number | undefined

  /** Takes in what is usual: latencies of answers, µs. */
  learn(service: number, latenciesUs: readonly number[], now: number): void {
    const known = this.#service(service, now)
    if (elapsedMs(now, known.sinceMs) > WINDOW_MS) {
      known.before = known.histogram
      known.histogram = newHistogram()
      known.sinceMs = now
    }
    for (const us of latenciesUs) known.histogram[bucketOf(us)]!++
  }

  /** Who is silent now. `floorMs` by service: what nobody is convicted below; 0: nobody is. */
  look(looks: readonly Look[], floorMs: (service: number) => number, now: number): Silent[] {
    const isLate = this.#lookedMs !== undefined && elapsedMs(now, this.#lookedMs) > LATE_MS
    this.#lookedMs = now
    for (const look of looks) this.#follow(look, isLate, now)
    return looks.flatMap(look => this.#judge(look, floorMs(look.service), now))
  }

  #follow({ row, generation, service, picked, answered, inflight }: Look, isLate: boolean, now: number): void {
    const known = this.#rows.get(row)
    if (known === undefined || known.generation !== generation) {
      this.#rows.set(row, { generation, answered, pickedThen: picked, sinceMs: undefined })
      return
    }
    if (answered !== known.answered) {
      this.#service(service, now).answeredMs = now
      known.answered = answered
      known.pickedThen = picked
      known.sinceMs = undefined
    } else if (inflight === 0) {
      // Nobody waits any more: what was sent was withdrawn.
      known.pickedThen = picked
      known.sinceMs = undefined
    } else if (picked !== known.pickedThen) {
      known.sinceMs = known.sinceMs === undefined || isLate ? now : known.sinceMs
    }
  }

  #judge({ row, generation, service }: Look, floorMs: number, now: number): Silent[] {
    const sinceMs = this.#rows.get(row)?.sinceMs
    const of = this.#services[service]
    if (sinceMs === undefined || floorMs === 0 || of === undefined || elapsedMs(of.answeredMs, sinceMs) <= 0) return []
    const limitMs = Math.max(floorMs, (PATIENCE * this.#usualUs(of)) / 1000)
    const silentMs = elapsedMs(now, sinceMs)
    return silentMs > limitMs ? [{ row, generation, silentMs, limitMs: Math.round(limitMs) }] : []
  }

  #usualUs({ histogram, before }: { histogram: Uint32Array; before: Uint32Array }): number {
    const both = [before, histogram].filter(part => volumeOf(part) >= VOLUME_MIN)
    // Nobody is convicted by what is usual before anything is.
    return both.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...both.map(part => quantileOf(part, QUANTILE)))
  }

  #service(service: number, now: number) {
    return (this.#services[service] ??= {
      answeredMs: now,
      histogram: newHistogram(),
      before: newHistogram(),
      sinceMs: now,
    })
  }
}
