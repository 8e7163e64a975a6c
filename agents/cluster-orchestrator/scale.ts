import { HEALTH_HEALTHY, type NewEndpoint } from '../../engine/writer.ts'
import { act } from '../kit/grammar/directive.ts'
import type { EndpointView } from '../kit/tables.ts'
import { editEndpoints } from '../skills/operations/edit-endpoints.ts'
import type { Asked, Procedure, Sight } from '../skills/operations/procedure.ts'
import { undoKey } from '../skills/operations/undoing.ts'
import { callHook } from '../skills/webhook.ts'
import { findStranger, isFault, readCount, readList } from './options.ts'

interface Scaling {
  readonly service: string
  /** How many endpoints there shall be. */
  readonly count: number
  /** Ids that were there before: all others are newcomers. */
  readonly before: readonly string[]
  readonly add: readonly NewEndpoint[]
  /** As they were, so that they can be brought back. */
  readonly remove: readonly NewEndpoint[]
  /** Of the hook, or of the edit; null: it has not come back. */
  readonly fault: string | null
  /** Newcomers that are kept out until they are healthy. */
  readonly unproven: readonly string[]
}

/** The hook and the tables answer in seconds, whatever they say. */
const ANSWER_MS = 30_000

/**
 * Has endpoints of a service come and go: `{ service, count }` tells the scale hook of the config how many there shall be; `{ service, add,
 * remove }` edits the tables of this node itself, by urls that come and ids that go.
 *
 *   ask-for ──▶ wait-for-health: newcomers are kept out until a check has passed ──▶ count: so many are there
 */
export const scaleCluster: Procedure<Scaling> = {
  isResumed: false,
  begin({ options }, sight) {
    const planned = planOf(options, sight)
    if (typeof planned === 'string') return { refusal: planned }
    return { memory: planned, before: { endpoints: String(planned.before.length) } }
  },
  stages: [
    {
      name: 'ask-for',
      enter: askFor,
      look(memory, { config }, sinceMs) {
        if (memory.fault === null && sinceMs > ANSWER_MS) return { go: 'failed', because: 'it was not answered' }
        if (memory.fault === null) return { go: 'wait' }
        if (memory.fault !== '') return { go: 'failed', because: memory.fault }
        // Whom nobody checks nothing will ever prove.
        const isChecked = config.services[memory.service]?.healthCheck !== undefined
        return { go: 'next', memory: { ...memory, unproven: isChecked ? memory.add.map(({ id }) => id) : [] } }
      },
      undo(memory, _, { id }) {
        const { service, add, remove } = memory
        // Nothing was done; where it was not answered, it may have been.
        if (add.length + remove.length === 0 || memory.fault) return []
        const gone = add.map(each => each.id).filter(each => !memory.before.includes(each))
        return [act(editEndpoints, { key: undoKey(id), service, add: remove, remove: gone, takesBack: true })]
      },
    },
    {
      name: 'wait-for-health',
      look(memory, sight, sinceMs) {
        const endpoints = endpointsOf(memory.service, sight)
        const unproven = endpoints.flatMap(({ id, health }) =>
          health !== HEALTH_HEALTHY && isNewcomer(memory, id, sight) ? [id] : [],
        )
        const isThere = endpoints.length >= memory.count
        if (isThere && unproven.length === 0) return { go: 'next', memory: { ...memory, unproven } }
        const { timeout } = sight.config.agents['cluster-orchestrator'].scale
        if (sinceMs < timeout) return { go: 'wait', memory: { ...memory, unproven } }
        const state = isThere
          ? `${unproven.join(', ')} not healthy`
          : `${endpoints.length} of ${memory.count} are there`
        return { go: 'failed', because: `${state} after ${timeout} ms`, memory: { ...memory, unproven } }
      },
    },
    {
      name: 'count',
      look(memory, sight, sinceMs) {
        const { length } = endpointsOf(memory.service, sight)
        if (length === memory.count) return { go: 'next' }
        const { timeout } = sight.config.agents['cluster-orchestrator'].scale
        if (sinceMs < timeout) return { go: 'wait' }
        return { go: 'failed', because: `there are ${length} endpoints and not ${memory.count}` }
      },
    },
  ],
  holds: ({ service, unproven }, stage) => (stage === 'wait-for-health' ? unproven.map(id => `${service}/${id}`) : []),
  take(memory, returned) {
    return returned.kind === 'session' ? memory : { ...memory, fault: returned.fault }
  },
  after: (memory, sight) => ({ endpoints: String(endpointsOf(memory.service, sight).length) }),
}

function planOf(options: Asked['options'], sight: Sight): Scaling | string {
  const stranger = findStranger(options, ['service', 'count', 'add', 'remove'])
  if (stranger !== undefined) return stranger
  const { service = '', count: wanted } = options
  const view = sight.tables.services.find(({ name }) => name === service)
  if (view === undefined) return `there is no service ${JSON.stringify(service)}`
  const before = view.endpoints.map(({ id }) => id)
  const blank = { service, before, add: [], remove: [], fault: null, unproven: [] }
  if (wanted !== undefined) {
    const count = readCount(wanted)
    if (isFault(count)) return count.fault
    if (count < 1) return 'a service is emptied by its operator alone'
    if (options.add !== undefined || options.remove !== undefined) return 'write a count, or what comes and goes'
    if (sight.config.agents['cluster-orchestrator'].scale.hook === undefined) {
      return 'no scale hook is configured, set agents.cluster-orchestrator.scale.hook, or write urls to add and ids to remove'
    }
    return { ...blank, count }
  }
  const add = readList(options.add).map(newEndpoint)
  const bad = add.find(each => typeof each === 'string')
  if (typeof bad === 'string') return bad
  const coming = add as NewEndpoint[]
  const known = coming.find(({ id }) => before.includes(id))
  if (known !== undefined) return `${service} has an endpoint ${known.id} already`
  const ids = readList(options.remove)
  const unknown = ids.find(id => !before.includes(id))
  if (unknown !== undefined) return `${service} has no endpoint ${JSON.stringify(unknown)}`
  if (coming.length + ids.length === 0) return 'write a count, or what comes and goes'
  const remove = view.endpoints.filter(({ id }) => ids.includes(id)).map(textOf)
  return { ...blank, count: before.length + coming.length - remove.length, add: coming, remove }
}

function askFor(memory: Scaling, { config, tables }: Sight, { id }: Asked) {
  const { service, count, add, remove } = memory
  if (add.length + remove.length > 0) {
    return [act(editEndpoints, { key: id, service, add, remove: remove.map(each => each.id) })]
  }
  const { hook } = config.agents['cluster-orchestrator'].scale
  if (hook === undefined) return []
  const now = tables.services.find(({ name }) => name === service)?.endpoints.length ?? 0
  // Said again it carries the same id, by which whoever is told knows that it is the same wish.
  return [act(callHook, { hook, about: id, body: { id, operation: 'scale_cluster', service, count, now } })]
}

function endpointsOf(service: string, { tables }: Sight): readonly EndpointView[] {
  return tables.services.find(({ name }) => name === service)?.endpoints ?? []
}

/** One of which a check has to say that it is healthy. */
function isNewcomer({ before, service }: Scaling, id: string, { config }: Sight): boolean {
  return !before.includes(id) && config.services[service]?.healthCheck !== undefined
}

function newEndpoint(url: string): NewEndpoint | string {
  if (!URL.canParse(url) || !/^https?:\/\/[^/]+\/?$/.test(url))
    return `${JSON.stringify(url)} is no url, write http://host:port`
  const { origin, hostname, port, protocol } = new URL(url)
  const id = `${hostname.replace(/^\[|\]$/g, '')}:${port || (protocol === 'https:' ? '443' : '80')}`
  return { id, url: origin, zone: '', metadata: {}, weight: 1, priority: 0 }
}

function textOf({ id, url, zone, metadata, weight, priority }: EndpointView): NewEndpoint {
  return { id, url, zone, metadata, weight, priority }
}
