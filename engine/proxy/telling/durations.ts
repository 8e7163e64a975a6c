import { hashKey } from '../../memory/hash-key.ts'
import { classOf } from './counters.ts'

/**
 * How long requests took, in shared words of one proxy thread: it alone writes them with plain stores, anyone may read them
 * at any time.
 *
 *   service 0                                        service 1 …            none
 *   ┌────────────┬─────────┬─────┬─────────┬──────────────┬───────┐
 *   │ no status  │ 1xx     │  …  │ 5xx     │ first byte   │ tries │   128 words each, by the index of the service in the
 *   └────────────┴─────────┴─────┴─────────┴──────────────┴───────┘   region; the last block is of requests that reached none
 *     each of them: 14 buckets, sum in ms, unused            └─ and which service they are of
 *
 * An index goes to another service once the one before has been removed and its requests are over. A block says by the hash of a name
 * whose times it has, so that nobody reads them as those of the next one before the thread has made room for it.
 *
 * Counts wrap after 2^32, sums after 49 days of requests; a scraper takes either for a restart, and goes on.
 */

/**
 * Upper bounds of the buckets in µs; above the last is one more. Those OpenTelemetry advises for http.server.request.duration,
 * thinned, and two below: what is proxied within a machine takes about a millisecond.
 */
export const BOUNDS_US = [
  1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
] as const

const BUCKETS = BOUNDS_US.length + 1
const SUM_MS = BUCKETS
const HISTOGRAM_WORDS = 16
const CLASSES = 6
const FIRST_BYTE = CLASSES * HISTOGRAM_WORDS
const RETRIES = FIRST_BYTE + HISTOGRAM_WORDS
const TENANT = RETRIES + 1
const SERVICE_WORDS = 128

/** As a block names its service. */
const tenantOf = (service: string): number => hashKey(service) | 0

/** Room for the durations of one thread. `services` is how many the region has room for. */
export function createDurations(services: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((services + 1) * SERVICE_WORDS * Int32Array.BYTES_PER_ELEMENT))
}

/** The writer's side. */
export class Durations {
  readonly #words: Int32Array
  /** What sums have beyond whole milliseconds, in µs, under the same indices. */
  readonly #restUs: Int32Array
  readonly #none: number

  constructor(words: Int32Array) {
    this.#words = words
    this.#restUs = new Int32Array(words.length)
    this.#none = words.length - SERVICE_WORDS
  }

  /** From now on what is counted under an index is of this service; where another had it before, that one's times are forgotten. */
  settleIn(index: number, service: string): void {
    const at = index * SERVICE_WORDS
    const tenant = tenantOf(service)
    if (this.#words[at + TENANT] === tenant) return
    this.#words.fill(0, at, at + SERVICE_WORDS)
    this.#restUs.fill(0, at, at + SERVICE_WORDS)
    this.#words[at + TENANT] = tenant
  }

  /**
   * Counts a request that is over. `service` is its index, −1 where it reached none; `status` 0: no response;
   * `firstByteUs` −1: the upstream did not answer.
   */
  count(service: number, status: number, durationUs: number, firstByteUs: number, retries: number): void {
    const at = service < 0 ? this.#none : service * SERVICE_WORDS
    this.#add(at + classOf(status) * HISTOGRAM_WORDS, durationUs)
    if (firstByteUs >= 0) this.#add(at + FIRST_BYTE, firstByteUs)
    if (retries > 0) this.#words[at + RETRIES] += retries
  }

  #add(at: number, us: number): void {
    let bucket = 0
    while (bucket < BOUNDS_US.length && us > BOUNDS_US[bucket]) bucket++
    this.#words[at + bucket]++
    const rest = this.#restUs[at] + us
    const ms = Math.floor(rest / 1000)
    this.#restUs[at] = rest - ms * 1000
    this.#words[at + SUM_MS] += ms
  }
}

/** Times in one class of requests. */
export interface Histogram {
  /** Requests by bucket, not cumulated: one for each of BOUNDS_US, and one above. */
  buckets: number[]
  sumS: number
}

/** What the proxy's threads measured of one service together. */
export interface ServiceRequests {
  /** Empty for requests that reached none. */
  service: string
  /** By class of status; `none` has those that ended without a response. Classes nobody was in are left out. */
  durations: Partial<Record<StatusClass, Histogram>>
  /** From sending to the first byte of the answer; of the try that was answered. */
  firstByte: Histogram
  /** Second tries. */
  retries: number
}

const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const
export type StatusClass = (typeof STATUS_CLASSES)[number]

/** What all threads measured. */
export interface Requests {
  /** Upper bounds of the buckets in seconds. */
  boundsS: readonly number[]
  /** By index; the last one is of requests that reached none. */
  services: ServiceRequests[]
}

/** Adds up the words of all threads. `services`: names, by index. */
export function readDurations(threads: readonly Int32Array[], services: readonly string[]): Requests {
  const none = threads.length === 0 ? 0 : threads[0].length - SERVICE_WORDS
  const all = [...services, ''].map((service, index) => {
    const at = service === '' ? none : index * SERVICE_WORDS
    const tenant = service === '' ? 0 : tenantOf(service)
    const told = threads.filter(words => words[at + TENANT] === tenant)
    const read = (word: number): number => told.reduce((sum, words) => sum + (words[word] >>> 0), 0)
    const histogram = (from: number): Histogram => ({
      buckets: Array.from({ length: BUCKETS }, (_, bucket) => read(from + bucket)),
      sumS: read(from + SUM_MS) / 1000,
    })
    const durations: ServiceRequests['durations'] = {}
    STATUS_CLASSES.forEach((name, i) => {
      const found = histogram(at + i * HISTOGRAM_WORDS)
      if (found.buckets.some(count => count > 0)) durations[name] = found
    })
    return { service, durations, firstByte: histogram(at + FIRST_BYTE), retries: read(at + RETRIES) }
  })
  return { boundsS: BOUNDS_US.map(us => us / 1e6), services: all }
}
