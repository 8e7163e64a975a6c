import type { Examination, HealthStanding, HealthWord, MetricName } from '../../signals.ts'

/** All that is known of how an endpoint is. */
export interface HealthFacts {
  /** What checks say. */
  readonly health: HealthWord
  /** Of the last change of that. */
  readonly reason: string
  /** What the last closer look came to; undefined: there was none. */
  readonly examined: Pick<Examination, 'verdict' | 'score' | 'reasons'> | undefined
  readonly odd: readonly MetricName[]
  /** Out for how its requests go. */
  readonly isEjected: boolean
  /** What it says of itself. */
  readonly says: 'passed' | 'degraded' | 'failed' | 'unknown'
  /** Of its certificate, in days; undefined: it has none that is known. */
  readonly daysLeft: number | undefined
  /** Part of its requests of the last 15 min that went well; undefined: too few. */
  readonly availability: number | undefined
  readonly trend: HealthStanding['trend']
}

/** What each thing that is not well leaves of the score. */
const LEFT = { degraded: 0.7, ejected: 0.4, odd: 0.8, says: 0.7, certificate: 0.8, worsening: 0.9 } as const

/** Days on which somebody should have renewed it. */
const DAYS_WARN = 14

/**
 * One word for how an endpoint is, how well from 0 to 1, and why. It has failed where checks say so, or the last closer look; it is degraded
 * where anything is not well; unknown where nothing at all has been seen of it.
 */
export function standingOf(facts: HealthFacts): HealthStanding {
  const { health, reason, examined, odd, isEjected, says, daysLeft, availability, trend } = facts
  const reasons: string[] = []
  let score = examined?.score ?? 1
  const because = (text: string, left: number): void => {
    reasons.push(text)
    score *= left
  }
  const hasFailed = health === 'unhealthy' || examined?.verdict === 'failed'
  if (health === 'unhealthy') because(`checks fail: ${reason}`, 0)
  if (health === 'degraded') because('it asks to be spared', LEFT.degraded)
  if (examined !== undefined && examined.verdict !== 'healthy') reasons.push(...examined.reasons)
  if (isEjected) because('its requests fail or lag', LEFT.ejected)
  for (const metric of odd) because(`${metric} is not as usual`, LEFT.odd)
  if (says === 'degraded' || says === 'failed') because(`it says it is ${says}`, LEFT.says)
  if (daysLeft !== undefined && daysLeft < DAYS_WARN) {
    because(`its certificate ends in ${Math.floor(daysLeft)} days`, LEFT.certificate)
  }
  if (availability !== undefined && availability < 1) score *= availability
  if (trend === 'worsening') because('it becomes slower', LEFT.worsening)
  const isSeen = health !== 'unknown' || examined !== undefined || availability !== undefined
  const word = hasFailed ? 'failed' : reasons.length > 0 ? 'degraded' : isSeen ? 'healthy' : 'unknown'
  return { word, score, reasons, trend }
}
