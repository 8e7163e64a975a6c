import { elapsedMs } from '../../engine/writer.ts'
import { appended } from '../kit/run/bounded.ts'
import type { Capacity, EndpointRef, Settled } from '../signals.ts'
import { USES_MAX, type Use } from './exhaustion.ts'
import type { Signs } from './failure-odds.ts'
import type { LatencySecond } from './latency-second.ts'
import { latencyZ, NO_USUAL, nextUsual, type UsualLatency } from './usual-latency.ts'

/** What may run out of an endpoint. */
export const RESOURCES = ['memory', 'connections'] as const
export type Resource = (typeof RESOURCES)[number]

/** How requests ended in a second. */
interface Ended {
  readonly settled: number
  readonly failed: number
}

/** What is known of an endpoint that trouble may be seen from. Changed in place, once a second and with each thing that is heard of it. */
export interface Evidence {
  readonly endpoint: EndpointRef
  latency: UsualLatency
  /** µs per second, of its p95, where that goes up straight; 0: it does not. */
  p95Slope: number
  p95Now: number
  /** The second under way. */
  settled: number
  failed: number
  /** What was answered since latencies were last counted, and when that was; whether it was looked at already. */
  ok: number
  okSumUs: number
  countedMs: number
  isPeeked: boolean
  /** The oldest first. */
  ended: readonly Ended[]
  risk: number
  anomaly: number
  anomalyMs: number
  readonly uses: Record<Resource, readonly Use[]>
  /** A failure probability that waits for what comes of it. */
  claim: { readonly probability: number; readonly atMs: number } | undefined
  /** Seconds on end in which nothing was heard of it. */
  idleS: number
}

/** Seconds over which the growth of failures is taken. */
const ENDED_S = 20
/** What is of late. */
const LATE_S = 5
/** Requests it takes for a share of them to say something. */
const SETTLED_MIN = 10
/** Half a second, by batches that come each tenth; and with fewer requests it says nothing. */
const PEEK_MS = 450
const PEEK_OKS = 20
/** An anomaly that is not told again is over by then. */
const ANOMALY_MS = 60_000

export function newEvidence(endpoint: EndpointRef, now: number): Evidence {
  return {
    ...{ endpoint, latency: NO_USUAL, p95Slope: 0, p95Now: 0, settled: 0, failed: 0, ended: [] },
    ...{ ok: 0, okSumUs: 0, countedMs: now, isPeeked: false },
    ...{ risk: 0, anomaly: 0, anomalyMs: now, uses: { memory: [], connections: [] }, claim: undefined, idleS: 0 },
  }
}

export function addSettled(evidence: Evidence, { ok, error, timeout, latencyUsSum }: Settled): void {
  evidence.ok += ok
  evidence.okSumUs += latencyUsSum
  evidence.settled += ok + error + timeout
  evidence.failed += error + timeout
}

/** Takes in the latencies of a second. With `isFrozen` they belong to something unusual. */
export function addSecond(evidence: Evidence, second: LatencySecond, isFrozen: boolean, now: number): void {
  evidence.latency = nextUsual(evidence.latency, second, isFrozen)
  evidence.idleS = 0
  evidence.ok = 0
  evidence.okSumUs = 0
  evidence.countedMs = now
  evidence.isPeeked = false
}

/** Once in each second, when half of it has passed: whether what was answered since then is enough to be looked at. */
export function isWorthPeeking(evidence: Evidence, now: number): boolean {
  if (evidence.isPeeked || evidence.ok < PEEK_OKS || elapsedMs(now, evidence.countedMs) < PEEK_MS) return false
  evidence.isPeeked = true
  return true
}

/** Takes in what an endpoint said of itself. Of its connections it is known how many it may have; how many it has, the tables say. */
export function addCapacity(
  evidence: Evidence,
  { memory, maxConnections }: Capacity,
  inflight: number,
  now: number,
): void {
  const add = (what: Resource, used: number): void => {
    evidence.uses[what] = appended(evidence.uses[what], { atMs: now, used }, USES_MAX)
  }
  if (memory !== null) add('memory', memory)
  if (maxConnections !== null && maxConnections > 0) add('connections', inflight / maxConnections)
}

/** Ends the second under way. */
export function endSecond(evidence: Evidence): void {
  const { settled, failed } = evidence
  evidence.ended = appended(evidence.ended, { settled, failed }, ENDED_S)
  evidence.idleS = settled > 0 ? 0 : evidence.idleS + 1
  evidence.settled = 0
  evidence.failed = 0
}

/** What speaks for it to fail. */
export function signsOf(evidence: Evidence, now: number): Signs {
  const { ended, risk, latency, anomaly, anomalyMs } = evidence
  const late = shareOf(ended.slice(-LATE_S))
  const earlier = shareOf(ended.slice(0, -LATE_S))
  return {
    risk,
    errorShare: late,
    errorTrend: Math.max(0, late - earlier),
    latencyZ: latencyZ(latency),
    anomaly: elapsedMs(now, anomalyMs) < ANOMALY_MS ? anomaly : 0,
  }
}

/** Readings it rests on: seconds with requests, or reports of its own, whichever are more. */
export function samplesOf({ latency, ended, uses }: Evidence): number {
  const seconds = ended.reduce((sum, { settled }) => sum + Math.min(1, settled), 0)
  return Math.max(latency.seconds + latency.recent.length, seconds, ...RESOURCES.map(each => uses[each].length))
}

function shareOf(ended: readonly Ended[]): number {
  const settled = ended.reduce((sum, each) => sum + each.settled, 0)
  const failed = ended.reduce((sum, each) => sum + each.failed, 0)
  return failed / Math.max(SETTLED_MIN, settled)
}
