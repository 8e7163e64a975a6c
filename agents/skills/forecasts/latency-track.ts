import { elapsedMs } from '../../../engine/writer.ts'
import type { Settled } from '../../signals.ts'

/**
 * What is known of how long an endpoint takes. Changed in place, ten times a second where there is traffic: sums that fade, for now and for
 * a minute; the second under way; and what peak-ewma makes of the same requests, to compare forecasts with.
 */
export interface Track {
  readonly row: number
  readonly generation: number
  // Fading sums over requests that were answered: how many, and µs.
  count: number
  sumUs: number
  usualCount: number
  usualSumUs: number
  fadedMs: number
  /** Share of its requests that went well, smoothed. */
  success: number
  // The second under way.
  ok: number
  okSumUs: number
  /** Mean of late when it began, µs; NaN of none. */
  beganUs: number
  readonly forecastErrors: Errors
  readonly measuredErrors: Errors
  // As peak-ewma measures, µs; 0 before the first.
  peakUs: number
  peakAtMs: number
  /** What is forecast now, µs; 0: nothing is. */
  forecastUs: number
  /** What the tables were told, and when. */
  writtenUs: number
  writtenMs: number
  /** When its last request was settled. */
  settledMs: number
}

/** How far one of two estimates was off, in logarithms, weighed by requests. */
export interface Errors {
  weight: number
  sum: number
  squares: number
  /** Batches that were compared. */
  batches: number
}

/** As in peak-ewma: how fast a peak is forgotten, in ms, and what a failure counts as, in µs. */
const PEAK_TAU_MS = 10_000
const PENALTY_US = 5_000_000

/** The usual is an average over a minute. */
const USUAL_TAU_MS = 60_000
/** The usual counts as so many requests beside those of late: with few of these, or none any more, it is what is expected. */
const USUAL_WEIGHT = 2
/** Success is an average over so many ms; an endpoint that only fails is one in fifty at least. */
const SUCCESS_TAU_MS = 1000
const SUCCESS_MIN = 0.02

export function newTrack(row: number, generation: number, now: number): Track {
  return {
    ...{
      row,
      generation,
      count: 0,
      sumUs: 0,
      usualCount: 0,
      usualSumUs: 0,
      fadedMs: now,
      success: 1,
      ok: 0,
      okSumUs: 0,
    },
    beganUs: Number.NaN,
    ...{ peakUs: 0, peakAtMs: now, forecastUs: 0, writtenUs: 0, writtenMs: now, settledMs: now },
    ...{ forecastErrors: noErrors(), measuredErrors: noErrors() },
  }
}

/** Takes in a batch. `tauMs`: how fast what was is forgotten. */
export function addBatch(track: Track, batch: Settled, tauMs: number, now: number): void {
  const { ok, error, timeout, latencyUsSum, latencyUsMax } = batch
  const failed = error + timeout
  if (ok + failed === 0) return
  const sinceMs = Math.max(1, elapsedMs(now, track.settledMs))
  const kept = peakOf(track, now)
  if (ok > 0 && track.forecastUs > 0 && track.peakUs > 0) {
    const came = Math.log(Math.max(1, latencyUsSum / ok))
    note(track.forecastErrors, Math.log(track.forecastUs) - came, ok)
    note(track.measuredErrors, Math.log(Math.max(1, kept)) - came, ok)
  }
  fade(track, tauMs, now)
  track.count += ok
  track.sumUs += latencyUsSum
  track.usualCount += ok
  track.usualSumUs += latencyUsSum
  track.ok += ok
  track.okSumUs += latencyUsSum
  track.success += (1 - Math.exp(-sinceMs / SUCCESS_TAU_MS)) * (ok / (ok + failed) - track.success)
  track.settledMs = now
  const most = failed > 0 ? PENALTY_US : latencyUsMax
  const mean = ok === 0 ? most : latencyUsSum / ok
  const weight = track.peakUs === 0 ? 1 : 1 - kept / track.peakUs
  track.peakUs = most >= kept ? most : kept + mean * weight
  track.peakAtMs = now
}

/** Has what was count less, as time passes. */
export function fade(track: Track, tauMs: number, now: number): void {
  const sinceMs = Math.max(0, elapsedMs(now, track.fadedMs))
  const [kept, usual] = [Math.exp(-sinceMs / tauMs), Math.exp(-sinceMs / USUAL_TAU_MS)]
  track.count *= kept
  track.sumUs *= kept
  track.usualCount *= usual
  track.usualSumUs *= usual
  track.fadedMs = now
}

/** What peak-ewma expects of it now, µs. */
export function peakOf({ peakUs, peakAtMs }: Track, now: number): number {
  return peakUs * Math.exp(-Math.max(0, elapsedMs(now, peakAtMs)) / PEAK_TAU_MS)
}

/**
 * How long it takes, as a logarithm of µs, and the variance of that by chance; undefined before anything was answered.
 *
 *   level = (sum of late + k × usual) ÷ (requests of late + k)        k = 2
 *
 * Intuition  what was slow for a moment is not shunned for ever: without requests what is known of late fades, and the usual is left. What
 *            is always slow is not tried again and again: its usual is slow too.
 *
 * `spread` is the variance of one request's latency, in shares of the mean. Sums of a fading memory stray half as much as so many requests
 * would (Σw² ÷ (Σw)² → 1 ÷ 2n).
 */
export function levelOf(
  track: Track,
  spread: number,
): { readonly value: number; readonly variance: number } | undefined {
  const { count, sumUs, usualCount, usualSumUs } = track
  if (usualSumUs <= 0) return undefined
  const usual = usualSumUs / usualCount
  const level = (sumUs + USUAL_WEIGHT * usual) / (count + USUAL_WEIGHT)
  return { value: Math.log(Math.max(1, level)), variance: spread / (2 * count + Math.min(2 * usualCount, 20)) }
}

/** The time until a request has gone well that is sent again when it fails: latency ÷ success, µs. */
export function withFailures(log: number, { success }: Track): number {
  return Math.max(1, Math.min(2 ** 31 - 1, Math.round(Math.exp(log) / Math.max(SUCCESS_MIN, success))))
}

/** Begins another second. */
export function beginSecond(track: Track): void {
  track.ok = 0
  track.okSumUs = 0
  track.beganUs = track.count < 1 ? Number.NaN : track.sumUs / track.count
  clear(track.forecastErrors)
  clear(track.measuredErrors)
}

function note(errors: Errors, error: number, weight: number): void {
  errors.weight += weight
  errors.sum += weight * error
  errors.squares += weight * error * error
  errors.batches++
}

function clear(errors: Errors): void {
  errors.weight = 0
  errors.sum = 0
  errors.squares = 0
  errors.batches = 0
}

export function noErrors(): Errors {
  return { weight: 0, sum: 0, squares: 0, batches: 0 }
}

/** Adds others to them. */
export function addErrors(errors: Errors, { weight, sum, squares, batches }: Errors): void {
  errors.weight += weight
  errors.sum += sum
  errors.squares += squares
  errors.batches += batches
}

/** Mean square of errors about their mean: one that is off by the same factor everywhere says as well which endpoint is the slower. */
export function meanSquare({ weight, sum, squares }: Errors): number {
  return weight === 0 ? 0 : Math.max(0, squares / weight - (sum / weight) ** 2)
}
