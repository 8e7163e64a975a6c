import { elapsedMs, HEALTH_NAMES, HEALTH_UNKNOWN } from '../../engine/writer.ts'
import { type Directive, emit } from '../kit/grammar/directive.ts'
import type { EndpointView, ServiceView } from '../kit/tables.ts'
import { differentialObserved, type HealthWord } from '../signals.ts'
import type { Burst } from './burst.ts'

/** So much of it fails, of so many requests: it is not well, whatever checks say. */
const ERROR_SHARE = 0.1
const REQUESTS_MIN = 20
/** Of what was counted a second ago so much still counts: about ten seconds are looked at. */
const KEPT_A_SECOND = 0.9
/** A disagreement that is not told at once must last so long, in ms. */
const LASTS_MS = 1_000
/** So long both must agree again for the next disagreement to be another one, in ms. */
const AGREED_MS = 10_000

interface Entry {
  readonly generation: number
  failed: number
  total: number
  atMs: number
}

/** How much of each endpoint's requests failed of late. Changed in place; one entry a row with traffic. */
export class ErrorShares {
  readonly #entries = new Map<number, Entry>()

  /** What a second has come to. */
  add(bursts: readonly Burst[], now: number): void {
    for (const { row, generation, failed, total } of bursts) {
      const old = this.#entries.get(row)
      const kept = old?.generation === generation ? KEPT_A_SECOND ** (elapsedMs(now, old.atMs) / 1_000) : 0
      this.#entries.set(row, {
        ...{ generation, atMs: now },
        failed: (old?.failed ?? 0) * kept + failed,
        total: (old?.total ?? 0) * kept + total,
      })
    }
  }

  /** Undefined: too few requests to say. */
  of({ row, generation }: Pick<EndpointView, 'row' | 'generation'>, now: number): number | undefined {
    const entry = this.#entries.get(row)
    if (entry?.generation !== generation) return undefined
    const total = entry.total * KEPT_A_SECOND ** (elapsedMs(now, entry.atMs) / 1_000)
    return total < REQUESTS_MIN ? undefined : entry.failed / entry.total
  }

  /** Of those that are there no more. */
  keepOnly(rows: ReadonlySet<number>): void {
    for (const row of this.#entries.keys()) if (!rows.has(row)) this.#entries.delete(row)
  }
}

/** A disagreement about one endpoint that was told, or will be where it lasts. */
export interface Episode {
  readonly generation: number
  readonly isTold: boolean
  /** When both were seen to disagree first, and last. */
  readonly sinceMs: number
  readonly lastMs: number
}

/** What requests say of an endpoint. */
export function passiveVerdict(isEjected: boolean, errorShare: number | undefined): HealthWord {
  if (isEjected) return 'unhealthy'
  if (errorShare === undefined) return 'unknown'
  return errorShare >= ERROR_SHARE ? 'degraded' : 'healthy'
}

const BADNESS: Readonly<Record<HealthWord, number>> = { unknown: 0, healthy: 0, degraded: 1, unhealthy: 2 }

/** Of two verdicts the worse one counts: whoever sees that it fails is right. */
export function worse(active: HealthWord, passive: HealthWord): HealthWord {
  if (active === 'unknown') return passive
  return BADNESS[passive] > BADNESS[active] ? passive : active
}

/** All endpoints of a look; `isEjected` as it is after what the look has led to. */
export function observeAll(
  before: ReadonlyMap<number, Episode>,
  shares: ErrorShares,
  services: readonly ServiceView[],
  isEjected: (row: number) => boolean,
  now: number,
): { readonly episodes: ReadonlyMap<number, Episode>; readonly directives: readonly Directive[] } {
  const episodes = new Map<number, Episode>()
  const directives: Directive[] = []
  const rows = new Set<number>()
  for (const { name, endpoints } of services) {
    for (const endpoint of endpoints) {
      const { row, health } = endpoint
      rows.add(row)
      if (health === HEALTH_UNKNOWN && !before.has(row)) continue
      const seen = observe(before.get(row), name, endpoint, isEjected(row), shares.of(endpoint, now), now)
      if (seen.episode !== undefined) episodes.set(row, seen.episode)
      directives.push(...seen.directives)
    }
  }
  shares.keepOnly(rows)
  return { episodes, directives }
}

/**
 * Whether checks and requests disagree on an endpoint, told once as long as they do: at once where it was ejected, else when it lasts for a
 * second. The health monitor, whose checks they are, makes an alert of it.
 *
 * Source  Huang, HotOS 2017: what fails for those who use it and not for those who watch it is the failure that lasts.
 */
export function observe(
  before: Episode | undefined,
  service: string,
  endpoint: Pick<EndpointView, 'row' | 'generation' | 'id' | 'health'>,
  isEjected: boolean,
  errorShare: number | undefined,
  now: number,
): { readonly episode: Episode | undefined; readonly directives: readonly Directive[] } {
  const { row, generation, id, health } = endpoint
  const known = before?.generation === generation ? before : undefined
  const active = HEALTH_NAMES[health] as HealthWord
  const passive = passiveVerdict(isEjected, errorShare)
  const isHidden = active === 'healthy' && worse(active, passive) !== active
  const isFalse = active === 'unhealthy' && passive === 'healthy'
  if (!isHidden && !isFalse) {
    const isOver = known === undefined || !known.isTold || elapsedMs(now, known.lastMs) >= AGREED_MS
    return { episode: isOver ? undefined : known, directives: [] }
  }
  const sinceMs = known?.sinceMs ?? now
  const isLasting = isEjected || elapsedMs(now, sinceMs) >= LASTS_MS
  const episode = { generation, isTold: known?.isTold === true || isLasting, sinceMs, lastMs: now }
  if (known?.isTold === true || !isLasting) return { episode, directives: [] }
  const subject = `${service}/${id}`
  const share = errorShare ?? 0
  const reason = isHidden
    ? `checks pass, and ${isEjected ? 'it is ejected for its requests' : `${percent(share)} of its requests fail`}`
    : `checks fail, and ${percent(1 - share)} of its requests go well`
  const observed = { row, generation, service, id, active, passive, errorShare: share, reason }
  return {
    episode,
    directives: [emit(differentialObserved.of(observed, subject))],
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
