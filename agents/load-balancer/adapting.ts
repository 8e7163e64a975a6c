import type { ServiceView } from '../kit/tables.ts'
import { adaptedShare } from './adaptation.ts'
import { type Known, performanceOf } from './known.ts'
import { type Elsewhere, performanceElsewhere } from './others.ts'
import type { Thresholds, Usual } from './thresholds.ts'

/** Requests it takes to be one of those that say what is usual. */
const REQUESTS_MIN = 20

/** What the endpoints of a service keep of their weights for how their requests went, here, or where too few went from here, elsewhere. */
export function adapted(
  { name, endpoints }: ServiceView,
  known: readonly Known[],
  thresholds: Thresholds,
  elsewhere: ReadonlyMap<string, Elsewhere>,
  now: number,
): Known[] {
  return known.map((each, i) => {
    const own = performanceOf(each, now)
    const others = elsewhere.get(`${name}/${endpoints[i]!.id}`)
    const isEnough = own !== undefined && own.requests >= REQUESTS_MIN
    const performance = isEnough || others === undefined ? own : performanceElsewhere(others)
    const share = performance === undefined ? 1 : adaptedShare(performance, thresholds)
    return share === each.adapted ? each : { ...each, adapted: share }
  })
}

/** What is usual among the endpoints that have requests; undefined: none have. */
export function usualOf(known: readonly Known[], now: number): Usual | undefined {
  const measured = known.flatMap(each => performanceOf(each, now) ?? []).filter(each => each.requests >= REQUESTS_MIN)
  if (measured.length === 0) return undefined
  return {
    latencyUsP95: medianOf(measured.map(each => each.latencyUsP95)),
    errorShare: medianOf(measured.map(each => each.errorShare)),
  }
}

/** The lower one of an even number: where two differ, the better one is usual. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!
}
