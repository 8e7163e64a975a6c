import { readClock } from './clock.ts'
import {
  CLOCK_MS_AT,
  HEARS_OTHERS,
  OTHERS_AT_MS,
  OTHERS_INFLIGHT,
  OTHERS_MEAN_AT_MS,
  OTHERS_MEAN_Q8,
  ROW_WORDS,
  SERVICE,
  SERVICE_WORDS,
} from './layout.ts'
import type { Region } from './region.ts'
import { touchService } from './service-table.ts'

/**
 * What routers in other processes have in flight on an endpoint: their memory is not ours, but the endpoint knows, and may say so in its answers.
 *
 *     router here   ── 3 in flight ──▶ ┌──────────┐ ◀── 9 in flight ──   routers elsewhere
 *                   ◀── "12 inside" ── │ endpoint │
 *      others = 12 − 3                 └──────────┘
 *
 * An endpoint that has told nothing for FRESH_MS, or never, counts as having as many as is usual: the mean of what all of them tell, rounded up.
 * So one that was avoided is tried again, and one that was not asked for a while does not look idle to all routers at once, as it would if its
 * count just faded away. When none tells any more, nobody else counts.
 *
 * Machines as in `signalbox simulate prequal` at 90 % load, medians of three seeds, p99 of least-request in ms:
 *
 *                                            nothing told   told    all routers share memory
 *   100 routers apart, 100 endpoints         1,264          445     264
 *   3 routers apart, 10 endpoints            314            266     262
 */
const FRESH_MS = 10_000

/** Beyond it an endpoint is not serious; in Q8 it fits 31 bits. */
const OTHERS_MAX = 1_000_000

/** Of the mean an endpoint's word moves a 64th. */
const MEAN_SHIFT = 6

/**
 * Notes how many requests of others there are on the endpoint of a row, below zero as none; and the first time for a service that its picks are to
 * look.
 *
 * writes    OTHERS_INFLIGHT, OTHERS_AT_MS of the row; OTHERS_MEAN_Q8 and _AT_MS, and once HEARS_OTHERS and REVISION, of its service
 * ordering  Unordered, each word true on its own: of two threads that heard at one moment either may win. Once: SeqCst add of REVISION, behind
 *           HEARS_OTHERS
 * progress  wait-free
 * pairs     othersInflight
 */
export function noteOthers(region: Region, row: number, inflight: number): void {
  const { words, layout } = region
  const at = layout.endpointsAt + row * ROW_WORDS
  const serviceAt = layout.servicesAt + words[at + SERVICE] * SERVICE_WORDS
  const others = Math.min(OTHERS_MAX, Math.max(0, inflight))
  const nowMs = readClock(region)
  words[at + OTHERS_INFLIGHT] = 1 + others
  words[at + OTHERS_AT_MS] = nowMs
  words[serviceAt + OTHERS_MEAN_AT_MS] = nowMs
  const mean = words[serviceAt + OTHERS_MEAN_Q8]
  if (words[serviceAt + HEARS_OTHERS] !== 0) {
    words[serviceAt + OTHERS_MEAN_Q8] = mean + (((others << 8) - mean) >> MEAN_SHIFT)
    return
  }
  words[serviceAt + OTHERS_MEAN_Q8] = others << 8
  words[serviceAt + HEARS_OTHERS] = 1
  touchService(region, words[at + SERVICE])
}

/** Requests of others on the endpoint of a row, as picks count them; 0 where nothing is told of them. */
export function othersOf({ words, layout }: Region, row: number): number {
  const at = layout.endpointsAt + row * ROW_WORDS
  const serviceAt = layout.servicesAt + words[at + SERVICE] * SERVICE_WORDS
  return words[serviceAt + HEARS_OTHERS] === 0 ? 0 : othersInflight(words, at, serviceAt)
}

/** The same by the words at which the row and its service begin, where the service hears of them. */
export function othersInflight(words: Int32Array, at: number, serviceAt: number): number {
  const told = words[at + OTHERS_INFLIGHT]
  const nowMs = words[CLOCK_MS_AT]
  if (told > 0 && isFresh(nowMs, words[at + OTHERS_AT_MS])) return told - 1
  return isFresh(nowMs, words[serviceAt + OTHERS_MEAN_AT_MS]) ? (words[serviceAt + OTHERS_MEAN_Q8] + 255) >> 8 : 0
}

function isFresh(nowMs: number, toldMs: number): boolean {
  return ((nowMs - toldMs) | 0) < FRESH_MS
}
