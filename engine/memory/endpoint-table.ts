import { SignalboxError } from '../errors.ts'
import { factorWord } from './agent-switches.ts'
import { atomics } from './atomics.ts'
import { DEGRADED } from './bars.ts'
import { orderBreaker } from './breaker-order.ts'
import { hashKey } from './hash-key.ts'
import {
  BARS,
  BREAKER_TRIPS,
  BREAKER_UNTIL_MS,
  EJECTED_UNTIL_MS,
  EJECTIONS,
  FACTOR_PLAIN_Q12,
  FACTOR_Q12,
  FORECAST_AT_MS,
  FORECAST_US,
  GENERATION,
  HEALTH,
  HEALTHY_SINCE_MS,
  JOINED_MS,
  KEY_HASH,
  LATENCY_US,
  LIMIT_ADAPTIVE,
  PRIORITY,
  RETIRED_AT,
  ROW_WORDS,
  SERVICE,
  SWITCHED_OFF_AT,
  UTILISATION_Q12,
  WEIGHT_Q8,
  ZONE,
} from './layout.ts'
import type { Region } from './region.ts'
import { touchService } from './service-table.ts'
import { GENERATION_MASK, generationOfTicket, rowOfTicket } from './ticket.ts'

/** What active checks say of an endpoint. */
export const HEALTH_UNKNOWN = 0
export const HEALTH_HEALTHY = 1
export const HEALTH_DEGRADED = 2
export const HEALTH_UNHEALTHY = 3
export const HEALTH_NAMES = ['unknown', 'healthy', 'degraded', 'unhealthy'] as const
export type HealthName = (typeof HEALTH_NAMES)[number]

/** Factor 1: the facts take nothing from the operator's weight. */
export const FACTOR_WHOLE = 4096

/** What an endpoint is called and where it is: fixed for one tenancy of its row. */
export interface EndpointText {
  readonly id: string
  readonly url: string
  readonly zone: string
  readonly metadata: Readonly<Record<string, string>>
  /** What an hour of all of its capacity costs, in any currency; left out: nobody has said. */
  readonly cost?: number | undefined
  /** Requests it can work on at a time; left out: nobody has said. */
  readonly capacity?: number | undefined
}

/** The text of an endpoint alone, without what more is known of it, and without what nobody has said. */
export function endpointTextOf({ id, url, zone, metadata, cost, capacity }: EndpointText): EndpointText {
  return { id, url, zone, metadata, ...(cost !== undefined && { cost }), ...(capacity !== undefined && { capacity }) }
}

/**
 * One row per endpoint; its first line is read-mostly: agents write it a few times a second, every pick reads it. The
 * drawing with the owners is in layout.ts. Every word is true on its own: readers load it plainly (Int32 never tears)
 * and tolerate that two words come from different moments. Only reuse of a row is structural: GENERATION guards the
 * tickets, and a row has a new tenant only after no thread can pick or settle the old one (see edit.ts).
 *
 * What changes per request (in flight, totals) is not here but in each thread's own block, see tally.ts.
 */
export class EndpointTable {
  readonly rows: number
  readonly #region: Region
  readonly #words: Int32Array
  readonly #at: number

  constructor(region: Region) {
    this.#region = region
    this.#words = region.words
    this.#at = region.layout.endpointsAt
    this.rows = region.layout.rows
  }

  /** The bars of a row, plainly read: 0 when nothing speaks against picking it. */
  bars(row: number): number {
    return this.#words[this.#at + row * ROW_WORDS + BARS]
  }

  /**
   * Weight × factor in units of 2^−14: how strongly the row is drawn to be picked. 0: not at all. At most 2^30. While the
   * factor does not count (its agent is switched off) it is the weight alone.
   */
  pull(row: number): number {
    const at = this.#at + row * ROW_WORDS
    return pullOf(this.#words[at + WEIGHT_Q8], this.#words[at + factorWord(this.#words[SWITCHED_OFF_AT])])
  }

  /** The row of a ticket, or −1 when the row has had another tenant since. */
  rowOf(ticket: number): number {
    if (ticket < 1 << 16) return -1
    const row = rowOfTicket(ticket)
    if (row >= this.rows) return -1
    return this.#words[this.#at + row * ROW_WORDS + GENERATION] === generationOfTicket(ticket) ? row : -1
  }

  generation = (row: number): number => this.#get(row, GENERATION)
  service = (row: number): number => this.#get(row, SERVICE)
  weight = (row: number): number => this.#get(row, WEIGHT_Q8) / 256
  /** The same as the word is, 24.8 fixed point. */
  weightQ8 = (row: number): number => this.#get(row, WEIGHT_Q8)
  hasWeight = (row: number): boolean => this.#get(row, WEIGHT_Q8) !== 0
  factor = (row: number): number => this.#get(row, FACTOR_Q12) / FACTOR_WHOLE
  priority = (row: number): number => this.#get(row, PRIORITY)
  health = (row: number): number => this.#get(row, HEALTH)
  healthySinceMs = (row: number): number => this.#get(row, HEALTHY_SINCE_MS)
  ejectedUntilMs = (row: number): number => this.#get(row, EJECTED_UNTIL_MS)
  ejections = (row: number): number => this.#get(row, EJECTIONS)
  latencyUs = (row: number): number => this.#get(row, LATENCY_US)
  joinedMs = (row: number): number => this.#get(row, JOINED_MS)
  retiredAt = (row: number): number => this.#get(row, RETIRED_AT)
  /** murmur3 of the endpoint's id. */
  keyHash = (row: number): number => this.#get(row, KEY_HASH)
  /** murmur3 of the zone's name, 0 where there is none: equal for endpoints of one zone. */
  zone = (row: number): number => this.#get(row, ZONE)
  /** Requests in flight the row may have, as its latency says; 0: no limit. */
  adaptiveLimit = (row: number): number => this.#get(row, LIMIT_ADAPTIVE)
  forecastUs = (row: number): number => this.#get(row, FORECAST_US)
  breakerUntilMs = (row: number): number => this.#get(row, BREAKER_UNTIL_MS)
  breakerTrips = (row: number): number => this.#get(row, BREAKER_TRIPS)
  /** The used share of the endpoint's capacity, 0…1; undefined until somebody reported it. */
  utilisation(row: number): number | undefined {
    const word = this.#get(row, UTILISATION_Q12)
    return word === 0 ? undefined : (word - 1) / FACTOR_WHOLE
  }

  /**
   * Sets or clears one bar. Constant time. True: it stands as was asked (an agent may be refused, see plane/agent-endpoints.ts).
   *
   * writes    one bit of BARS, then REVISION of the row's service
   * reads     BARS, SERVICE
   * ordering  SeqCst or/and, then SeqCst add; picks read both words Unordered
   * progress  wait-free
   * pairs     bars: the next pick of every thread reads it
   */
  setBar(row: number, bar: number, on: boolean): boolean {
    const word = this.#at + row * ROW_WORDS + BARS
    const before = on ? atomics.or(this.#words, word, bar) : atomics.and(this.#words, word, ~bar)
    if ((before & bar) !== (on ? bar : 0)) this.#touch(row)
    return true
  }

  /** What active checks say. A degraded endpoint gets its mark in the bars, so that a pick need not look here. */
  setHealth(row: number, health: number): void {
    this.#set(row, HEALTH, health)
    this.setBar(row, DEGRADED, health === HEALTH_DEGRADED)
  }

  /** The operator's weight. The largest pull of the service is to be raised to it, see ServiceTable.raisePullMax. */
  setWeight(row: number, weight: number): void {
    this.#set(row, WEIGHT_Q8, toQ8(weight))
    this.#touch(row)
  }

  // Each of the following stores one word of one owner, plainly: the word is true on its own.
  setFactor(row: number, factor: number): void {
    this.#set(row, FACTOR_Q12, toQ12(factor))
  }

  setHealthySince(row: number, ms: number): void {
    this.#set(row, HEALTHY_SINCE_MS, ms)
  }

  setEjectedUntil(row: number, ms: number): void {
    this.#set(row, EJECTED_UNTIL_MS, ms)
  }

  setEjections(row: number, times: number): void {
    this.#set(row, EJECTIONS, times)
  }

  setLatencyUs(row: number, us: number): void {
    this.#set(row, LATENCY_US, saturate(us))
  }

  setRetiredAt(row: number, version: number): void {
    this.#set(row, RETIRED_AT, version)
  }

  setAdaptiveLimit(row: number, limit: number): void {
    this.#set(row, LIMIT_ADAPTIVE, saturate(limit))
  }

  setUtilisation(row: number, share: number): void {
    this.#set(row, UTILISATION_Q12, 1 + toQ12(share))
  }

  /** It is not known any more. */
  forgetUtilisation(row: number): void {
    this.#set(row, UTILISATION_Q12, 0)
  }

  /** Opens the breaker of a row for so long, or closes it (0 ms), see breaker-order.ts. False: it was not done. */
  setBreaker(row: number, openForMs: number, seat: number, nowMs: number): boolean {
    return orderBreaker(this.#region, seat, row, openForMs, nowMs)
  }

  /** The latency that is expected of the endpoint, µs; 0: no forecast. It counts for some seconds, see adaptive.ts. */
  setForecast(row: number, us: number, atMs: number): void {
    this.#set(row, FORECAST_US, saturate(us))
    this.#set(row, FORECAST_AT_MS, atMs)
  }

  /**
   * Gives a free row to a new tenant. Only the table writer calls this, while nobody can see the row; the slot that
   * lists the row is published after it, which orders these plain stores before every read.
   */
  settleIn(row: number, service: number, text: EndpointText, weight: number, priority: number, nowMs: number): void {
    const at = this.#at + row * ROW_WORDS
    // 0 is left out: it is what a row has that never had a tenant.
    const generation = (this.#words[at + GENERATION] + 1) & GENERATION_MASK || 1
    this.#writeText(row, text)
    this.#words.fill(0, at, at + ROW_WORDS)
    this.#words[at + GENERATION] = generation
    this.#words[at + SERVICE] = service
    this.#words[at + WEIGHT_Q8] = toQ8(weight)
    this.#words[at + FACTOR_Q12] = FACTOR_WHOLE
    this.#words[at + FACTOR_PLAIN_Q12] = FACTOR_WHOLE
    this.#words[at + PRIORITY] = priority
    this.#words[at + KEY_HASH] = hashKey(text.id) | 0
    this.#words[at + ZONE] = zoneWord(text.zone)
    this.#words[at + JOINED_MS] = nowMs
    this.#words[at + HEALTHY_SINCE_MS] = nowMs
  }

  /** The text of a row that is listed, or whose ticket is still held. */
  readText(row: number): EndpointText {
    const { buffer, layout } = this.#region
    const at = layout.textAt + row * layout.textBytes
    const length = new DataView(buffer).getInt32(at, true)
    return JSON.parse(Buffer.from(buffer, at + 4, length).toString('utf8')) as EndpointText
  }

  /** Throws SBX_ENDPOINT_INVALID when the text is longer than a row's block. */
  checkText(text: EndpointText): void {
    const room = this.#region.layout.textBytes - 4
    const bytes = Buffer.byteLength(JSON.stringify(text))
    if (bytes > room) {
      throw new SignalboxError(
        'SBX_ENDPOINT_INVALID',
        `Cannot add endpoint ${text.id}: id, url, zone and metadata take ${bytes} bytes, shorten them to ${room} ` +
          'or create the box with a larger capacity.textBytes',
      )
    }
  }

  #writeText(row: number, text: EndpointText): void {
    const { buffer, layout } = this.#region
    const at = layout.textAt + row * layout.textBytes
    const length = Buffer.from(buffer, at + 4, layout.textBytes - 4).write(JSON.stringify(text))
    new DataView(buffer).setInt32(at, length, true)
  }

  #touch(row: number): void {
    touchService(this.#region, this.#get(row, SERVICE))
  }

  #get(row: number, word: number): number {
    return this.#words[this.#at + row * ROW_WORDS + word]
  }

  #set(row: number, word: number, value: number): void {
    this.#words[this.#at + row * ROW_WORDS + word] = value
  }
}

/** A zone as a row has it: 0 for none, else a number that only compares. */
export function zoneWord(zone: string): number {
  return zone === '' ? 0 : hashKey(zone) | 0 || 1
}

/** Rounded up, so that what is drawn at all is never drawn with 0; within 31 bits, so that V8 never boxes it. */
export function pullOf(weightQ8: number, factorQ12: number): number {
  // No factor, as nearly always: the same number without a detour by floats.
  if (factorQ12 === FACTOR_WHOLE) return weightQ8 << 6
  return ((weightQ8 * factorQ12 + 63) / 64) | 0
}

/** 24.8 fixed point; a weight above zero never rounds to zero, since zero means "never". */
/** A weight as a row has it: 24.8 fixed point, and above 0 where the weight is. */
export function toQ8(weight: number): number {
  return weight <= 0 ? 0 : Math.max(1, Math.round(Math.min(weight, 65_535) * 256))
}

function toQ12(factor: number): number {
  return factor <= 0 ? 0 : Math.max(1, Math.round(Math.min(factor, 1) * FACTOR_WHOLE))
}

function saturate(value: number): number {
  return value > 0x7fffffff ? 0x7fffffff : value < 0 ? 0 : Math.round(value)
}
