import { type Directive, emit, reply } from '../kit/grammar/directive.ts'
import type { ServiceView } from '../kit/tables.ts'
import { loadRebalanced, rebalanceDone } from '../signals.ts'
import { unevennessOf } from '../skills/traffic/unevenness.ts'
import type { Known } from './known.ts'
import { reviewLoads } from './load-review.ts'
import type { Elsewhere } from './others.ts'
import type { RebalanceWish, ServiceState, State } from './state.ts'

/** What came of a review, for the service. */
export interface ReviewStep {
  readonly known: Known[]
  readonly uneven: number
  readonly wishes: readonly RebalanceWish[]
  readonly directives: readonly Directive[]
}

/** The first review after weights have moved is still of before; the second tells how load lies now. */
const REVIEWS_TO_TELL = 2

/** Reviews the loads of a service where that is due, or wished; wishes are answered when their weights have moved and load has followed. */
export function review(
  state: State,
  service: ServiceView,
  known: Known[],
  mine: ServiceState,
  elsewhere: ReadonlyMap<string, Elsewhere>,
  now: number,
): ReviewStep {
  const wished = mine.wishes.find(({ before }) => before === undefined)
  // In a surge load lies as chance has it until the surge is seen to, and least-request evens it out by itself.
  const isDue = state.due.review && mine.response === undefined
  if (!isDue && wished === undefined) return { known, uneven: mine.uneven, wishes: mine.wishes, directives: [] }
  const measure = {
    ...{ samples: state.samples, capacities: state.capacities, elsewhere, thresholds: mine.thresholds },
    perWeight: state.knobs.maxConnections,
  }
  const { evened, uneven, rebalancing, weighed } = reviewLoads(service, known, mine.uneven, measure, wished?.by, now)
  const unevenness = unevennessOf(weighed)
  const directives: Directive[] = []
  if (rebalancing !== undefined) {
    const { because, unevennessBefore, unevennessExpected } = rebalancing
    const told = { service: service.name, because, unevennessBefore, unevennessExpected }
    directives.push(emit(loadRebalanced.of(told, service.name)))
  }
  const wishes = mine.wishes.flatMap(wish => {
    if (wish.before === undefined) return [{ ...wish, before: unevenness, reviews: 0 }]
    const reviews = wish.reviews + (isDue ? 1 : 0)
    if (reviews < REVIEWS_TO_TELL) return [{ ...wish, reviews }]
    const done = { service: service.name, unevennessBefore: wish.before, unevennessAfter: unevenness }
    directives.push(reply(wish.question, rebalanceDone.of(done, service.name)))
    return []
  })
  const next = known.map((each, i) => (each.evened === evened[i] ? each : { ...each, evened: evened[i]! }))
  return { known: next, uneven: isDue ? uneven : mine.uneven, wishes, directives }
}
