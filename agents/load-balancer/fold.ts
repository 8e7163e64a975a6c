import { ALL_BARS, type Config, elapsedMs } from '../../engine/writer.ts'
import type { EndpointView, ServiceView } from '../kit/tables.ts'
import { canaryShare, isCanary } from './canary.ts'
import { type Easing, easedShare, evenOut } from './easing.ts'
import type { Known } from './known.ts'
import { type Opinions, opinionShares } from './opinions.ts'
import type { Panic } from './panic.ts'
import { type Shifted, shift } from './shift.ts'
import type { SlowStart } from './slow-start.ts'

type Knobs = Config['agents']['load-balancer']

/** What a fold goes by. */
export interface Grounds {
  readonly slowStart: SlowStart
  readonly knobs: Knobs
  readonly opinions: Opinions
  readonly panic: Panic
  /** Σ |Δ share| that may be moved now, from 0 to 1. */
  readonly allowance: number
}

/** The factors of a service, in the order of its endpoints. */
export interface Folded {
  readonly factors: readonly number[]
  /** Σ |Δ share| among the endpoints that stay. */
  readonly moved: number
  /** More is to be moved than was allowed. */
  readonly isUnderWay: boolean
}

/**
 * Folds the facts of a service into the factors that the weights of its endpoints are multiplied by.
 *
 *   slow start     easing.ts       it joined, recovered or returned        ┐
 *   canary         canary.ts       it was let back from quarantine         │
 *   adaptation     adaptation.ts   its requests take long, or fail         │  × ──▶ ÷ the largest ──▶ bounded shift ──▶ factor
 *   load           rebalancing.ts  it bears more than its part             │        that is open       shift.ts
 *   zone, cost     ┐               what others prefer                      │
 *   trouble, risk  ├ opinions.ts   what others foresee                     │
 *   warning        ┘               what others warn of                     ┘
 *
 * Each is a share from 0 to 1, and 1 where there is nothing to say: without the agent that would say it, and when that has been silent for
 * long. What all endpoints have alike makes no difference to picks, so factors are measured by the largest.
 *
 * In panic nobody is held back: who just recovered shall not get less than those that are not known to work. That, and what happens to
 * endpoints that come and go, is done at once; all else in steps.
 */
export function fold(
  { name, endpoints }: ServiceView,
  known: readonly Known[],
  easings: readonly Easing[],
  grounds: Grounds,
  now: number,
): Folded {
  const { slowStart, knobs, opinions, panic, allowance } = grounds
  if (panic === 'on') return { factors: endpoints.map(() => 1), moved: 0, isUnderWay: false }
  const opinionOf = opinionShares(opinions, name, knobs, now)
  const isOpen = endpoints.map(isPickable)
  const shares = endpoints.map((endpoint, i) => {
    const { adapted, evened, releasedMs } = known[i]!
    const eased = easedShare(slowStart, easings[i]!, now) * adapted * evened * opinionOf(endpoint)
    return releasedMs === undefined ? eased : eased * canaryShare(knobs.canary, elapsedMs(now, releasedMs))
  })
  const wanted = evenOut(shares, isOpen)
  // As a rule all is as it should be.
  if (endpoints.every(({ factor }, i) => Math.abs(factor - wanted[i]!) < STEP)) {
    return { factors: wanted, moved: 0, isUnderWay: false }
  }
  const shifted = endpoints.map((endpoint, i): Shifted => {
    const hasJustCome = easings[i]!.cameMs !== undefined && easings[i]!.cameMs !== known[i]!.easing.cameMs
    return {
      weight: endpoint.weight,
      now: endpoint.factor,
      wanted: wanted[i]!,
      stays: isOpen[i]! && known[i]!.wasOpen && !hasJustCome,
    }
  })
  const { factors, moved } = shift(shifted, allowance)
  return { factors, moved, isUnderWay: moved > 0 && factors.some((factor, i) => Math.abs(factor - wanted[i]!) > STEP) }
}

/** What the table cannot tell apart from a factor. */
const STEP = 1 / 4096

/** Whether picks may take it, as far as that is not for breakers and limits of the moment to say. */
export function isPickable({ bars, weight }: EndpointView): boolean {
  return (bars & ALL_BARS) === 0 && weight > 0
}

/** When it stopped to be a canary it is none. */
export function canaryOf({ releasedMs }: Known, { canary }: Knobs, now: number): number | undefined {
  return releasedMs !== undefined && isCanary(canary, releasedMs, now) ? releasedMs : undefined
}
