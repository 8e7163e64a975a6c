import type { NewEndpoint } from '../../engine/writer.ts'
import type { DiscoveryStrategy } from '../signals.ts'
import { type Source, speaks } from './source.ts'

/** What a service should have besides what is written down. */
export interface Wanted {
  /** Those that were connected to. */
  readonly endpoints: readonly NewEndpoint[]
  /** Ids that are known of, reached or not: who of them is in the tables stays there. */
  readonly known: readonly string[]
  /** Marks of sources that have not said yet what is gone. */
  readonly silent: readonly string[]
}

/**
 * What all sources of a service come to: each id once. Where two of them give it different addresses, the first that was reached has it,
 * in the order of the config.
 */
export function wantedOf(sources: readonly Source[], isReached: (url: string) => boolean): Wanted {
  const endpoints = new Map<string, NewEndpoint>()
  for (const { held } of sources) {
    for (const [id, { endpoint }] of held)
      if (!endpoints.has(id) && isReached(endpoint.url)) endpoints.set(id, endpoint)
  }
  return {
    endpoints: [...endpoints.values()],
    known: [...endpoints.keys(), ...unverifiedOf(sources, isReached).map(({ id }) => id)],
    silent: [...new Set(sources.filter(source => !speaks(source)).map(({ plan }) => plan.mark))],
  }
}

/** Of the known those that are not routed to, for they were not reached. */
export function unverifiedOf(
  sources: readonly Source[],
  isReached: (url: string) => boolean,
): { readonly id: string; readonly by: DiscoveryStrategy }[] {
  const missed = new Map<string, DiscoveryStrategy>()
  const isReachedElsewhere = (id: string): boolean =>
    sources.length > 1 && sources.some(({ held }) => held.has(id) && isReached(held.get(id)!.endpoint.url))
  for (const { plan, held } of sources) {
    for (const [id, { endpoint }] of held) {
      if (isReached(endpoint.url) || missed.has(id) || isReachedElsewhere(id)) continue
      missed.set(id, plan.by)
    }
  }
  return [...missed].map(([id, by]) => ({ id, by }))
}
