import { elapsedMs } from '../../../engine/writer.ts'
import type { Capacity, EndpointRef, Settled } from '../../signals.ts'
import { addUse, forgetSilent, noUsage, type Usage } from './exhaustion.ts'
import type { Signs } from './failure-odds.ts'
import type { LatencySecond } from './latency-second.ts'
import { latencyZ, NO_USUAL, nextUsual, type UsualLatency } from './usual-latency.ts'

/** What may run out of an endpoint. */
export const RESOURCES = ['memory', 'connections'] as const
export type Resource = (typeof RESOURCES)[number]

/** How requests ended; of sums that fade. */
interface Ended {
  settled: number
  failed: number
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
  /** Of late, and over a longer time. */
  readonly late: Ended
  readonly long: Ended
  /** Seconds with requests so far. */
  seconds: number
  risk: number
  anomaly: number
  anomalyMs: number
  readonly usage: Readonly<Record<Resource, Usage>>
  /** A failure probability that waits for what comes of it. */
  claim: { readonly probability: number; readonly atMs: number } | undefined
  /** Seconds on end in which nothing was heard of it. */
  idleS: number
}

/** What is of late, and the longer time against which failures grow: time constants in seconds. */
const LATE_KEPT = Math.exp(-1 / 3)
const LONG_KEPT = Math.exp(-1 / 20)
/** Requests it takes for a share of them to say something. */
const SETTLED_MIN = 10
/** Half a second, by batches that come each tenth; and with fewer requests it says nothing. */
const PEEK_MS = 450
const PEEK_OKS = 20
/** An anomaly that is not told again is over by then. */
const ANOMALY_MS = 60_000

export function newEvidence(endpoint: EndpointRef, now: number): Evidence {
  return {
    ...{ endpoint, latency: NO_USUAL, p95Slope: 0, p95Now: 0, settled: 0, failed: 0, seconds: 0 },
    ...{ late: { settled: 0, failed: 0 }, long: { settled: 0, failed: 0 } },
    ...{ ok: 0, okSumUs: 0, countedMs: now, isPeeked: false },
    ...{
      risk: 0,
      anomaly: 0,
      anomalyMs: now,
      usage: { memory: noUsage(), connections: noUsage() },
      claim: undefined,
      idleS: 0,
    },
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

/**
 * Takes in what an endpoint said of itself, and says whether anything may grow by it (`fitGrowth`). Of its connections it is known how many it
 * may have; how many it has, the tables say.
 */
export function addCapacity(
  { usage }: Evidence,
  { memory, maxConnections }: Capacity,
  inflight: number,
  now: number,
): boolean {
  let mayGrow = false
  if (memory !== null) mayGrow = addUse(usage.memory, { atMs: now, used: memory })
  if (maxConnections === null || maxConnections <= 0) return mayGrow
  return addUse(usage.connections, { atMs: now, used: inflight / maxConnections }) || mayGrow
}

/** Forgets what it does not say of itself any more. */
export function forgetUnsaid({ usage }: Evidence, now: number): void {
  for (const each of RESOURCES) forgetSilent(usage[each], now)
}

/** Ends the second under way. */
export function endSecond(evidence: Evidence, now: number): void {
  const { settled, failed, late, long } = evidence
  if (evidence.anomaly > 0 && elapsedMs(now, evidence.anomalyMs) >= ANOMALY_MS) evidence.anomaly = 0
  late.settled = late.settled * LATE_KEPT + settled
  late.failed = late.failed * LATE_KEPT + failed
  long.settled = long.settled * LONG_KEPT + settled
  long.failed = long.failed * LONG_KEPT + failed
  if (settled > 0) evidence.seconds++
  evidence.idleS = settled > 0 ? 0 : evidence.idleS + 1
  evidence.settled = 0
  evidence.failed = 0
}

/** Nothing speaks for it to fail: there is nothing to think about. What it may run out of is thought about when its line is laid anew. */
export function isCalm({ late, risk, anomaly }: Evidence): boolean {
  return late.failed < 0.5 && risk === 0 && anomaly === 0
}

/** What speaks for it to fail. */
export function signsOf(evidence: Evidence): Signs {
  const { risk, latency, anomaly } = evidence
  const late = shareOf(evidence.late)
  const earlier = shareOf(evidence.long)
  return { risk, errorShare: late, errorTrend: Math.max(0, late - earlier), latencyZ: latencyZ(latency), anomaly }
}

/** Readings it rests on: seconds with requests, or reports of its own, whichever are more. */
export function samplesOf({ latency, seconds, usage }: Evidence): number {
  return Math.max(latency.seconds + latency.recent.length, seconds, ...RESOURCES.map(each => usage[each].uses.length))
}

function shareOf({ settled, failed }: Ended): number {
  return failed / Math.max(SETTLED_MIN, settled)
}
