import { EJECTED, elapsedMs } from '../../engine/writer.ts'
import { type Directive, emit, writeEndpoint } from '../kit/grammar/directive.ts'
import type { RowRef } from '../kit/table-port.ts'
import type { EndpointView } from '../kit/tables.ts'
import { type EjectionCause, endpointEjected, endpointReturned } from '../signals.ts'
import { ejectionMs, ejectionsAfter, healthyIntervals, type Outlier } from './ejection.ts'
import type { Charge } from './judgement.ts'
import type { Drained } from './signals.ts'

/** The first ejection for silence, in ms. */
const SILENCE_MS = 1000

/** An endpoint that is ejected, or was of late. */
export interface Sentence extends RowRef {
  readonly service: string
  readonly id: string
  readonly outlier: Outlier
  readonly ejections: number
  /** What it is for; undefined where an earlier incarnation spoke it. */
  readonly because?: EjectionCause
  /** The clock when it ends; undefined when it is over and only the count remains. */
  readonly untilMs: number | undefined
  /** Active checks have failed since, as requests did: one that passes ends it. */
  readonly hasFailedChecks?: boolean
  /** Since when its healthy intervals are counted. */
  readonly healthyMs: number
}

/** What is known of an endpoint's ejections, or, if nothing is, what the table says. */
export function sentenceOf(
  known: Sentence | undefined,
  service: string,
  endpoint: EndpointView,
  outlier: Outlier,
  now: number,
): Sentence {
  const { row, generation, id, bars, ejections, ejectedUntilMs } = endpoint
  if (known?.generation === generation) return known
  const untilMs = (bars & EJECTED) !== 0 ? ejectedUntilMs : undefined
  return { row, generation, service, id, outlier, ejections, untilMs, healthyMs: now }
}

/** Ejects once more, for longer than the last time. `die` is from 0 to 1. */
export function eject(
  before: Sentence,
  { because, failures, found, limit }: Charge,
  die: number,
  now: number,
): { sentence: Sentence; directives: Directive[] } {
  const ejections = ejectionsAfter(before.outlier, before.ejections)
  const { outlier } = before
  // Who is silent may be back at any moment and cannot show it but by a request: it gets one soon, and less and less often.
  const baseEjection = because === 'silence' ? Math.min(outlier.baseEjection, SILENCE_MS) : outlier.baseEjection
  const forMs = ejectionMs({ ...outlier, baseEjection }, ejections, die)
  const untilMs = (now + forMs) | 0
  const sentence = { ...before, ejections, untilMs, because }
  const { row, generation, service, id } = sentence
  const told = { row, generation, service, id, because, failures, found, limit, ejections, forMs }
  return {
    sentence,
    directives: [
      // The bar last: whoever sees it finds how long it is meant to stay.
      writeEndpoint('ejections', sentence, ejections),
      writeEndpoint('ejectedUntilMs', sentence, untilMs),
      writeEndpoint('ejectedBar', sentence, 1),
      emit(endpointEjected.of(told, `${service}/${id}`)),
    ],
  }
}

/**
 * A check has failed meanwhile: it stays out for `forMs` more from now on at least, in which the next check will have come. `isTelling`: it has
 * failed as requests did, so that one that passes tells of a recovery.
 */
export function prolong(
  before: Sentence,
  isTelling: boolean,
  forMs: number,
  now: number,
): { sentence: Sentence; directives: Directive[] } {
  const isLonger = before.untilMs !== undefined && elapsedMs((now + forMs) | 0, before.untilMs) > 0
  const untilMs = isLonger ? (now + forMs) | 0 : before.untilMs
  const sentence = { ...before, untilMs, ...(isTelling && { hasFailedChecks: true }) }
  return { sentence, directives: isLonger ? [writeEndpoint('ejectedUntilMs', sentence, untilMs!)] : [] }
}

/** Lets it back. */
export function release(
  before: Sentence,
  because: 'time' | 'healthy' | 'answered',
  now: number,
): { sentence: Sentence; directives: Directive[] } {
  const { row, generation, service, id } = before
  return {
    sentence: { ...before, untilMs: undefined, hasFailedChecks: false, healthyMs: now },
    directives: [
      writeEndpoint('ejectedBar', before, 0),
      writeEndpoint('ejectedUntilMs', before, 0),
      emit(endpointReturned.of({ row, generation, service, id, because }, `${service}/${id}`)),
    ],
  }
}

/** Takes one ejection off for each healthy interval since it is back. */
export function forgive(sentence: Sentence, now: number): Sentence {
  if (sentence.untilMs !== undefined) return sentence
  const { passed, sinceMs } = healthyIntervals(sentence.outlier, sentence.healthyMs, now)
  if (passed === 0) return sentence
  return { ...sentence, ejections: Math.max(0, sentence.ejections - passed), healthyMs: sinceMs }
}

/**
 * The latencies that say what is usual. Those of requests that lay at an endpoint through a silence it was convicted of do not, or
 * the next silence would look like this one: usual. Only the shortest of those that were answered after all does: where a slow answer
 * is what convicts, it comes again and again, and is soon known to be usual.
 */
export function usualOf(
  { generation, ok, latencyUsMax, latenciesUs }: Pick<Drained, 'generation' | 'ok' | 'latencyUsMax' | 'latenciesUs'>,
  sentence: Pick<Sentence, 'generation' | 'because' | 'untilMs' | 'healthyMs'> | undefined,
  now: number,
): readonly number[] {
  if (sentence?.because !== 'silence' || sentence.generation !== generation) return latenciesUs
  const backMs = sentence.untilMs === undefined ? elapsedMs(now, sentence.healthyMs) : 0
  const hasLain = (us: number): boolean => us / 1000 >= backMs
  const answered = ok === 0 ? [] : latenciesUs.filter(us => hasLain(us) && us <= latencyUsMax)
  const usual = latenciesUs.filter(us => !hasLain(us))
  return answered.length === 0 ? usual : [...usual, Math.min(...answered)]
}
