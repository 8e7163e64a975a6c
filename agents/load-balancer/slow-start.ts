import type { ServiceConfig } from '../../engine/writer.ts'

export type SlowStart = ServiceConfig['slowStart']

/**
 * The share of its weight an endpoint gets `sinceMs` after it came, from minWeight to 1.
 *
 *   max(minWeight, (max(Δt, 1 ms) ÷ window) ^ (1 ÷ aggression))
 *
 * Source  Envoy, slow start mode.
 */
export function slowStartShare({ window, aggression, minWeight }: SlowStart, sinceMs: number): number {
  if (window === 0 || sinceMs >= window) return 1
  return Math.max(minWeight, (Math.max(sinceMs, 1) / window) ** (1 / aggression))
}

/** The other way round: how long ago it came that has this share. At minWeight it may be any time, and 0 is taken. */
export function sinceOfShare({ window, aggression, minWeight }: SlowStart, share: number): number {
  if (share >= 1) return window
  return share <= minWeight ? 0 : Math.round(window * share ** aggression)
}
