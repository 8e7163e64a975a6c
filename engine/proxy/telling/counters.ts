/**
 * What one proxy thread has counted, in shared words: its thread alone writes them with a plain `++`, anyone may read
 * them at any time. Totals wrap after 2^32; who computes rates takes differences.
 *
 *   word
 *   0      unused
 *   1…5    responses by class: 1 = 1xx … 5 = 5xx
 *   6      requests that ended without a response: the downstream went away first
 *   7      second tries
 *   8      connections refused because there were too many
 *   9      access lines dropped because nobody took them in time
 *   10     connections open now
 *   11     connections that ended at the door: no handshake, or no PROXY header
 *   12     copies sent to a mirror
 *   13     copies that failed: not reached, too slow, or answered with 5xx
 *   14     copies not sent: too many under way, or nobody to send them to
 *   15     KiB the thread holds, heap and buffers, a moment ago
 */
export const NO_RESPONSE = 6
export const RETRIES = 7
export const REFUSED_CONNECTIONS = 8
export const DROPPED_LINES = 9
export const OPEN_CONNECTIONS = 10
export const FAILED_ENTRIES = 11
export const MIRRORED = 12
export const MIRRORS_FAILED = 13
export const MIRRORS_SKIPPED = 14
export const HEAP_KIB = 15

const WORDS = 16

export function createCounters(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
}

/** Where a response of this status counts. Those beyond 599 are to be taken for 5xx (RFC 9110 15). */
export function classOf(status: number): number {
  return Math.min(5, (status / 100) | 0)
}

/** The counters of a thread as plain numbers, 0…2^32 − 1. */
export interface Counts {
  responses: { '1xx': number; '2xx': number; '3xx': number; '4xx': number; '5xx': number }
  noResponse: number
  retries: number
  refusedConnections: number
  droppedAccessLines: number
  openConnections: number
  failedEntries: number
  mirrored: number
  mirrorsFailed: number
  mirrorsSkipped: number
  heapBytes: number
}

export function readCounters(counters: Int32Array): Counts {
  const at = (word: number): number => counters[word] >>> 0
  return {
    responses: { '1xx': at(1), '2xx': at(2), '3xx': at(3), '4xx': at(4), '5xx': at(5) },
    noResponse: at(NO_RESPONSE),
    retries: at(RETRIES),
    refusedConnections: at(REFUSED_CONNECTIONS),
    droppedAccessLines: at(DROPPED_LINES),
    openConnections: at(OPEN_CONNECTIONS),
    failedEntries: at(FAILED_ENTRIES),
    mirrored: at(MIRRORED),
    mirrorsFailed: at(MIRRORS_FAILED),
    mirrorsSkipped: at(MIRRORS_SKIPPED),
    heapBytes: at(HEAP_KIB) * 1024,
  }
}
