import { newHistogram, quantileOf } from '../kit/run/latency-buckets.ts'
import type { Figures, Settled } from '../signals.ts'

/** What the requests of one endpoint, or of a service, came to. */
export interface Sum {
  ok: number
  /** Errors and timeouts. */
  failed: number
  abandoned: number
  /** Undefined where none is known. */
  latencies: Uint32Array | undefined
}

export function newSum(): Sum {
  return { ok: 0, failed: 0, abandoned: 0, latencies: undefined }
}

export function addSettled(sum: Sum, { ok, error, timeout, abandoned }: Settled): void {
  sum.ok += ok
  sum.failed += error + timeout
  sum.abandoned += abandoned
}

export function addLatencies(sum: Sum, bucket: number, count: number): void {
  sum.latencies ??= newHistogram()
  sum.latencies[bucket]! += count
}

/** Adds all of another. */
export function merge(sum: Sum, { ok, failed, abandoned, latencies }: Sum): void {
  sum.ok += ok
  sum.failed += failed
  sum.abandoned += abandoned
  if (latencies === undefined) return
  const merged = (sum.latencies ??= newHistogram())
  for (let bucket = 0; bucket < latencies.length; bucket++) merged[bucket]! += latencies[bucket]!
}

export function requestsOf({ ok, failed, abandoned }: Sum): number {
  return ok + failed + abandoned
}

/** In figures, over so many ms. */
export function figuresOf(sum: Sum, forMs: number): Figures {
  const { ok, failed, latencies } = sum
  const requests = requestsOf(sum)
  const judged = ok + failed
  const latencyUs = (quantile: number): number => (latencies === undefined ? 0 : quantileOf(latencies, quantile))
  return {
    requests,
    perSecond: forMs > 0 ? (requests * 1000) / forMs : 0,
    errorShare: judged === 0 ? 0 : failed / judged,
    latencyUsP50: latencyUs(0.5),
    latencyUsP95: latencyUs(0.95),
    latencyUsP99: latencyUs(0.99),
  }
}
