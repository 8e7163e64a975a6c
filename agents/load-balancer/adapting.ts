import type { ServiceView } from '../kit/tables.ts'
import { adaptedShare } from './adaptation.ts'
import { type Known, telling } from './known.ts'
import { type Elsewhere, latencyElsewhere } from './others.ts'
import type { Thresholds, Usual } from './thresholds.ts'

/**
 * What the endpoints of a service keep of their weights for how their requests went, here; how long they took where too few went from here,
 * elsewhere. Each figure counts by its own requests: ten seconds with enough to tell failures by say nothing of five with a single slow one.
 */
export function adapted(
  { name, endpoints }: ServiceView,
  known: readonly Known[],
  thresholds: Thresholds,
  elsewhere: ReadonlyMap<string, Elsewhere>,
  now: number,
): Known[] {
  return known.map((each, i) => {
    const others = elsewhere.get(`${name}/${endpoints[i]!.id}`)
    const heard = others === undefined ? 0 : latencyElsewhere(others)
    const latencyUsP99 = telling(each.times, now)?.latencyUsP99 ?? heard
    const errorShare = telling(each.failures, now)?.errorShare ?? 0
    const share = adaptedShare({ latencyUsP99, errorShare }, thresholds)
    return share === each.adapted ? each : { ...each, adapted: share }
  })
}

/** What is usual among the endpoints that have requests; undefined: none have. */
export function usualOf(known: readonly Known[], now: number): Usual | undefined {
  const times = known.flatMap(each => telling(each.times, now)?.latencyUsP95 ?? [])
  const failures = known.flatMap(each => telling(each.failures, now)?.errorShare ?? [])
  if (times.length === 0 && failures.length === 0) return undefined
  return { latencyUsP95: medianOf(times), errorShare: medianOf(failures) }
}

/** The lower one of an even number: where two differ, the better one is usual. 0 of none. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0
}
