import { HARD_BARS, loadsOf, SOFT_BARS } from '../../engine/writer.ts'
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

/** Whether picks of a service ignore health now, in one of its priorities at least; they decide so by the same rule. */
export function hasPanic({ endpoints, overprovisioning, panicThreshold }: ServiceView): boolean {
  return loadsOf(endpoints, overprovisioning, panicThreshold).panic.includes(1)
}
