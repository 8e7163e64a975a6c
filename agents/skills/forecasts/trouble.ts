import type { Config } from '../../../engine/writer.ts'
import { brierScore, type Calibration, calibrated } from './calibration.ts'
import { confidenceOf } from './confidence.ts'
import { type Evidence, RESOURCES, type Resource, samplesOf, signsOf } from './evidence.ts'
import { exhaustionOf } from './exhaustion.ts'
import { failureOdds, reasonsOf } from './failure-odds.ts'
import { windowsUntil } from './ramp.ts'
import { rampOf, rampWithin, timesUsual, USUAL_MIN, usualP95Us } from './usual-latency.ts'

export type Trouble = 'failure' | 'degradation' | 'exhaustion'
export const TROUBLES: readonly Trouble[] = ['failure', 'degradation', 'exhaustion']

/** The knobs of the predictor. */
export type TroubleRule = Pick<
  Config['agents']['predictor'],
  'horizon' | 'exhaustionHorizon' | 'latencyFactor' | 'latencyGoal' | 'minSamples' | 'probability'
>

/** … and how many endpoints are watched. */
export type Watch = TroubleRule & { readonly watched: number }

/** By trouble, what became of what was predicted. */
export type Calibrations = Readonly<Record<Trouble, Calibration>>

/** What is expected of an endpoint. */
export interface Expected {
  readonly what: Trouble
  /** Of exhaustion, what runs out. */
  readonly resource?: Resource
  /** As the model has it, and as such claims came out. */
  readonly claimed: number
  readonly probability: number
  readonly confidence: number
  readonly etaMs: number | null
  readonly reasons: readonly string[]
}

/**
 * Standard deviations at which a rise of latency is told of where four endpoints are watched. It is the same for all of them together: with
 * more it takes more, for chance beyond 4 falls by e with each quarter. Two endpoints, for which it is 4.03, were told of by chance alone 13
 * times in 20 hours of steady load.
 */
const RAMP_Z = 4.2
const RAMP_WATCHED = 4
const RAMP_TAIL = 0.24
/** Odds grow by e with each standard deviation. At the limit they are three to two. */
const RAMP_ODDS = 0.41
/** Of a line through p95s: less explains them too badly. Chance alone makes one of twenty this straight once in thirty thousand. */
const TAIL_R2 = 0.6
const TAIL_GROWTH = 0.3
/** Reports after which a line is as sure as it gets. */
const REPORTS_FULL = 20
/** Of what is told of nothing is certain. */
const MOST = 0.97

/**
 * All that is expected of an endpoint now, likely or not; nothing of one with too few readings.
 *
 *   failure       log-odds of its signs                              within `horizon`
 *   degradation   latency rises: by all of it, or by its p95         until `latencyFactor` × the usual p95, or `latencyGoal`
 *   exhaustion    a straight line through used memory, connections   until 1
 *
 * Confidence is that of three: how much there is to go by, how well the model fits, how true such claims were so far.
 */
export function predictFailures(rule: Watch, evidence: Evidence, known: Calibrations, now: number): Expected[] {
  const samples = samplesOf(evidence)
  if (samples < rule.minSamples) return []
  return [
    ...failureOf(rule, evidence, known.failure, samples),
    ...degradationOf(rule, evidence, known.degradation),
    ...exhaustionsOf(rule, evidence, known.exhaustion, now),
  ]
}

function failureOf(rule: TroubleRule, evidence: Evidence, known: Calibration, samples: number): Expected[] {
  const signs = signsOf(evidence)
  const claimed = failureOdds(signs)
  const share = Math.min(1, samples / (3 * rule.minSamples))
  const fit = Math.abs(2 * claimed - 1)
  return [expected('failure', claimed, known, [share, fit], claimed >= 0.5 ? rule.horizon / 2 : null, reasonsOf(signs))]
}

/** µs at which an endpoint is slow. */
export function slowUs(rule: TroubleRule, { latency }: Evidence): number {
  return rule.latencyGoal > 0 ? rule.latencyGoal * 1000 : rule.latencyFactor * usualP95Us(latency)
}

function degradationOf(rule: Watch, evidence: Evidence, known: Calibration): Expected[] {
  const { latency } = evidence
  if (latency.seconds < USUAL_MIN) return []
  const factor = slowUs(rule, evidence) / usualP95Us(latency)
  // It is slow as it is: nothing is left to be predicted.
  if (factor <= 1 || timesUsual(latency) >= factor) return []
  const ramp = evidence.isPeeked ? rampWithin(latency, evidence.ok, evidence.okSumUs) : rampOf(latency)
  const share = Math.min(1, latency.seconds / (2 * USUAL_MIN))
  const limit = RAMP_Z + RAMP_TAIL * Math.log(Math.max(1, rule.watched) / RAMP_WATCHED)
  if (ramp !== undefined && ramp.z >= limit / 2) {
    const etaMs = windowsUntil(ramp, factor) * 1000
    if (etaMs <= rule.horizon) {
      const claimed = odds(ramp.z - limit + RAMP_ODDS)
      const percent = ((Math.exp(ramp.slope) - 1) * 100).toFixed(1)
      const reason = `latency grows by ${percent} % a second since ${ramp.windows} s, by ${ramp.z.toFixed(1)} standard deviations`
      return [expected('degradation', claimed, known, [share, 1 - Math.exp(-ramp.z / 3)], etaMs, [reason])]
    }
  }
  const { p95Slope, p95Now } = evidence
  if (p95Slope <= 0) return []
  const etaMs = (Math.max(0, slowUs(rule, evidence) - p95Now) / p95Slope) * 1000
  if (etaMs > rule.horizon) return []
  const reason = `p95 grows by ${(p95Slope / 1000).toFixed(1)} ms a second`
  return [expected('degradation', 0.7, known, [share, TAIL_R2], etaMs, [reason])]
}

/** Notes where an endpoint's p95 goes, if it goes up straight and by a third at least. */
export function noteTrend(
  evidence: Evidence,
  windows: number,
  { slope, intercept, r2 }: { readonly slope: number; readonly intercept: number; readonly r2: number },
): void {
  const grown = slope * windows
  const isStraight = r2 >= TAIL_R2 && grown >= TAIL_GROWTH * Math.max(1, intercept - grown)
  evidence.p95Slope = isStraight ? slope : 0
  evidence.p95Now = intercept
}

function exhaustionsOf(rule: TroubleRule, { usage }: Evidence, known: Calibration, now: number): Expected[] {
  const each = RESOURCES.flatMap(what => {
    const { length } = usage[what].uses
    if (length < rule.minSamples) return []
    const exhaustion = exhaustionOf(usage[what], now)
    if (exhaustion === undefined || exhaustion.etaMs > rule.exhaustionHorizon) return []
    const { etaMs, perSecond, r2 } = exhaustion
    const share = Math.min(1, length / REPORTS_FULL)
    const reason = `${what} grows by ${(perSecond * 6000).toFixed(1)} % a minute, straight by ${r2.toFixed(2)}`
    return [{ ...expected('exhaustion', r2 * (0.5 + share / 2), known, [share, r2], etaMs, [reason]), resource: what }]
  })
  return each.sort((a, b) => (a.etaMs ?? 0) - (b.etaMs ?? 0)).slice(0, 1)
}

function expected(
  what: Trouble,
  claimed: number,
  known: Calibration,
  sure: readonly number[],
  etaMs: number | null,
  reasons: readonly string[],
): Expected {
  const record = 1 - (brierScore(known) ?? 0.5)
  const probability = Math.min(MOST, calibrated(known, claimed))
  return { what, claimed, probability, confidence: confidenceOf([...sure, record]), etaMs, reasons }
}

function odds(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
