import type { EndpointRef, Figures, Metrics } from '../signals.ts'
import type { Slice } from './slice.ts'
import { figuresOf, merge, newSum, requestsOf, type Sum } from './sum.ts'

/**
 * Windows are the last slices, which are 5 s long when the thread gets its turns, so they slide by as much:
 *
 *   slices   │ 1 │ 2 │ … │ 10 │ 11 │ 12 │ under way
 *   last60s  └────────────────────────┘
 *   last10s                   └───────┘
 */
export const SLICES_10S = 2
export const SLICES_60S = 12

interface Windows {
  readonly last10s: Sum
  readonly last60s: Sum
}

/** The figures of these slices, the oldest first, for all services that had requests and the `endpointsMax` busiest endpoints. */
export function metricsOf(slices: readonly Slice[], endpointsMax: number): Metrics {
  const services = new Map<string, Windows>()
  const endpoints = new Map<string, Windows & { endpoint: EndpointRef }>()
  const recent = slices.length - SLICES_10S
  slices.forEach((slice, index) => {
    for (const [name, sum] of slice.services) {
      let windows = services.get(name)
      if (windows === undefined) services.set(name, (windows = newWindows()))
      add(windows, sum, index >= recent)
    }
    for (const [key, { endpoint, sum }] of slice.endpoints) {
      let windows = endpoints.get(key)
      if (windows === undefined) endpoints.set(key, (windows = { ...newWindows(), endpoint }))
      add(windows, sum, index >= recent)
    }
  })
  const figures = figuresOver(slices)
  const busiestFirst = [...endpoints.values()].sort((a, b) => requestsOf(b.last60s) - requestsOf(a.last60s))
  return {
    services: [...services].map(([service, windows]) => ({ service, ...figures(windows) })),
    endpoints: busiestFirst
      .slice(0, endpointsMax)
      .map(({ endpoint, ...windows }) => ({ ...endpoint, ...figures(windows) })),
    endpointsLeftOut: Math.max(0, busiestFirst.length - endpointsMax),
  }
}

function newWindows(): Windows {
  return { last10s: newSum(), last60s: newSum() }
}

function add({ last10s, last60s }: Windows, sum: Sum, isRecent: boolean): void {
  merge(last60s, sum)
  if (isRecent) merge(last10s, sum)
}

/** Rates are over the time that the slices took: a window that has just begun is shorter, and a late slice longer. */
function figuresOver(slices: readonly Slice[]): (windows: Windows) => { last10s: Figures; last60s: Figures } {
  const msOf = (some: readonly Slice[]): number => some.reduce((sum, { forMs }) => sum + forMs, 0)
  const [ms10s, ms60s] = [msOf(slices.slice(-SLICES_10S)), msOf(slices)]
  return ({ last10s, last60s }) => ({ last10s: figuresOf(last10s, ms10s), last60s: figuresOf(last60s, ms60s) })
}
