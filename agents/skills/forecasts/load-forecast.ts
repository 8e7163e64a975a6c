import { elapsedMs } from '../../../engine/writer.ts'
import { appended } from '../../kit/run/bounded.ts'
import { confidenceOf } from './confidence.ts'
import type { SeasonalFit } from './fits/fit-seasonal.ts'
import { forecastHolt, HOLT_RULE, type Holt, NO_HOLT, nextHolt } from './holt.ts'
import { beginSeasonal, forecastSeasonal, nextSeasonal, type Seasonal, type SeasonalRule } from './seasonal.ts'

/** How far ahead, in minutes. */
export const HORIZONS = [1, 5] as const
/** A season is an hour of minutes, and as many of them are kept as make a day. */
export const PERIOD = 60
export const MINUTES_MAX = 1440
/** Errors of each horizon that are kept. */
const ERRORS_MAX = 100
/** What a forecast is exceeded by one time in twenty. */
const QUANTILE = 0.95

interface Made {
  readonly dueMs: number
  readonly expected: number
}

/** Forecasts of one horizon: those that wait for what comes, and how far earlier ones were off: what came − what was expected. */
interface Record {
  readonly waiting: readonly Made[]
  readonly errors: readonly number[]
  /** From 0 to 1 each: 1 where it came as expected. */
  readonly accuracies: readonly number[]
}

/** What is known of a service's load, in requests per second by minute. */
export interface Load {
  readonly perSecond: number
  readonly minutes: readonly number[]
  readonly holt: Holt
  /** Where a season is known to help. */
  readonly season: { readonly rule: SeasonalRule; readonly state: Seasonal } | undefined
  /** By horizon. */
  readonly records: readonly Record[]
}

const NO_RECORD: Record = { waiting: [], errors: [], accuracies: [] }

export const NO_LOAD: Load = {
  perSecond: 0,
  minutes: [],
  holt: NO_HOLT,
  season: undefined,
  records: HORIZONS.map(() => NO_RECORD),
}

/** A minute is over: forecasts that were made for now are held against it, and others are made. */
export function nextMinute(before: Load, perSecond: number, now: number): Load {
  const { season } = before
  const load = {
    ...before,
    perSecond,
    minutes: appended(before.minutes, perSecond, MINUTES_MAX),
    holt: nextHolt(HOLT_RULE, before.holt, perSecond),
    season: season && { rule: season.rule, state: nextSeasonal(season.rule, season.state, perSecond) },
  }
  return {
    ...load,
    records: before.records.map((record, i) => {
      const due = record.waiting.filter(({ dueMs }) => elapsedMs(now, dueMs) >= -HALF_MINUTE_MS)
      const judged = due.reduce((sum, { expected }) => judge(sum, expected, perSecond), record)
      const made = { dueMs: (now + HORIZONS[i]! * 60_000) | 0, expected: expectedIn(load, HORIZONS[i]!) }
      const waiting = record.waiting.filter(each => !due.includes(each))
      return { ...judged, waiting: appended(waiting, made, HORIZONS.at(-1)! + 1) }
    }),
  }
}

const HALF_MINUTE_MS = 30_000

function judge(record: Record, expected: number, came: number): Record {
  const accuracy = Math.max(0, 1 - Math.abs(came - expected) / Math.max(1, came))
  return {
    ...record,
    errors: appended(record.errors, came - expected, ERRORS_MAX),
    accuracies: appended(record.accuracies, accuracy, ERRORS_MAX),
  }
}

/** Takes over what a fit has found: its season where that helps, and by its rule. */
export function withFit(load: Load, { rule, error, plainError, period }: SeasonalFit): Load {
  if (error >= plainError) return { ...load, season: undefined }
  const from = 2 * period
  const begun = beginSeasonal(load.minutes.slice(0, from), period)
  if (begun === undefined) return load
  const state = load.minutes.slice(from).reduce((sum, value) => nextSeasonal(rule, sum, value), begun)
  return { ...load, season: { rule, state } }
}

export interface LoadExpectation {
  readonly horizonMs: number
  readonly expected: number
  readonly p95: number
  readonly confidence: number
}

/**
 * Requests per second to be expected at each horizon.
 *
 *   expected    by the season where one is known, else by Holt's smoothing, at least 0
 *   p95         expected + the 95th percentile of what earlier forecasts of this horizon were exceeded by
 *   confidence  of their accuracies, see confidence.ts; 0 before the first has come
 */
export function expectLoad(load: Load): LoadExpectation[] {
  return HORIZONS.map((minutes, i) => {
    const { errors, accuracies } = load.records[i]!
    const expected = expectedIn(load, minutes)
    const p95 = Math.max(expected, expected + quantileOf(errors, QUANTILE))
    return { horizonMs: minutes * 60_000, expected, p95, confidence: confidenceOf(accuracies) }
  })
}

function expectedIn({ season, holt }: Pick<Load, 'season' | 'holt'>, minutes: number): number {
  const expected =
    season === undefined ? forecastHolt(HOLT_RULE, holt, minutes) : forecastSeasonal(season.rule, season.state, minutes)
  return Math.max(0, expected)
}

function quantileOf(values: readonly number[], quantile: number): number {
  if (values.length === 0) return 0
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(quantile * sorted.length) - 1)]!
}
