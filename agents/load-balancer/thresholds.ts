import type { Config } from '../../engine/writer.ts'

export type ThresholdKnobs = Config['agents']['load-balancer']['thresholds']

/** What an endpoint of a service is overloaded beyond: shares from 0 to 1, and µs. */
export interface Thresholds {
  readonly cpu: number
  readonly memory: number
  readonly connections: number
  readonly responseTimeUs: number
  readonly errorRate: number
}

/** What is usual among the endpoints of a service: medians. */
export interface Usual {
  readonly latencyUsP95: number
  readonly errorShare: number
}

/** In a surge everything is too much a little earlier. */
const IN_SURGE = 0.9

/** An endpoint is slow at three times what is usual, and fails too often at twice. */
const SLOW = 3
const FAILING = 2
const ERROR_RATE_MAX = 0.5

/** How far the config's word is left behind at most, either way. */
const SPAN = 10

/** A fifth of the way each time: at 30 s, a minute and a half for half of it. */
const STEP = 0.2

/** Nothing is measured by nothing. */
const SHARE_MIN = 0.01

export function thresholdsOf({ cpu, memory, connections, responseTime, errorRate }: ThresholdKnobs): Thresholds {
  const least = (share: number): number => Math.max(SHARE_MIN, share)
  return {
    ...{ cpu: least(cpu), memory: least(memory), connections: least(connections) },
    ...{ responseTimeUs: responseTime * 1000, errorRate: least(errorRate) },
  }
}

/**
 * The thresholds of a service after another look at what is usual there; nothing is usual where there is no traffic, and then they
 * go back to those of the config.
 *
 *   next = before + (wanted − before) ÷ 5
 *   response time   wanted = 3 × median p95, a tenth to ten times of the config's
 *   error rate      wanted = 2 × median, from the config's to 50 %
 *
 * Intuition  a second is an age for a cache and nothing for a report: what is slow is told by the neighbours, and the config says where
 *            to begin and how far that may lead. Where all fail alike, none is the worse for it.
 */
export function adaptThresholds(before: Thresholds, knobs: ThresholdKnobs, usual: Usual | undefined): Thresholds {
  const config = thresholdsOf(knobs)
  const slow = usual === undefined || usual.latencyUsP95 === 0 ? config.responseTimeUs : SLOW * usual.latencyUsP95
  const failing = Math.min(ERROR_RATE_MAX, FAILING * (usual?.errorShare ?? 0))
  const responseTimeUs = Math.min(config.responseTimeUs * SPAN, Math.max(config.responseTimeUs / SPAN, slow))
  const errorRate = Math.max(config.errorRate, failing)
  return {
    ...config,
    responseTimeUs: towards(before.responseTimeUs, responseTimeUs),
    errorRate: towards(before.errorRate, errorRate),
  }
}

/** What counts while a service is in a surge. */
export function inSurge(thresholds: Thresholds): Thresholds {
  const { cpu, memory, connections, responseTimeUs, errorRate } = thresholds
  return {
    cpu: cpu * IN_SURGE,
    memory: memory * IN_SURGE,
    connections: connections * IN_SURGE,
    responseTimeUs: responseTimeUs * IN_SURGE,
    errorRate: errorRate * IN_SURGE,
  }
}

function towards(before: number, wanted: number): number {
  return before + (wanted - before) * STEP
}
