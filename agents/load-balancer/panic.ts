import { HARD_BARS, SOFT_BARS } from '../../engine/writer.ts'
import type { ServiceView } from '../kit/tables.ts'

/** Whether a service is in panic, or was until this very look. */
export type Panic = 'none' | 'on' | 'over'

/**
 * The endpoints of a service that nobody decided to keep out, and how many of them no opinion speaks against.
 * One with weight 0 takes no requests either way and is not counted.
 */
export function openShare({ endpoints }: ServiceView): { open: number; of: number } {
  const admitted = endpoints.filter(({ bars, weight }) => (bars & HARD_BARS) === 0 && weight > 0)
  return { open: admitted.filter(({ bars }) => (bars & SOFT_BARS) === 0).length, of: admitted.length }
}

/**
 * Whether a service is in panic: so few of its endpoints are left that a fault of the checks, or of the network between,
 * is likelier than theirs, and those that are left would not bear the load.
 *
 * Source  Envoy, panic threshold; 0 switches it off.
 */
export function isPanicCalledFor(service: ServiceView): boolean {
  const { open, of } = openShare(service)
  return of > 0 && open / of < service.panicThreshold
}
