import { DISCOVERED, type NewEndpoint } from '../../engine/writer.ts'
import type { DiscoveryStrategy } from '../signals.ts'
import { type Source, speaks } from './source.ts'

/** What a service should have besides what is written down. */
export interface Wanted {
  /** Those that were connected to, marked with the source they have. */
  readonly endpoints: readonly NewEndpoint[]
  /** Ids that are known of, reached or not: who of them is in the tables stays there. */
  readonly known: readonly string[]
  /** Of the known those that are not routed to, for they were not reached. */
  readonly unverified: readonly { readonly id: string; readonly by: DiscoveryStrategy }[]
  /** Marks of sources that have not said yet what is gone. */
  readonly silent: readonly string[]
  /** Marks of all sources of the service. */
  readonly marks: readonly string[]
}

/**
 * What all sources of a service come to: each id once. Where two of them give it different addresses, the first that was reached has it,
 * in the order of the config.
 */
export function wantedOf(sources: readonly Source[], isReached: (url: string) => boolean): Wanted {
  const endpoints = new Map<string, NewEndpoint>()
  const missed = new Map<string, DiscoveryStrategy>()
  for (const { plan, held } of sources) {
    for (const [id, { endpoint }] of held) {
      if (endpoints.has(id)) continue
      if (isReached(endpoint.url)) {
        endpoints.set(id, { ...endpoint, metadata: { ...endpoint.metadata, [DISCOVERED]: plan.mark } })
        missed.delete(id)
      } else if (!missed.has(id)) missed.set(id, plan.by)
    }
  }
  return {
    endpoints: [...endpoints.values()],
    known: [...endpoints.keys(), ...missed.keys()],
    unverified: [...missed].map(([id, by]) => ({ id, by })),
    silent: [...new Set(sources.filter(source => !speaks(source)).map(({ plan }) => plan.mark))],
    marks: [...new Set(sources.map(({ plan }) => plan.mark))],
  }
}
