import type { Config } from '../../../engine/writer.ts'
import { act, type Directive, emit } from '../../kit/grammar/directive.ts'
import type { TablesView } from '../../kit/tables.ts'
import {
  discoveryRequested,
  type EmergencyType,
  quarantineRequested,
  rebalanceRequested,
  sheddingRequested,
} from '../../signals.ts'
import { callHook } from '../webhook.ts'
import type { Emergency } from './emergency-state.ts'
import { idOfTarget, serviceOf } from './target.ts'

export interface Scene {
  readonly config: Config
  readonly tables: TablesView
  /** Whether this node acts for all: it leads, or is alone. */
  readonly leads: boolean
}

/** What an immediate action does: at once, here, and the same however often it is done. */
export interface Deed {
  readonly directives: readonly Directive[]
  /** What came of it, for people. */
  readonly note: string
  readonly isolated?: readonly string[]
}

export interface EmergencyProcedure {
  /** In order; all of them before anybody is asked. */
  readonly actions: readonly { readonly name: string; deed(emergency: Emergency, scene: Scene): Deed }[]
  /** Roles that are asked to take part, all at once. */
  readonly roles: readonly string[]
  escalateAfterMs(config: Config): number
}

const BY = 'cluster-orchestrator'
/** Shedding ends by itself: it is asked for again as long as it is needed. */
export const SHED_MS = 60_000

/**
 * What is done about each kind of emergency.
 *
 *   node_failure          isolate-node · redistribute-load · start-replacement
 *   network_partition     detect-scope · maintain-quorum · route-around
 *   resource_exhaustion   throttle-requests · scale-up · shed-load
 */
export const PROCEDURES: Readonly<Record<EmergencyType, EmergencyProcedure>> = {
  node_failure: {
    actions: [
      { name: 'isolate-node', deed: isolate },
      { name: 'redistribute-load', deed: redistribute },
      { name: 'start-replacement', deed: replace },
    ],
    roles: ['load-balancer', 'health-monitor', 'node-discovery'],
    escalateAfterMs: ({ agents }) => agents['cluster-orchestrator'].emergencies.nodeFailure,
  },
  network_partition: {
    actions: [
      { name: 'detect-scope', deed: ({ because }) => ({ directives: [], note: because }) },
      {
        // Rights are the partition handler's to give: who has none has resigned by the time this is heard.
        name: 'maintain-quorum',
        deed: (_, { leads }) => ({ directives: [], note: leads ? 'this side decides' : 'this node decides nothing' }),
      },
      { name: 'route-around', deed: routeAround },
    ],
    roles: ['node-discovery', 'load-balancer', 'failure-detector'],
    escalateAfterMs: ({ agents }) => agents['cluster-orchestrator'].emergencies.networkPartition,
  },
  resource_exhaustion: {
    actions: [
      { name: 'throttle-requests', deed: (_, scene) => shed(scene, 'throttle', 'sheddable', SHED_MS) },
      { name: 'scale-up', deed: scaleUp },
      { name: 'shed-load', deed: (_, scene) => shed(scene, 'shed-load', 'sheddable-plus', SHED_MS) },
    ],
    roles: ['resource-manager', 'load-balancer'],
    escalateAfterMs: ({ agents }) => agents['cluster-orchestrator'].emergencies.resourceExhaustion,
  },
}

/** What was asked for to last a while is asked for again, or not any more. */
export function keepShedding(scene: Scene, forMs: number): readonly Directive[] {
  return [
    ...shed(scene, 'throttle', 'sheddable', forMs).directives,
    ...shed(scene, 'shed-load', 'sheddable-plus', forMs).directives,
  ]
}

/** Of each service a share at most: when most of it looks broken, what looks at it may be. */
function isolate({ targets }: Emergency, { config, tables }: Scene): Deed {
  const { maxIsolated } = config.agents[BY].policies
  const left = new Map(
    tables.services.map(({ name, endpoints }) => [name, Math.max(1, Math.floor(endpoints.length * maxIsolated))]),
  )
  const isolated = targets.filter(target => {
    const room = left.get(serviceOf(target)) ?? 0
    left.set(serviceOf(target), room - 1)
    return room > 0
  })
  const directives = isolated.map(target => {
    const asked = { service: serviceOf(target), id: idOfTarget(target), reason: 'failed', by: BY } as const
    return emit(quarantineRequested.of(asked, target))
  })
  const rest = targets.length - isolated.length
  const note = targets.length === 0 ? 'none of its endpoints is known' : isolated.join(', ')
  return { directives, isolated, note: rest > 0 ? `${note}; ${rest} more are left to picks` : note }
}

function redistribute({ targets, subject }: Emergency, { tables }: Scene): Deed {
  const names = tables.services.map(({ name }) => name)
  const concerned = [...new Set([...targets.map(serviceOf), subject])].filter(each => names.includes(each))
  return { directives: concerned.map(rebalance), note: concerned.join(', ') || 'no service is concerned' }
}

function rebalance(service: string): Directive {
  return emit(rebalanceRequested.of({ service, by: BY }, service))
}

function replace({ id, targets, subject }: Emergency, { config, tables, leads }: Scene): Deed {
  const { hook } = config.agents[BY].scale
  if (hook !== undefined && leads) {
    const body = { id, operation: 'start_replacement', subject, targets }
    return { directives: [act(callHook, { hook, about: id, body })], note: 'the scale hook is told' }
  }
  const services = new Set([...targets.map(serviceOf), subject])
  const standby = tables.services
    .filter(({ name }) => services.has(name))
    .flatMap(({ endpoints }) => endpoints.filter(({ priority, bars }) => priority > 0 && bars === 0))
  const note = hook !== undefined ? 'the one that leads tells the scale hook' : 'no scale hook is configured'
  // Lower priorities take over by themselves as soon as those above do not suffice.
  return { directives: [], note: standby.length > 0 ? `${note}; ${standby.length} of lower priority take over` : note }
}

function routeAround(_: Emergency, { tables }: Scene): Deed {
  const services = tables.services.map(({ name }) => name)
  const directives = [emit(discoveryRequested.of({ strategies: [] })), ...services.map(rebalance)]
  return { directives, note: `who can be reached is looked for again; ${services.join(', ')}` }
}

function shed({ tables }: Scene, what: string, from: string, forMs: number): Deed {
  const services = tables.services.map(({ name }) => name)
  const directives = services.map(service =>
    emit(sheddingRequested.of({ service, from, by: `${BY}/${what}`, forMs }, service)),
  )
  return { directives, note: `${from} of ${services.join(', ')}` }
}

function scaleUp({ id, subject }: Emergency, { config }: Scene): Deed {
  const { hook } = config.agents[BY].scale
  if (hook === undefined) return { directives: [], note: 'no scale hook is configured' }
  const body = { id, operation: 'scale_up_resources', resource: subject }
  return { directives: [act(callHook, { hook, about: id, body })], note: 'the scale hook is told' }
}
