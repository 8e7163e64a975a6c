import { build, type Histogram } from 'hdr-histogram-js'
import type { Answer } from './answers.ts'
import { type Arrivals, gapsMs } from './arrivals.ts'
import { Connections } from './connections.ts'

/**
 * Open loop: each request has its time beforehand, whatever became of those before it, and its latency counts from that time. Who stalls for half
 * a second is asked all the while, as in life, and all of those requests tell of it; a client that waits for its answer first would tell of
 * one (Gil Tene: coordinated omission).
 *
 *     due    1   2   3   4   5   6
 *     sent   1   2   3 · · · · · 4 5 6          connection busy, or this process late
 *                    ├─ stall ──┤
 *     latency of 4       ├────────┤             from when it was due; `sinceSent` counts from when it was sent
 */
export interface OpenLoad {
  readonly port: number
  /** `{id}` is the number of the request, from 0. */
  readonly path: string
  readonly arrivals: Arrivals
  readonly perSecond: number
  readonly seed: number
  /** So long it asks before that what is heard counts, and so long it counts. */
  readonly warmSeconds: number
  readonly seconds: number
  /** Connections at most, and how many stand from the beginning. Requests beyond wait for one that is free, and that counts too. */
  readonly connections: number
  readonly opened: number
  /** Bytes of each answer; absent: any. */
  readonly answerBytes?: number
  /** Never sleeps, so that a request goes out within some µs of its time and not of some hundred: takes a core. */
  readonly isExact?: boolean
}

export interface OpenHeard {
  /** With those that only warmed. */
  readonly requests: number
  readonly errors: number
  /** How many failed by what: a status, a body of another size, a connection that broke off. Who has no answer PATIENCE_MS after the last request was due is closed. */
  readonly failures: Readonly<Record<string, number>>
  readonly latency: Latency
  /** As a client would tell it that counts from when it sent. */
  readonly sinceSent: Latency
  /** How late requests were sent: of what is in the latency, this is the part of this process and its connections. */
  readonly late: Latency
}

/** In ns. */
export interface Latency {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly most: number
}

/** Who has no answer so long after the last request was due gets none. */
export const PATIENCE_MS = 10_000

export async function runOpenLoop(load: OpenLoad): Promise<OpenHeard> {
  const { path, perSecond, warmSeconds, seconds, answerBytes } = load
  const [latency, sinceSent, late] = [microseconds(), microseconds(), microseconds()]
  let requests = 0
  const failures: Record<string, number> = {}
  let underWay = 0
  let warmUntilMs = 0
  const connections = await Connections.open(load, (sent, answer) => {
    underWay--
    const failure = failureOf(answer, answerBytes)
    if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1
    if (sent.dueMs < warmUntilMs) return
    const now = performance.now()
    record(latency, now - sent.dueMs)
    record(sinceSent, now - sent.sentMs)
    record(late, sent.sentMs - sent.dueMs)
  })
  const gapMs = gapsMs(load.arrivals, perSecond, load.seed)
  const beganMs = performance.now()
  warmUntilMs = beganMs + warmSeconds * 1000
  // Since the beginning, so that so many even gaps are so many requests.
  let dueMs = 0
  const endMs = (warmSeconds + seconds) * 1000
  const sendDue = (): void => {
    for (const now = performance.now() - beganMs; dueMs <= now && dueMs < endMs; dueMs += gapMs()) {
      underWay++
      connections.send(path.replace('{id}', String(requests++)), beganMs + dueMs)
    }
  }
  const wait = load.isExact === true ? nextTurn : nextMillisecond
  while (dueMs < endMs) {
    sendDue()
    await wait()
  }
  const patientUntilMs = performance.now() + PATIENCE_MS
  while (underWay > 0 && performance.now() < patientUntilMs) await nextMillisecond()
  // Those that are under way still are heard as broken off.
  connections.close()
  const errors = Object.values(failures).reduce((sum, count) => sum + count, 0)
  return { requests, errors, failures, latency: told(latency), sinceSent: told(sinceSent), late: told(late) }
}

function failureOf(answer: Answer | string, answerBytes: number | undefined): string | undefined {
  if (typeof answer === 'string') return answer
  if (answer.status < 200 || answer.status >= 300) return String(answer.status)
  return answerBytes === undefined || answer.bodyBytes === answerBytes ? undefined : `${answer.bodyBytes} bytes`
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function nextMillisecond(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 1))
}

/** To a minute, of three digits. */
function microseconds(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 60e6, numberOfSignificantValueDigits: 3 })
}

function record(histogram: Histogram, ms: number): void {
  histogram.recordValue(Math.min(60e6, Math.max(1, Math.round(ms * 1000))))
}

function told(histogram: Histogram): Latency {
  const at = (percent: number): number => histogram.getValueAtPercentile(percent) * 1000
  const { totalCount: count, mean, maxValue } = histogram
  return { count, mean: mean * 1000, p50: at(50), p99: at(99), p999: at(99.9), most: maxValue * 1000 }
}
