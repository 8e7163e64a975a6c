import { barNames } from '../../engine/writer.ts'
import type { Edge } from '../kit/grammar/action.ts'
import { defineSensor } from '../kit/grammar/sensor.ts'
import { viewTables } from '../kit/tables.ts'
import { clusterHealthSensed, clusterOverviewed, clusterPerformanceSensed } from '../signals.ts'
import { versionsOf } from '../skills/agreement/cluster-state.ts'
import { officeOf } from '../skills/agreement/office.ts'
import { missingIn } from './agents-known.ts'
import { isRoutable } from './capacity.ts'
import { goalsOf } from './goals.ts'
import { healthScore } from './health-score.ts'
import { clusterStateSensed } from './signals.ts'
import type { State } from './state.ts'

/** Registry and structure change seldom, and who they concern hears of it elsewhere sooner. */
const SENSE_MS = 15_000
const SPREAD_MS = SENSE_MS / 10
export const ROLE = 'cluster-orchestrator'

/** Who is registered, and how many endpoints there are; says so when that changes. */
export const clusterStateSensor = defineSensor({
  name: 'cluster-state',
  emits: clusterStateSensed,
  everyMs: SENSE_MS,
  spreadMs: SPREAD_MS,
  start: () => '',
  read({ bridge, attachment }) {
    const agents = bridge?.discover().map(({ agent, incarnation, health }) => `${agent} ${incarnation} ${health}`) ?? []
    const texts = attachment.serviceTexts().filter(({ text }) => !text.isGone)
    return { agents, services: texts.length, endpoints: texts.reduce((sum, { rows }) => sum + rows.length, 0) }
  },
  perceive(before, raw) {
    const after = JSON.stringify(raw)
    return { memory: after, readings: before === after ? [] : [clusterStateSensed.of(raw)] }
  },
})

/** What there is: endpoints by state, agents by health, versions, who leads, whether anything can be decided. */
export const clusterOverviewSensor = defineSensor({
  name: 'cluster-overview',
  emits: clusterOverviewed,
  everyMs: SENSE_MS,
  spreadMs: SPREAD_MS,
  start: () => null,
  async read(edge) {
    const state = edge.knows() as State
    const { services } = viewTables(edge.attachment)
    const states = services.flatMap(({ endpoints }) =>
      endpoints.map(endpoint => (isRoutable(endpoint) ? 'routable' : (barNames(endpoint.bars)[0] ?? 'weightless'))),
    )
    const healths = [...state.agents.values()].map(({ health }) => health)
    return {
      endpoints: countOf(states),
      agents: { ...countOf(healths), missing: missingIn(state.agents).length },
      services: services.length,
      versions: versionsOf(state.cluster),
      leader: leaderOf(edge, state),
      fence: state.leading.fence,
      hasQuorum: await hasQuorum(edge, state),
    }
  },
  perceive: (memory, overview) => ({ memory, readings: [clusterOverviewed.of(overview)] }),
})

/** How well the cluster is, from 0 to 1, and why not better. */
export const clusterHealthSensor = defineSensor({
  name: 'cluster-health',
  emits: clusterHealthSensed,
  everyMs: SENSE_MS,
  spreadMs: SPREAD_MS,
  start: () => null,
  async read(edge) {
    const state = edge.knows() as State
    const endpoints = viewTables(edge.attachment).services.flatMap(service => service.endpoints)
    const agents = [...state.agents.values()]
    const facts = {
      endpoints: endpoints.length,
      routable: endpoints.filter(isRoutable).length,
      agents: agents.length,
      agentsHealthy: agents.filter(({ health }) => health === 'healthy').length,
      performance: state.performance,
      hasQuorum: await hasQuorum(edge, state),
      emergencies: state.emergencies,
    }
    return { facts, goals: goalsOf(state.config) }
  },
  perceive: (memory, { facts, goals }) => ({ memory, readings: [clusterHealthSensed.of(healthScore(facts, goals))] }),
})

/** How all requests went in the last 10 s; silent while there are none. */
export const clusterPerformanceSensor = defineSensor({
  name: 'cluster-performance',
  emits: clusterPerformanceSensed,
  everyMs: SENSE_MS,
  spreadMs: SPREAD_MS,
  start: () => null,
  read: ({ knows }) => (knows() as State).performance,
  perceive: (memory, performance) => ({
    memory,
    readings: performance === undefined || performance.requests === 0 ? [] : [clusterPerformanceSensed.of(performance)],
  }),
})

function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function leaderOf({ bridge }: Edge, { leading }: State): string {
  if (leading.standing === 'alone') return ROLE
  return (bridge && officeOf(bridge, ROLE).leader) ?? ''
}

/** Who is alone decides for itself; else there must be a store that answers, and the right to. */
async function hasQuorum({ bridge }: Edge, { leading }: State): Promise<boolean> {
  if (leading.standing === 'alone') return true
  if (bridge === undefined || leading.standing === 'barred') return false
  return (await bridge.status()).isReachable
}
