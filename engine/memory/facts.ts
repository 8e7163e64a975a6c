import assert from 'node:assert/strict'
import {
  BARS,
  BREAKER_PASSED,
  BREAKER_PROBE,
  BREAKER_TRIPS,
  BREAKER_UNTIL_MS,
  EJECTED_UNTIL_MS,
  EJECTIONS,
  FACTOR_Q12,
  FAILURES,
  FORECAST_AT_MS,
  FORECAST_US,
  GENERATION,
  HEALTH,
  HEALTHY_SINCE_MS,
  JOINED_MS,
  KEY_HASH,
  LATENCY_US,
  LEVELS,
  LEVELS_AT,
  LIMIT_ADAPTIVE,
  PANIC_TOLD,
  PANICS,
  PEAK_AT_MS,
  PEAK_US,
  PRIORITY,
  PULL_MAX,
  RETIRED_AT,
  REVISION,
  ROW_WORDS,
  SERVICE,
  SERVICE_WORDS,
  SETTLED_AT_MS,
  SHED_FROM,
  TRUST_Q12,
  UTILISATION_Q12,
  WEIGHT_Q8,
  WINDOW_AT_MS,
  WINDOW_FAILED,
  WINDOW_SETTLED,
  ZONE,
} from './layout.ts'
import type { Region } from './region.ts'

/**
 * What is known of an endpoint or a service beyond what it is: the words that were learned or decided while it ran, and how they
 * come from one region into another.
 *
 *   as they are   bars, verdicts, counts, latencies, limits
 *   moments       clock of the old region ─▶ ms from the moment of reading, below 0: ago ─▶ clock of the new region
 *   not carried   who it is (GENERATION, KEY_HASH, ZONE …), which another region says anew; whose turn it is; and BREAKER_PROBE,
 *                 the seat of a thread that is gone
 */

const levels = Object.fromEntries(Array.from({ length: LEVELS }, (_, i) => [`level${i}Us`, LEVELS_AT + i]))

const AS_THEY_ARE: Readonly<Record<string, number>> = {
  bars: BARS,
  health: HEALTH,
  factorQ12: FACTOR_Q12,
  ejections: EJECTIONS,
  latencyUs: LATENCY_US,
  limit: LIMIT_ADAPTIVE,
  peakUs: PEAK_US,
  ...levels,
  forecastUs: FORECAST_US,
  utilisationQ12: UTILISATION_Q12,
  failures: FAILURES,
  windowSettled: WINDOW_SETTLED,
  windowFailed: WINDOW_FAILED,
  breakerTrips: BREAKER_TRIPS,
  breakerPassed: BREAKER_PASSED,
}

const MOMENTS: Readonly<Record<string, number>> = {
  joinedMs: JOINED_MS,
  healthySinceMs: HEALTHY_SINCE_MS,
  ejectedUntilMs: EJECTED_UNTIL_MS,
  peakAtMs: PEAK_AT_MS,
  settledAtMs: SETTLED_AT_MS,
  forecastAtMs: FORECAST_AT_MS,
  windowAtMs: WINDOW_AT_MS,
  breakerUntilMs: BREAKER_UNTIL_MS,
}

const OF_A_SERVICE: Readonly<Record<string, number>> = {
  panics: PANICS,
  panicTold: PANIC_TOLD,
  shedFrom: SHED_FROM,
  trustQ12: TRUST_Q12,
}

/** Not carried, each for the reason above. */
const STAY_BEHIND = [GENERATION, SERVICE, WEIGHT_Q8, PRIORITY, RETIRED_AT, KEY_HASH, ZONE, BREAKER_PROBE]
const STAY_BEHIND_OF_A_SERVICE = [REVISION, PULL_MAX]

/** Facts by name; moments in ms from when they were read, below 0: ago. */
export type Facts = Record<string, number>

/** The names, in the order in which `readFacts` gives them. */
export const ENDPOINT_FACTS: readonly string[] = [...Object.keys(AS_THEY_ARE), ...Object.keys(MOMENTS)]
export const SERVICE_FACTS: readonly string[] = Object.keys(OF_A_SERVICE)

/**
 * Longer ago than this is as good as for ever, in ms: 12 days. Half of what the clock's circle can tell, so that a moment which is
 * carried on and on never comes round to lie ahead.
 */
const LONG_AGO_MS = 2 ** 30

/** What is known of the endpoint in a row, at this reading of the clock. Each word is true on its own. */
export function readFacts({ words, layout }: Region, row: number, nowMs: number): Facts {
  const at = layout.endpointsAt + row * ROW_WORDS
  const facts: Facts = {}
  for (const name in AS_THEY_ARE) facts[name] = words[at + AS_THEY_ARE[name]]
  for (const name in MOMENTS) facts[name] = (words[at + MOMENTS[name]] - nowMs) | 0
  return facts
}

/**
 * Writes what is known of an endpoint into its new row, `agoMs` after it was read. Only while nobody can see the row: within the edit
 * that adds it. A fact that is missing stays as the new tenant has it.
 */
export function writeFacts({ words, layout }: Region, row: number, facts: Facts, nowMs: number, agoMs: number): void {
  const at = layout.endpointsAt + row * ROW_WORDS
  for (const name in AS_THEY_ARE) if (facts[name] !== undefined) words[at + AS_THEY_ARE[name]] = facts[name]
  for (const name in MOMENTS) {
    const offsetMs = facts[name]
    if (offsetMs !== undefined) words[at + MOMENTS[name]] = (nowMs + Math.max(offsetMs - agoMs, -LONG_AGO_MS)) | 0
  }
}

export function readServiceFacts({ words, layout }: Region, service: number): Facts {
  const at = layout.servicesAt + service * SERVICE_WORDS
  return Object.fromEntries(Object.entries(OF_A_SERVICE).map(([name, word]) => [name, words[at + word]]))
}

/** The same for a service that was just put. */
export function writeServiceFacts({ words, layout }: Region, service: number, facts: Facts): void {
  const at = layout.servicesAt + service * SERVICE_WORDS
  for (const name in OF_A_SERVICE) if (facts[name] !== undefined) words[at + OF_A_SERVICE[name]] = facts[name]
}

/** A number that is another when any fact of a row, or its weight, is another: FNV-1a over the words, goes on from `hash`. */
export function markOfRow({ words, layout }: Region, row: number, hash: number): number {
  const at = layout.endpointsAt + row * ROW_WORDS
  let mark = mix(hash, row)
  for (const word of MARKED) mark = mix(mark, words[at + word])
  return mark
}

/** The same for a service. */
export function markOfService({ words, layout }: Region, service: number, hash: number): number {
  const at = layout.servicesAt + service * SERVICE_WORDS
  let mark = mix(hash, service)
  for (const word of MARKED_OF_A_SERVICE) mark = mix(mark, words[at + word])
  return mark
}

export function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193)
}

const carried = [...Object.values(AS_THEY_ARE), ...Object.values(MOMENTS)]
const MARKED = [WEIGHT_Q8, ...carried]
const MARKED_OF_A_SERVICE = Object.values(OF_A_SERVICE)

/** Words that have no meaning yet. Who gives one a meaning in layout.ts says here what becomes of it. */
const FREE = [15, 19, 28, 29, 30, 31, 44, 45, 46, 47]
/** Likewise; and the turns, which begin anew. */
const FREE_OF_A_SERVICE = Array.from({ length: SERVICE_WORDS - PANIC_TOLD - 1 }, (_, i) => PANIC_TOLD + 1 + i)

for (const [words, spoken] of [
  [ROW_WORDS, [...carried, ...STAY_BEHIND, ...FREE]],
  [SERVICE_WORDS, [...MARKED_OF_A_SERVICE, ...STAY_BEHIND_OF_A_SERVICE, ...FREE_OF_A_SERVICE]],
] as const) {
  assert(spoken.length === words && new Set(spoken).size === words, 'each word is carried, left behind or free, once')
}
