/** How forecasts have done of late against measuring, and how far they are trusted for it. */
export interface Trust {
  /** Mean squares of both errors, in logarithms, beyond what is chance; NaN before the first. */
  readonly forecast: number
  readonly measured: number
  /** Seconds on end in which forecasts were the worse, and the clearly better. */
  readonly lostS: number
  readonly wonS: number
  /** True while forecasts are left out, because they did worse. They are still made, and compared. */
  readonly isBarred: boolean
}

/** What one second showed: squared errors of both, and what chance alone makes of either. */
export interface Comparison {
  readonly forecast: number
  readonly measured: number
  readonly chance: number
}

export const NO_TRUST: Trust = {
  forecast: Number.NaN,
  measured: Number.NaN,
  lostS: 0,
  wonS: 0,
  isBarred: false,
}

/** Errors are averaged over so many seconds. */
const MEMORY_S = 15
/** So long forecasts may be worse than measuring. */
const LOST_S_MAX = 10
/** So long they must then have been better by a tenth, in the shadow, before they count again. */
const WON_S_MIN = 30
const WON = 0.9
/** The rest is left to what is measured: that an endpoint hangs or fails shows there at once. */
export const TRUST_MAX = 0.95
/** Errors below this are as good as none. */
const LEAST = 1e-4

/** Learns what a second showed. */
export function learnTrust(before: Trust, { forecast, measured, chance }: Comparison): Trust {
  const a = Number.isNaN(before.forecast) ? 1 : 1 - Math.exp(-1 / MEMORY_S)
  const mix = (old: number, value: number): number => (Number.isNaN(old) ? value : old + a * (value - old))
  const after = {
    forecast: mix(before.forecast, Math.max(LEAST, forecast - chance)),
    measured: mix(before.measured, Math.max(LEAST, measured - chance)),
  }
  const lostS = after.forecast > after.measured ? before.lostS + 1 : 0
  const wonS = after.forecast < WON * after.measured ? before.wonS + 1 : 0
  const isBarred = before.isBarred ? wonS < WON_S_MIN : lostS >= LOST_S_MAX
  return { ...after, lostS, wonS, isBarred }
}

/**
 * The share of forecasts in what is expected, 0 to 0.95: of two estimates whose errors have nothing to do with each other, the best mix
 * weighs each by the other's mean square.
 *
 *   t = measured ÷ (measured + forecast)          0 while forecasts are barred, and before anything was compared
 *
 * Source  inverse-variance weighting (Bates and Granger 1969, combination of forecasts).
 */
export function trustIn({ forecast, measured, isBarred }: Trust): number {
  if (isBarred || Number.isNaN(forecast)) return 0
  return Math.min(TRUST_MAX, measured / (measured + forecast))
}
