import assert from 'node:assert/strict'
import {
  ADMITTED,
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
  HEARS_OTHERS,
  JOINED_MS,
  KEY_HASH,
  LATENCY_US,
  LEVELS,
  LEVELS_AT,
  LIMIT_ADAPTIVE,
  OTHERS_AT_MS,
  OTHERS_INFLIGHT,
  OTHERS_MEAN_AT_MS,
  OTHERS_MEAN_Q8,
  PANIC_TOLD,
  PANICS,
  PEAK_AT_MS,
  PEAK_US,
  PRIORITY,
  PULL_MAX,
  REPORTED_AT_MS,
  REPORTED_LOAD,
  RETIRED_AT,
  REVISION,
  ROW_WORDS,
  SERVICE,
  SERVICE_WORDS,
  SETTLED_AT_MS,
  SHED_BY_AGENT,
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
 *                 the seat of a thread that is gone; what an endpoint says with its next answer; and what a process can bear
 *                 that is gone (SHED_BY_AGENT, ADMITTED)
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
const STAY_BEHIND = [
  ...[GENERATION, SERVICE, WEIGHT_Q8, PRIORITY, RETIRED_AT, KEY_HASH, ZONE, BREAKER_PROBE],
  ...[REPORTED_LOAD, REPORTED_AT_MS, OTHERS_INFLIGHT, OTHERS_AT_MS],
]
const STAY_BEHIND_OF_A_SERVICE = [
  ...[REVISION, PULL_MAX, SHED_BY_AGENT, ADMITTED],
  ...[HEARS_OTHERS, OTHERS_MEAN_Q8, OTHERS_MEAN_AT_MS],
]

/** Facts in the order of their names; moments in ms from when they were read, below 0: ago. */
export type Facts = readonly number[]

/** The names, and with them the order. */
export const ENDPOINT_FACTS: readonly string[] = [...Object.keys(AS_THEY_ARE), ...Object.keys(MOMENTS)]
export const SERVICE_FACTS: readonly string[] = Object.keys(OF_A_SERVICE)

/** The same facts but for some, by name. `names` are those of the facts. */
export function changeFacts(facts: Facts, names: readonly string[], changes: Readonly<Record<string, number>>): Facts {
  return facts.map((fact, i) => changes[names[i]] ?? fact)
}

/**
 * Longer ago than this is as good as for ever, in ms: 12 days. Half of what the clock's circle can tell, so that a moment which is
 * carried on and on never comes round to lie ahead.
 */
const LONG_AGO_MS = 2 ** 30

const WORDS = Object.values(AS_THEY_ARE)
const MOMENT_WORDS = Object.values(MOMENTS)
const SERVICE_FACT_WORDS = Object.values(OF_A_SERVICE)

/** What is known of the endpoint in a row, at this reading of the clock. Each word is true on its own. */
export function readFacts({ words, layout }: Region, row: number, nowMs: number): Facts {
  const at = layout.endpointsAt + row * ROW_WORDS
  const facts = WORDS.map(word => words[at + word])
  for (const word of MOMENT_WORDS) facts.push((words[at + word] - nowMs) | 0)
  return facts
}

/**
 * Writes what is known of an endpoint into its new row, `agoMs` after it was read. Only while nobody can see the row: within the edit
 * that adds it.
 */
export function writeFacts({ words, layout }: Region, row: number, facts: Facts, nowMs: number, agoMs: number): void {
  const at = layout.endpointsAt + row * ROW_WORDS
  for (const [i, word] of WORDS.entries()) words[at + word] = facts[i]
  for (const [i, word] of MOMENT_WORDS.entries()) {
    words[at + word] = (nowMs + Math.max(facts[WORDS.length + i] - agoMs, -LONG_AGO_MS)) | 0
  }
}

export function readServiceFacts({ words, layout }: Region, service: number): Facts {
  const at = layout.servicesAt + service * SERVICE_WORDS
  return SERVICE_FACT_WORDS.map(word => words[at + word])
}

/** The same for a service that was just put. */
export function writeServiceFacts({ words, layout }: Region, service: number, facts: Facts): void {
  const at = layout.servicesAt + service * SERVICE_WORDS
  for (const [i, word] of SERVICE_FACT_WORDS.entries()) words[at + word] = facts[i]
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
  for (const word of SERVICE_FACT_WORDS) mark = mix(mark, words[at + word])
  return mark
}

export function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193)
}

const MARKED = [WEIGHT_Q8, ...WORDS, ...MOMENT_WORDS]

/** Words that have no meaning yet. Who gives one a meaning in layout.ts says here what becomes of it. */
const FREE = [15, 29, 30, 31, 46, 47]
/** Likewise; and the turns, which begin anew. */
const FREE_OF_A_SERVICE = Array.from({ length: SERVICE_WORDS - PANIC_TOLD - 1 }, (_, i) => PANIC_TOLD + 1 + i).filter(
  word => !STAY_BEHIND_OF_A_SERVICE.includes(word),
)

for (const [words, spoken] of [
  [ROW_WORDS, [...WORDS, ...MOMENT_WORDS, ...STAY_BEHIND, ...FREE]],
  [SERVICE_WORDS, [...SERVICE_FACT_WORDS, ...STAY_BEHIND_OF_A_SERVICE, ...FREE_OF_A_SERVICE]],
] as const) {
  assert(spoken.length === words && new Set(spoken).size === words, 'each word is carried, left behind or free, once')
}
