/** What is taken where `overprovisioning` is left out, in percent. Envoy's. */
export const OVERPROVISIONING = 140

/**
 * What the structure says of a service, beside its rows: all that a pick must know and that changes seldom. It is JSON in
 * the slot, read once by each thread when its revision changes. Optional parts are left out where they are off.
 */
export interface ServiceText {
  readonly name: string
  readonly policy: { readonly name: string; readonly [option: string]: unknown }
  /** Share of endpoints that must be usable for soft bars to count, 0…1; 0: always. */
  readonly panicThreshold: number
  /** True: in panic nothing is picked, instead of anything. */
  readonly failOnPanic?: boolean
  /** How much of a priority's endpoints may be missing before load moves on, in percent; left out: OVERPROVISIONING. */
  readonly overprovisioning?: number
  readonly locality?: LocalityText
  readonly limits?: LimitsText
  readonly breaker?: BreakerText
  /** True where endpoints may have limits that were learned for each. */
  readonly isAdaptive?: boolean
  /** True where endpoints say in their answers how loaded they are. */
  readonly hearsLoad?: boolean
  readonly retryBudget?: RetryBudgetText
  readonly subsetting?: SubsettingText
  /** The service was removed: its index is kept for routers that still have it, until another service needs the place. */
  readonly isGone?: true
  readonly upstream?: UpstreamText
}

/** How its endpoints are connected to, for those who have nothing but the region. Left out: HTTP/1.1, with the defaults of TLS. */
export interface UpstreamText {
  readonly isHttp2?: boolean
  readonly tls?: UpstreamTlsText
}

/** Files are paths: no key is in shared memory. */
export interface UpstreamTlsText {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
  readonly verify: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

export interface LocalityText {
  readonly mode: 'zone-aware' | 'weighted'
  /** Our own zone. */
  readonly zone: string
  /** Healthy endpoints of priority 0 that there must be for zone-aware to apply. */
  readonly minEndpoints: number
  /** Nodes of ours by zone; left out: one in each zone that has endpoints. */
  readonly nodes?: Readonly<Record<string, number>>
  /** Weight by zone; left out: 1 each. */
  readonly weights?: Readonly<Record<string, number>>
}

/** How much of each there may be at one moment, all threads together; 0: no limit. */
export interface LimitsText {
  readonly requests: number
  readonly connections: number
  readonly retries: number
  /** Requests in flight on one endpoint. */
  readonly endpointRequests: number
  /** Requests that wait for room; left out or 0: nobody waits. */
  readonly pending?: number
}

export interface BreakerText {
  /** Failures in a row that open it; 0: never. */
  readonly consecutiveFailures: number
  /** Share of failures within a window that opens it, 0…1; 0: never. */
  readonly errorRate: number
  /** Requests a window must have for its error rate to count. */
  readonly errorRateVolume: number
  readonly windowMs: number
  /** How long it stays open the first time, and at most; each time in a row twice as long. */
  readonly openForMs: number
  readonly maxOpenForMs: number
  /** Probes in a row that must pass to close it. */
  readonly probes: number
}

export interface RetryBudgetText {
  /** Second tries that may be in flight, as a share of requests in flight, 0…1. */
  readonly share: number
  /** So many may always be. */
  readonly min: number
}

export interface SubsettingText {
  /** Endpoints this node uses at most. */
  readonly size: number
  /** What tells this node from others. */
  readonly node: string
}
