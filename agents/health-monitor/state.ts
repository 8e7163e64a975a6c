import type { Config, ServiceConfig } from '../../engine/writer.ts'
import type { Glance } from '../kit/glance.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type EndpointView, NOTHING_SEEN, type TablesView } from '../kit/tables.ts'
import type { Availability, CheckKind, EndpointRef, Examination } from '../signals.ts'
import type { Standing } from './verdict.ts'
import type { Voids } from './voids.ts'

export type HealthCheck = NonNullable<ServiceConfig['healthCheck']>

/** An endpoint under watch. */
export interface Target extends Standing, EndpointRef {
  readonly url: string
  /** The chain of checks that is its own now: what is scheduled in another comes to nothing. */
  readonly round: number
  /** The same of its closer looks. */
  readonly lookRound: number
  /** Out for what its requests came to, or kept out by quarantine. */
  readonly isEjected: boolean
  /** Marked as degraded for a warning, though its checks pass: it is looked at more closely. */
  readonly isWarned: boolean
  /** What its last comprehensive check said; it holds until the next one. */
  readonly examined: Examination['verdict']
  /** Since when nothing has been amiss. */
  readonly calmSinceMs: number
  /** When a check of it came to nothing last, where that was so of its last check. */
  readonly voidMs: number
}

/** A closer look under way. */
export interface Looking {
  readonly ref: EndpointRef
  readonly kind: CheckKind
  /** Of the chain of closer looks that was its endpoint's own when this one began; undefined: it had none. */
  readonly round: number | undefined
  /** Who wants to know; undefined: it was due. */
  readonly question: Signal | undefined
}

/** A question to the predictor under way. */
export interface Forecasting extends Looking {
  /** When it counts as not answered. */
  readonly untilMs: number
}

export interface State {
  readonly services: Config['services']
  readonly knobs: Config['agents']['health-monitor']
  /** By row. Changed in place: with ten thousand endpoints a copy for each that has its first check would take longer than all checks. */
  readonly targets: Map<number, Target>
  /** Chains of checks begun so far. */
  readonly rounds: number
  /** As seen last. */
  readonly tables: TablesView
  /** What was glanced before that look. */
  readonly glance: Glance | undefined
  /** By ticket. */
  readonly looks: ReadonlyMap<number, Looking>
  readonly tickets: number
  readonly forecasts: readonly Forecasting[]
  /** As measured last, by row. */
  readonly availability: ReadonlyMap<number, Availability>
  /** Checks in a row that were turned away, by row; of those that were. */
  readonly refusals: ReadonlyMap<number, { readonly generation: number; readonly seen: number }>
  /** Checks that came to nothing, of late. */
  readonly voids: Voids | undefined
}

export function stateOf({ services, agents }: Config): State {
  return {
    services,
    knobs: agents['health-monitor'],
    targets: new Map(),
    rounds: 0,
    tables: NOTHING_SEEN,
    glance: undefined,
    looks: new Map(),
    tickets: 0,
    forecasts: [],
    availability: new Map(),
    refusals: new Map(),
    voids: undefined,
  }
}

export function find(state: State, { row, generation }: Pick<EndpointRef, 'row' | 'generation'>): Target | undefined {
  const target = state.targets.get(row)
  return target?.generation === generation ? target : undefined
}

export function healthCheckOf({ services }: Pick<State, 'services'>, service: string): HealthCheck | undefined {
  return Object.hasOwn(services, service) ? services[service]?.healthCheck : undefined
}

/** An endpoint by its name, as the tables said last. */
export function viewOf({ tables }: State, service: string, id: string): EndpointView | undefined {
  return tables.services.find(({ name }) => name === service)?.endpoints.find(endpoint => endpoint.id === id)
}
