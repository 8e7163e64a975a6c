import { elapsedMs, HEALTH_HEALTHY } from '../../../engine/writer.ts'
import type { EndpointView } from '../../kit/tables.ts'
import { type EmergencyType, resource } from '../../signals.ts'
import { isLongOver } from './emergency-figures.ts'
import type { Scene } from './emergency-procedures.ts'
import { keyOf, type Reports } from './emergency-reports.ts'
import type { Emergency, Suspicion } from './emergency-state.ts'
import { idOfTarget, serviceOf } from './target.ts'

/** Connections in a row that show that an endpoint can be reached. */
export const CONNECTS = 3
/** So long figures have to be within their goal. */
export const WITHIN_MS = 30_000

interface Criterion {
  readonly name: string
  isMet(emergency: Emergency, scene: Scene, now: number): boolean
}

/**
 * When an emergency is over: all of these are true at one moment.
 *
 *   node_failure          connectivity-restored     three connections in a row, to so many that fewer than half of the service are out
 *                         health-checks-passing     of these, checks say healthy, where there are checks
 *   network_partition     connectivity-restored     the nodes are together again
 *                         consensus-achieved        all orchestrators have answered one roll call
 *   resource_exhaustion   resources-restored        the resource manager says so: below the limit for 30 s
 *                         performance-within-goal   p99 of every service for 30 s, or no worse than before the shortage; five minutes
 *                                                   after that is over nobody waits for it any more
 */
export const CRITERIA: Readonly<Record<EmergencyType, readonly Criterion[]>> = {
  node_failure: [
    { name: 'connectivity-restored', isMet: (emergency, scene) => areBack(emergency, scene, isConnected) },
    { name: 'health-checks-passing', isMet: (emergency, scene) => areBack(emergency, scene, isHealthy) },
  ],
  network_partition: [
    { name: 'connectivity-restored', isMet: ({ isOver }) => isOver },
    { name: 'consensus-achieved', isMet: ({ rollCall }) => rollCall === 'accepted' },
  ],
  resource_exhaustion: [
    { name: 'resources-restored', isMet: ({ isOver }) => isOver },
    {
      name: 'performance-within-goal',
      isMet: ({ withinMs }, _, now) => withinMs !== null && elapsedMs(now, withinMs) >= WITHIN_MS,
    },
  ],
}

type Test = (target: string, endpoint: EndpointView, emergency: Emergency, scene: Scene) => boolean

function isConnected(target: string, _: EndpointView, { connects }: Emergency): boolean {
  return (connects[target] ?? 0) >= CONNECTS
}

function isHealthy(target: string, { health }: EndpointView, _: Emergency, { config }: Scene): boolean {
  const { services } = config
  const name = serviceOf(target)
  const isChecked = Object.hasOwn(services, name) && services[name]?.healthCheck !== undefined
  return !isChecked || health === HEALTH_HEALTHY
}

/** A node without endpoints here is back when it is said to be. Of a service fewer than half may be out; one endpoint must be back itself. */
function areBack(emergency: Emergency, scene: Scene, test: Test): boolean {
  const { targets, subject, isOver } = emergency
  if (targets.length === 0) return isOver
  const out = targets.filter(target => {
    const endpoint = findEndpoint(target, scene)
    // One that was taken out of the tables is nobody's worry any more.
    return endpoint !== undefined && !test(target, endpoint, emergency, scene)
  })
  const service = scene.tables.services.find(({ name }) => name === subject)
  return service === undefined ? out.length === 0 : out.length * 2 < service.endpoints.length
}

export function findEndpoint(target: string, { tables }: Pick<Scene, 'tables'>): EndpointView | undefined {
  const service = tables.services.find(({ name }) => name === serviceOf(target))
  return service?.endpoints.find(({ id }) => id === idOfTarget(target))
}

/** Of a failed node those that were named; of a service those that are out; of an endpoint itself. */
export function targetsOf({ type, subject, targets }: Suspicion, { tables }: Scene): readonly string[] {
  if (type !== 'node_failure' || targets.length > 0) return targets
  if (findEndpoint(subject, { tables }) !== undefined) return [subject]
  const service = tables.services.find(({ name }) => name === subject)
  return (service?.endpoints ?? []).flatMap(({ id, bars }) => (bars === 0 ? [] : [`${subject}/${id}`]))
}

/** Names of the criteria that are met. */
export function metOf(emergency: Emergency, scene: Scene, now: number): string[] {
  return CRITERIA[emergency.type].filter(({ isMet }) => isMet(emergency, scene, now)).map(({ name }) => name)
}

export function isResolved(emergency: Emergency, met: readonly string[], now: number): boolean {
  return met.length === CRITERIA[emergency.type].length || isLongOver(emergency, now)
}

/** Why nobody could say when an emergency is over that is asked for; undefined: somebody reports on its subject. */
export function refusalOf({ type, subject, targets }: Suspicion, scene: Scene, reports: Reports): string | undefined {
  const stranger = `nobody reports on ${JSON.stringify(subject)}`
  if (type === 'resource_exhaustion') {
    const known = resource['~standard'].validate(subject)
    return 'value' in known && known.issues === undefined ? undefined : stranger
  }
  if (reports.has(keyOf(type, subject))) return undefined
  if (type === 'network_partition') return stranger
  const isService = scene.tables.services.some(({ name }) => name === subject)
  const isKnown = isService || [subject, ...targets].some(each => findEndpoint(each, scene) !== undefined)
  return isKnown ? undefined : `${stranger}, write a service, an endpoint as service/id or a node that is known`
}
