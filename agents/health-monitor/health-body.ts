import type { Dependency } from '../signals.ts'
import { isMap, type Load, parsed, readLoad } from './load-figures.ts'

/** What the body of a health answer says. */
export interface HealthBody {
  readonly says: 'passed' | 'degraded' | 'failed' | 'unknown'
  readonly load: Load
  readonly uptimeS: number | undefined
  readonly dependencies: readonly Dependency[]
}

/** More of them is a list of something else. */
const DEPENDENCIES_MAX = 32
const NAME_LENGTH_MAX = 128
/** A thousand years: more is no time. */
const UPTIME_S_MAX = 1e11

const PASSED = /^(ok|pass|passed|passing|up|healthy|green|serving|alive|ready|true)$/i
const DEGRADED = /^(warn|warning|degraded|yellow)$/i
const FAILED = /^(fail|failed|failing|error|down|unhealthy|critical|red|out_of_service|not_serving|false)$/i

/** Whether a content type says JSON: application/json, application/health+json … */
export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType)
}

/**
 * Reads the body of a health answer in the shapes that are about: `status` at the top (draft-inadarei-api-health-check, Spring, most others),
 * `dependencies`, `checks` or `components` below, load figures anywhere near the top, `uptime` in seconds. Undefined: it is no JSON object.
 * Nothing in it is believed beyond its range, and nothing of it makes an endpoint healthy that does not answer as it should.
 */
export function readHealthBody(text: string): HealthBody | undefined {
  const body = parsed(text)
  if (!isMap(body)) return undefined
  const uptime = body.uptime ?? body.uptimeSeconds ?? body.uptime_seconds
  const isUptime = typeof uptime === 'number' && uptime >= 0 && uptime <= UPTIME_S_MAX
  return {
    says: wordOf(body),
    load: readLoad(body),
    uptimeS: isUptime ? uptime : undefined,
    dependencies: dependenciesIn(body.dependencies ?? body.checks ?? body.components),
  }
}

function wordOf(value: unknown): HealthBody['says'] {
  const word = isMap(value) ? (value.status ?? value.state ?? value.healthy) : value
  const text = typeof word === 'string' || typeof word === 'boolean' ? String(word) : ''
  if (PASSED.test(text)) return 'passed'
  if (DEGRADED.test(text)) return 'degraded'
  return FAILED.test(text) ? 'failed' : 'unknown'
}

function dependenciesIn(value: unknown): Dependency[] {
  const named: (readonly [string, unknown])[] = Array.isArray(value)
    ? value
        .slice(0, DEPENDENCIES_MAX)
        .map((each, i) => [isMap(each) ? String(each.name ?? i) : String(i), each] as const)
    : isMap(value)
      ? Object.entries(value).slice(0, DEPENDENCIES_MAX)
      : []
  return named.map(([name, each]) => ({
    name: name.slice(0, NAME_LENGTH_MAX),
    // A check of the draft is a list of measurements: the worst counts.
    status: Array.isArray(each) ? worstOf(each.slice(0, DEPENDENCIES_MAX).map(wordOf)) : wordOf(each),
  }))
}

const ORDER = ['failed', 'degraded', 'unknown', 'passed'] as const

function worstOf(words: readonly HealthBody['says'][]): HealthBody['says'] {
  return ORDER.find(word => words.includes(word)) ?? 'unknown'
}
