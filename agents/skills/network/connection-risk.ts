import type { Connectivity } from '../../signals.ts'

/** What weighs in, each from 0 to 1, and is told by name where it is more than half. */
const HALF = 0.5
/** A connection that takes so long weighs in whole, in ms. */
const LATENCY_MS_MAX = 1_000
/** Less than this is too little, in Mbit/s. */
const BANDWIDTH_MBIT_MIN = 1
/** Without risk it would last so long, in ms. */
const HORIZON_MS = 60_000

export interface ConnectionRisk {
  /** From 0 to 1. */
  readonly risk: number
  readonly factors: readonly string[]
  /** Until it is expected to fail, in ms. */
  readonly etaMs: number
}

/**
 * How likely an endpoint is to fail, by how it is reached.
 *
 *   risk = (min(connectMs ÷ 1000, 1) + loss + (bandwidth < 1 Mbit/s ? 1 : 0)) ÷ 3
 *
 * Who is not reached is infinitely far, and nothing gets through to it: both weigh in whole. A bandwidth that is not known does not.
 * It is expected to fail in a minute × (1 − risk).
 */
export function connectionRisk({
  connectMs,
  loss,
  bandwidthMbit,
}: Pick<Connectivity, 'connectMs' | 'loss' | 'bandwidthMbit'>): ConnectionRisk {
  const latencyMs = connectMs ?? Number.POSITIVE_INFINITY
  const isNarrow = connectMs === null || (bandwidthMbit !== null && bandwidthMbit < BANDWIDTH_MBIT_MIN)
  const terms = { latency: Math.min(latencyMs / LATENCY_MS_MAX, 1), loss, bandwidth: isNarrow ? 1 : 0 }
  const risk = (terms.latency + terms.loss + terms.bandwidth) / 3
  const factors = Object.entries(terms).flatMap(([name, term]) => (term > HALF ? [name] : []))
  return { risk, factors, etaMs: Math.round(HORIZON_MS * (1 - risk)) }
}
