import { isAtLeast } from '../kit/run/parts.ts'
import type { Rate } from './success-rate.ts'

export interface FailurePercentageRule {
  /** From 0 to 1; 0: no endpoint ever stands out. */
  readonly failurePercentage: number
  readonly failurePercentageMinHosts: number
  readonly failurePercentageVolume: number
}

/**
 * The endpoints of whose requests too many failed, the worst first. Compared with a fixed share and not with each other;
 * with too few endpoints of enough requests nobody is judged.
 *
 *   (total − ok) ÷ total ≥ failurePercentage
 *
 * Source  Envoy: "greater than or equal", where gRPC A50 is strictly greater.
 */
export function failurePercentageOutliers<Each extends Rate>(
  { failurePercentage, failurePercentageMinHosts, failurePercentageVolume }: FailurePercentageRule,
  all: readonly Each[],
): Each[] {
  if (failurePercentage === 0) return []
  const valid = all.filter(({ total }) => total >= failurePercentageVolume)
  if (valid.length < failurePercentageMinHosts) return []
  return valid
    .filter(({ ok, total }) => isAtLeast(total - ok, total, failurePercentage))
    .sort((a, b) => a.ok / a.total - b.ok / b.total)
}
