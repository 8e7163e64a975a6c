import type { TablesView } from '../kit/tables.ts'
import type { EndpointRef, LatencyCount, Settled } from '../signals.ts'
import { addLatencies, addSettled, merge, newSum, requestsOf, type Sum } from './sum.ts'

/** By row, what the endpoint in it is called. */
export type Names = ReadonlyMap<number, EndpointRef>

/** A slice of time that is over. */
export interface Slice {
  readonly forMs: number
  /** By name. */
  readonly services: ReadonlyMap<string, Sum>
  /** By key, see keyOf. */
  readonly endpoints: ReadonlyMap<string, { readonly endpoint: EndpointRef; readonly sum: Sum }>
}

/** An endpoint for as long as it lives: the next tenant of its row is another. */
export function keyOf({ row, generation }: { readonly row: number; readonly generation: number }): string {
  return `${row}:${generation}`
}

export function namesOf({ services }: TablesView): Names {
  return new Map(
    services.flatMap(({ name: service, endpoints }) =>
      endpoints.map(({ row, generation, id }) => [row, { row, generation, service, id }] as const),
    ),
  )
}

interface Entry {
  readonly row: number
  readonly generation: number
  readonly sum: Sum
}

/**
 * The slice of time under way, by endpoint. It is the one thing the agent's decisions change in place: copied ten times a second, the
 * histograms of thousands of endpoints would cost more than all else it does. At most two entries a row, its tenants of a slice or so.
 */
export class OpenSlice {
  readonly #entries = new Map<string, Entry>()

  addSettled(settled: Settled): void {
    addSettled(this.#sumOf(settled), settled)
  }

  addLatencies(counted: LatencyCount): void {
    addLatencies(this.#sumOf(counted), counted.bucket, counted.count)
  }

  /**
   * Ends it, and begins the next. Who came and went between two looks at the tables has no name in either, and is left out. Latencies
   * of their own are kept by the `detailed` busiest endpoints; those of the others are in their service's alone.
   */
  close(names: readonly Names[], forMs: number, detailed: number): Slice {
    const services = new Map<string, Sum>()
    const endpoints = new Map<string, { endpoint: EndpointRef; sum: Sum }>()
    const busiestFirst = [...this.#entries].sort(([, a], [, b]) => requestsOf(b.sum) - requestsOf(a.sum))
    for (const [key, { row, generation, sum }] of busiestFirst) {
      const endpoint = names.map(each => each.get(row)).find(each => each?.generation === generation)
      if (endpoint === undefined) continue
      const { service } = endpoint
      let ofService = services.get(service)
      if (ofService === undefined) services.set(service, (ofService = newSum()))
      merge(ofService, sum)
      endpoints.set(key, { endpoint, sum: endpoints.size < detailed ? sum : { ...sum, latencies: undefined } })
    }
    this.#entries.clear()
    return { forMs, services, endpoints }
  }

  #sumOf({ row, generation }: { readonly row: number; readonly generation: number }): Sum {
    const key = keyOf({ row, generation })
    let entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, (entry = { row, generation, sum: newSum() }))
    return entry.sum
  }
}
