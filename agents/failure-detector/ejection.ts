import { elapsedMs, type ServiceConfig, TAKEN_OUT_MAX } from '../../engine/writer.ts'
import { isAtMost } from '../kit/run/parts.ts'

export type Outlier = ServiceConfig['outlier']

/** The clock wraps after 24 days; an ejection stays well below, its jitter included. */
const EJECTION_MS_MAX = 2 ** 29

/**
 * How long the n-th ejection of late lasts, in ms; `die` is from 0 to 1.
 *
 *   min(baseEjection × n, maxEjection) × (1 … 1 + ejectionJitter)
 *
 * Source  Envoy, outlier detection. Deviation: jitter is a share of the time rather than a time, and not 0 by default:
 *         endpoints that are ejected together shall not return together.
 */
export function ejectionMs({ baseEjection, maxEjection, ejectionJitter }: Outlier, n: number, die: number): number {
  const whole = Math.min(baseEjection * n, maxEjection, EJECTION_MS_MAX)
  return Math.round(whole * (1 + ejectionJitter * die))
}

/**
 * The count of ejections that still matters, after one more: it grows to one beyond where the time is longest, so that
 * an endpoint which behaves again is forgiven within reasonable time.
 *
 *   n + 1 while n × baseEjection < maxEjection + baseEjection
 *
 * Source  Envoy, to the number: 300 s by steps of 30 s is reached with the 10th, and counted up to the 11th.
 */
export function ejectionsAfter({ baseEjection, maxEjection }: Outlier, n: number): number {
  if (baseEjection === 0) return 1
  return n * baseEjection < maxEjection + baseEjection ? n + 1 : n
}

/**
 * Whether one more endpoint of a service may be ejected.
 *
 * ejected: those that are now; of: all of the service; openOthers: how many others a pick could still take.
 *
 *   (ejected + 1) ÷ of ≤ min(maxEjected, ½), and the first one always; the last that is left never
 *
 * Source  Envoy (share) and gRPC A50 (the first is always permitted). Deviation: never more than half, which is all that the
 * tables take from an agent: when most of them fail, what they have in common is likelier to be what judges them.
 */
export function mayEject({ maxEjected }: Outlier, ejected: number, of: number, openOthers: number): boolean {
  if (openOthers === 0) return false
  return ejected === 0 || isAtMost(ejected + 1, of, Math.min(maxEjected, TAKEN_OUT_MAX))
}

/** How many healthy intervals have passed since `sinceMs`, and the moment the next one is counted from. */
export function healthyIntervals(outlier: Outlier, sinceMs: number, now: number): { passed: number; sinceMs: number } {
  const passed = Math.max(0, Math.floor(elapsedMs(now, sinceMs) / outlier.interval))
  return { passed, sinceMs: (sinceMs + passed * outlier.interval) | 0 }
}
