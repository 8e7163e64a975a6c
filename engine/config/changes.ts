import type { Config, EndpointConfig } from './schema.ts'

/** What one config says otherwise than the one before it: names and counts, for a line in the log. */
export interface ConfigChanges {
  services: { added: string[]; removed: string[]; changed: string[] }
  /** Over all services. */
  endpoints: { added: number; removed: number; changed: number; reweighted: number }
  /** Keys of the file, beside `services`, under which something is different. */
  keys: string[]
}

/** Compares two configs. The order of keys, services and endpoints is none of their meaning; that of routes is. */
export function changesOf(now: Config, next: Config): ConfigChanges {
  const before = Object.keys(now.services)
  const after = Object.keys(next.services)
  const kept = after.filter(name => Object.hasOwn(now.services, name))
  const changes: ConfigChanges = {
    services: {
      added: after.filter(name => !Object.hasOwn(now.services, name)),
      removed: before.filter(name => !Object.hasOwn(next.services, name)),
      changed: kept.filter(name => {
        const [{ endpoints: _a, ...a }, { endpoints: _b, ...b }] = [now.services[name]!, next.services[name]!]
        return !isSame(a, b)
      }),
    },
    endpoints: { added: 0, removed: 0, changed: 0, reweighted: 0 },
    keys: keysOf(now, next),
  }
  for (const name of [...new Set([...before, ...after])]) {
    countEndpoints(changes, endpointsOf(now, name), endpointsOf(next, name))
  }
  return changes
}

export function hasChanges({ services, endpoints, keys }: ConfigChanges): boolean {
  const { added, removed, changed } = services
  return (
    [added, removed, changed, keys].some(names => names.length > 0) || Object.values(endpoints).some(count => count > 0)
  )
}

/** Whether two parts of a config say the same. They are plain data, whoever made them: by a parser, or from JSON. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  // A key that is there and says nothing is a key that is not there.
  const names = new Set([...Object.keys(x), ...Object.keys(y)])
  return [...names].every(key => isSame(own(x, key), own(y, key)))
}

/** The endpoints a config gives a service, by id. */
export function endpointsOf({ services }: Config, service: string): Map<string, EndpointConfig> {
  const endpoints = Object.hasOwn(services, service) ? services[service]!.endpoints : []
  return new Map(endpoints.map(endpoint => [endpoint.id, endpoint]))
}

function own(map: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

function keysOf(now: Config, next: Config): string[] {
  const { services: _now, ...a } = now
  const { services: _next, ...b } = next
  return Object.keys({ ...a, ...b }).filter(key => !isSame(own(a, key), own(b, key)))
}

function countEndpoints(
  { endpoints: count }: ConfigChanges,
  before: ReadonlyMap<string, EndpointConfig>,
  after: ReadonlyMap<string, EndpointConfig>,
): void {
  for (const [id, endpoint] of after) {
    const old = before.get(id)
    if (old === undefined) count.added++
    else if (!isSame({ ...old, weight: 0 }, { ...endpoint, weight: 0 })) count.changed++
    else if (old.weight !== endpoint.weight) count.reweighted++
  }
  for (const id of before.keys()) if (!after.has(id)) count.removed++
}
