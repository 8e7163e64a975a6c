import { elapsedMs, type ServiceConfig } from '../../engine/writer.ts'

export type Outlier = ServiceConfig['outlier']

/** Added to an ejection at random, as a share of it, so that endpoints ejected together do not return together. */
const JITTER = 0.1

/** The clock wraps after 24 days; an ejection stays well below. */
const EJECTION_MS_MAX = 2 ** 30

/**
 * How long the n-th ejection of late lasts, in ms; `die` is from 0 to 1.
 *
 *   min(baseEjection × n, maxEjection) × (1 … 1.1)
 *
 * Source  Envoy, outlier detection. Deviation: jitter is a share of the time, so it needs no knob.
 */
export function ejectionMs(outlier: Outlier, n: number, die: number): number {
  const whole = Math.min(outlier.baseEjection * n, outlier.maxEjection, EJECTION_MS_MAX)
  return Math.round(whole * (1 + JITTER * die))
}

/**
 * The count of ejections that still matters: it grows to where the time is longest, and not beyond, so that an endpoint
 * which behaves again is forgiven within reasonable time.
 */
export function ejectionsMax({ baseEjection, maxEjection }: Outlier): number {
  return baseEjection === 0 ? 1 : Math.max(1, Math.ceil(maxEjection / baseEjection))
}

/**
 * Whether one more endpoint of a service may be ejected.
 *
 * ejected: those that are now; of: all of the service; openOthers: how many others a pick could still take.
 *
 *   (ejected + 1) ÷ of ≤ maxEjected, and the first one always; the last that is left never
 *
 * Source  Envoy (share) and gRPC A50 (the first is always permitted).
 */
export function mayEject(outlier: Outlier, ejected: number, of: number, openOthers: number): boolean {
  if (openOthers === 0) return false
  return ejected === 0 || ejected + 1 <= outlier.maxEjected * of
}

/** How many healthy intervals have passed since `sinceMs`, and the moment the next one is counted from. */
export function healthyIntervals(outlier: Outlier, sinceMs: number, now: number): { passed: number; sinceMs: number } {
  const passed = Math.max(0, Math.floor(elapsedMs(now, sinceMs) / outlier.interval))
  return { passed, sinceMs: (sinceMs + passed * outlier.interval) | 0 }
}
