import type { HealthWord } from '../signals.ts'
import type { Checked } from './signals.ts'

/** How many checks in a row turn a verdict. */
export interface Patience {
  readonly unhealthyAfter: number
  readonly healthyAfter: number
}

/** What checks have said of an endpoint so far. */
export interface Standing {
  readonly health: HealthWord
  /** Checks in a row that spoke against `health`. */
  readonly against: number
  /** True when the last check came to nothing: a second one in a row counts as failed, where it is of this endpoint alone. */
  readonly wasVoid: boolean
}

export const UNCHECKED: Standing = { health: 'unknown', against: 0, wasVoid: false }

/**
 * The standing after one more check.
 *
 *             passes (1)                      fails (unhealthyAfter in a row)
 *   unknown ──────────────▶ healthy ─────────────────────────────────────────▶ unhealthy
 *      │                       ▲      passes (healthyAfter in a row)              ▲  │
 *      │                       └──────────────────────────────────────────────────┼──┘
 *      └──────────────────────────────────────────────────────────────────────────┘
 *
 * Healthy or degraded is what the last passed check says, at once: it is the endpoint's own word.
 *
 * Source  Envoy: an unknown host is healthy after its first passed check. Deviation: until then it may be picked.
 */
export function judge(standing: Standing, verdict: Checked['verdict'], patience: Patience): Standing {
  if (verdict === 'void' && !standing.wasVoid) return { ...standing, wasVoid: true }
  const hasPassed = verdict === 'passed' || verdict === 'degraded'
  const { health } = standing
  const well = verdict === 'degraded' ? 'degraded' : 'healthy'
  if (hasPassed && health !== 'unhealthy') return { health: well, against: 0, wasVoid: false }
  if (!hasPassed && health === 'unhealthy') return { health, against: 0, wasVoid: false }
  const against = standing.against + 1
  if (against < (hasPassed ? patience.healthyAfter : patience.unhealthyAfter))
    return { health, against, wasVoid: false }
  return { health: hasPassed ? well : 'unhealthy', against: 0, wasVoid: false }
}

/** Of the interval, while an endpoint is out: four times as often, so that it is soon back … */
const QUICK_SHARE = 1 / 4
/** … but a dead endpoint is not asked more than some times a second for that. */
const QUICK_MS_MIN = 250
/** One that has answered is asked again at once: it may be back, and takes nothing until further checks have confirmed it. */
const CONFIRM_MS = 50

/** Time from the start of one check of an endpoint to the next, in ms. `isEjected`: for what its requests came to. */
export function paceMs({ health, against }: Standing, isEjected: boolean, intervalMs: number): number {
  if (health === 'unhealthy' && against > 0) return Math.min(intervalMs, CONFIRM_MS)
  if (health !== 'unhealthy' && !isEjected) return intervalMs
  return Math.min(intervalMs, Math.max(QUICK_MS_MIN, intervalMs * QUICK_SHARE))
}
