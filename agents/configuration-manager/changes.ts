import type { Config } from '../../engine/writer.ts'
import { canonical } from './canonical.ts'

/** So many changes are told one by one; how many more there are is the last word. */
export const CHANGES_MAX = 20

/**
 * What one config says otherwise than the one before it, a few words for each: names and no values, for a value may be a secret.
 *
 *   service users added · endpoint api/c removed · endpoint api/a changed · routes changed
 */
export function changesOf(before: Config, next: Config): string[] {
  const { services: servicesBefore, ...keysBefore } = before
  const { services: servicesNext, ...keysNext } = next
  const changes = [
    ...told('service', new Map(Object.entries(servicesBefore)), new Map(Object.entries(servicesNext)), settingsOf),
    ...told('endpoint', endpointsOf(before), endpointsOf(next), each => each),
    ...told('', new Map(Object.entries(keysBefore)), new Map(Object.entries(keysNext)), each => each),
  ]
  if (changes.length <= CHANGES_MAX) return changes
  return [...changes.slice(0, CHANGES_MAX), `${changes.length - CHANGES_MAX} more`]
}

/** What was added, removed and changed of one kind; whether something changed is seen by the part of it that `of` takes. */
function told<Part>(
  what: string,
  before: ReadonlyMap<string, Part>,
  next: ReadonlyMap<string, Part>,
  of: (part: Part) => unknown,
): string[] {
  const say = (name: string, deed: string): string => `${what} ${name} ${deed}`.trimStart()
  const kept = [...next].filter(([name]) => before.has(name))
  return [
    ...[...next.keys()].filter(name => !before.has(name)).map(name => say(name, 'added')),
    ...[...before.keys()].filter(name => !next.has(name)).map(name => say(name, 'removed')),
    ...kept
      .filter(([name, part]) => canonical(of(before.get(name)!)) !== canonical(of(part)))
      .map(([name]) => say(name, 'changed')),
  ]
}

type Service = Config['services'][string]

/** A service without its endpoints, which are told by themselves. */
function settingsOf({ endpoints: _, ...settings }: Service): Omit<Service, 'endpoints'> {
  return settings
}

function endpointsOf({ services }: Config): Map<string, Service['endpoints'][number]> {
  return new Map(
    Object.entries(services).flatMap(([service, { endpoints }]) =>
      endpoints.map(endpoint => [`${service}/${endpoint.id}`, endpoint] as const),
    ),
  )
}
