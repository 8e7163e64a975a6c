import type { Config } from '../../engine/writer.ts'
import type { Glance } from '../kit/glance.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import type { RouteGiven } from '../signals.ts'
import type { RowRate } from '../skills/traffic/load-distribution.ts'
import type { Admission } from './admission.ts'
import type { Capacities } from './capacities.ts'
import type { Known } from './known.ts'
import { LoadSamples } from './loads.ts'
import { NO_OPINIONS, type Opinions } from './opinions.ts'
import type { Others } from './others.ts'
import type { Response } from './surge-response.ts'
import { type Thresholds, thresholdsOf } from './thresholds.ts'

/** What the next look at the tables is to see to, beside folding. */
export interface Due {
  /** Loads are compared with capacities. */
  readonly review: boolean
  /** Weights are adapted to how requests went. */
  readonly adapt: boolean
  /** Thresholds are adapted to what is usual. */
  readonly thresholds: boolean
}

export const NOTHING_DUE: Due = { review: false, adapt: false, thresholds: false }

/** Somebody wants the load of a service evened out, and waits for an answer. */
export interface RebalanceWish {
  readonly question: Signal
  readonly by: string
  /** How uneven it was when it was begun; undefined: it is not begun. */
  readonly before: number | undefined
  /** Reviews since then. */
  readonly reviews: number
}

/** A decision that somebody asked for, see route.ts. */
export type Routing = Pick<RouteGiven, 'service' | 'outcome' | 'routeTo' | 'algorithm'>

/** What is known of a service. */
export interface ServiceState {
  readonly thresholds: Thresholds
  /** Reviews in a row that found its load uneven. */
  readonly uneven: number
  /** The clock when weight was last moved; undefined: never. */
  readonly shiftedMs: number | undefined
  readonly response: Response | undefined
  readonly admission: Admission | undefined
  readonly wishes: readonly RebalanceWish[]
}

export interface State {
  readonly services: Config['services']
  readonly knobs: Config['agents']['load-balancer']
  readonly bootMs: number
  readonly incarnation: number
  /** What this node is called; undefined: no other agent was heard of yet. */
  readonly node: string | undefined
  /** By row. Changed in place: a fact about one of ten thousand endpoints is no reason to copy what is known of all others. */
  readonly known: Map<number, Known>
  /** By index of service whose panic was told: since when there is none any more. */
  readonly calmMs: ReadonlyMap<number, number>
  /** By name of service. */
  readonly served: ReadonlyMap<string, ServiceState>
  /** True while a look out of turn is on its way, and while weight is being moved step by step. */
  readonly isLookDue: boolean
  readonly isMoving: boolean
  /** Tables were looked at: who is seen for the first time from now on has come. */
  readonly hasLooked: boolean
  readonly due: Due
  /** What was seen of the tables at the last glance; undefined: there was none yet. */
  readonly glance: Glance | undefined
  /** The clock at the last look. */
  readonly lookedMs: number
  /** Something was settled since then. */
  readonly hasTraffic: boolean
  /** Some endpoint is being eased in: its weight grows by the clock alone. */
  readonly isEasing: boolean
  /** Changed in place, see there. */
  readonly samples: LoadSamples
  readonly opinions: Opinions
  readonly capacities: Capacities
  readonly others: Others
  /** Requests per second by row. */
  readonly rates: ReadonlyMap<number, RowRate>
  /** Times as many requests as now that are forecast for a minute ahead, by service, and when. */
  readonly growth: ReadonlyMap<string, { readonly times: number; readonly ms: number }>
  /** The last thousand that were asked for, the oldest first. */
  readonly routings: readonly Routing[]
  /** Surges that others were asked about. */
  readonly episodes: number
}

export function newState(config: Config, bootMs: number, incarnation: number): State {
  return {
    services: config.services,
    knobs: config.agents['load-balancer'],
    ...{ bootMs, incarnation, node: undefined },
    ...{ known: new Map(), calmMs: new Map(), served: new Map() },
    ...{ isLookDue: false, isMoving: false, hasLooked: false, due: NOTHING_DUE },
    ...{ glance: undefined, lookedMs: bootMs, hasTraffic: false, isEasing: false },
    ...{ samples: new LoadSamples(), opinions: NO_OPINIONS, capacities: new Map(), others: new Map() },
    ...{ rates: new Map(), growth: new Map(), routings: [], episodes: 0 },
  }
}

/** What is known of a service; of one that nothing is known of, what the config says. */
export function serviceOf({ served, knobs }: State, service: string): ServiceState {
  return (
    served.get(service) ?? {
      thresholds: thresholdsOf(knobs.thresholds),
      uneven: 0,
      shiftedMs: undefined,
      response: undefined,
      admission: undefined,
      wishes: [],
    }
  )
}
