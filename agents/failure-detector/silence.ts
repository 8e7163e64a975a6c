import { elapsedMs } from '../../engine/writer.ts'
import { bucketOf, newHistogram, quantileOf, volumeOf } from '../kit/run/latency-buckets.ts'
import { Gaps } from './gaps.ts'

/** What the tables say of an endpoint at one look. */
export interface Look {
  readonly row: number
  readonly generation: number
  readonly service: number
  /** Requests to it so far that were answered or failed; modulo 2^32. */
  readonly answered: number
  /** Requests sent to it so far; modulo 2^32. */
  readonly picked: number
  /** For how long its oldest request has waited for a response head, in ms; −1: none does. */
  readonly waitedMs: number
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
  lookedMs: number
  answered: number
  answeredMs: number
  /** Requests that had been sent to it when it answered last. */
  picked: number
  /** Since when several more have been. */
  severalMs: number | undefined
  toldMs: number | undefined
  readonly gaps: Gaps
}

interface Usual {
  answeredMs: number
  histogram: Uint32Array
  before: Uint32Array
  sinceMs: number
  /** Answers since then. */
  volume: number
}

/** Without an answer to several requests it is no matter of one that takes long. */
const SEVERAL = 3
/** How long an answer may take beyond what nearly all take, as a factor. Below five, tails of healthy services begin to look dead. */
const PATIENCE = 5
const QUANTILE = 0.99
/**
 * What is usual is that of this window and of the one before, in ms. It is as short as there are answers enough to tell a hundredth of
 * them: a start with cold code, or a moment in which the machine was busy, would else hide who freezes soon after.
 */
const WINDOW_MS = 5000
const BUSY_WINDOW_MS = 1000
const BUSY_VOLUME = 100
/** Answers it takes to know what is usual. */
const VOLUME_MIN = 20
/** A look that comes later than this, in ms: this machine was busy, and silence says nothing about endpoints. */
const LATE_MS = 100
/** With very many endpoints looks are further apart, and none is late within so many times that. */
const LATE_LOOKS = 2
/** Who is silent still is told of again after this, in ms: it may not have been possible to act on it. */
const AGAIN_MS = 500

/**
 * Notices endpoints that have fallen silent: frozen, cut off without a word, stuck. No request to them fails for long, and
 * nothing else would tell.
 *
 *   silent(e) = how long e keeps its oldest request waiting for a head, counted from its last answer at the earliest
 *   limit     = max(floor, 5 × the latency that 99 % of the service's requests did not exceed of late)
 *   convicted   silent(e) > limit, another endpoint of the service has answered meanwhile, and
 *               three requests were sent to e since its last answer, the third of them limit ÷ 2 ago,
 *               or silent(e) > 2 × the longest time between two answers of e of late
 *
 * So neither a stream that goes on for hours convicts anybody, nor a slow answer among quick ones, nor a pause of the whole
 * service, nor a look that came late because this machine was starved. Nor one slow request to an endpoint that has few: that nothing
 * else is answered there meanwhile is usual.
 */
export class SilenceWatch {
  /** By service: silence that nobody is convicted below, in ms; 0: nobody is. */
  floorsMs: readonly number[] = []
  readonly #rows = new Map<number, Known>()
  readonly #services: Usual[] = []

  /** Takes in what is usual: latencies of answers, µs. */
  learn(service: number, latenciesUs: readonly number[], now: number): void {
    const usual = this.#usual(service, now)
    if (elapsedMs(now, usual.sinceMs) > (usual.volume >= BUSY_VOLUME ? BUSY_WINDOW_MS : WINDOW_MS)) {
      usual.before = usual.histogram
      usual.histogram = newHistogram()
      usual.sinceMs = now
      usual.volume = 0
    }
    usual.volume += latenciesUs.length
    for (const us of latenciesUs) usual.histogram[bucketOf(us)]!++
  }

  /** Who is silent now. Looks come every so many ms, or later. */
  look(looks: readonly Look[], now: number, everyMs = 0): Silent[] {
    const lateMs = Math.max(LATE_MS, LATE_LOOKS * everyMs)
    for (const look of looks) this.#follow(look, now, lateMs)
    return looks.flatMap(look => this.#judge(look, now))
  }

  #follow({ row, generation, service, answered, picked }: Look, now: number, lateMs: number): void {
    const known = this.#rows.get(row)
    const isSame = known?.generation === generation
    // Answers from before the first look say nothing of when they came.
    if (known !== undefined && !(isSame && known.answered === answered)) this.#usual(service, now).answeredMs = now
    // Nor is known what was between two looks of which the second came late, or before it was back.
    const isSeen = isSame && elapsedMs(now, known.lookedMs) <= lateMs
    if (isSeen && known.answered === answered) {
      known.lookedMs = now
      if (known.severalMs === undefined && ((picked - known.picked) | 0) >= SEVERAL) known.severalMs = now
      return
    }
    const gaps = isSame ? known.gaps : new Gaps(now)
    if (isSeen) gaps.add(elapsedMs(now, known.answeredMs), now)
    const toldMs = isSame && known.answered === answered ? known.toldMs : undefined
    const fresh = { generation, lookedMs: now, answered, answeredMs: now, picked, severalMs: undefined, toldMs, gaps }
    this.#rows.set(row, fresh)
  }

  #judge({ row, generation, service, waitedMs }: Look, now: number): Silent[] {
    const floorMs = this.floorsMs[service] ?? 0
    const known = this.#rows.get(row)
    const usual = this.#services[service]
    if (known === undefined || usual === undefined || floorMs === 0 || waitedMs < 0) return []
    const silentMs = Math.min(waitedMs, elapsedMs(now, known.answeredMs))
    if (silentMs <= floorMs) return []
    const limitMs = Math.max(floorMs, (PATIENCE * usualUs(usual)) / 1000)
    const isAlone = elapsedMs(now, usual.answeredMs) >= silentMs
    if (silentMs <= limitMs || isAlone) return []
    const isSeveral = known.severalMs !== undefined && elapsedMs(now, known.severalMs) > limitMs / 2
    if (!isSeveral && silentMs <= 2 * known.gaps.longestMs) return []
    if (known.toldMs !== undefined && elapsedMs(now, known.toldMs) < AGAIN_MS) return []
    known.toldMs = now
    return [{ row, generation, silentMs, limitMs: Math.round(limitMs) }]
  }

  #usual(service: number, now: number): Usual {
    return (this.#services[service] ??= {
      answeredMs: now,
      histogram: newHistogram(),
      before: newHistogram(),
      sinceMs: now,
      volume: 0,
    })
  }
}

/** Infinity as long as too little is known: nobody is convicted by what is usual before anything is. */
function usualUs({ histogram, before }: Usual): number {
  const known = [before, histogram].filter(part => volumeOf(part) >= VOLUME_MIN)
  return known.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...known.map(part => quantileOf(part, QUANTILE)))
}
