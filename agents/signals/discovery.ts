import { count, flag, listOf, objectOf, oneOf, orNull, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

export const discoveryStrategy = oneOf('static', 'dns', 'multicast', 'registry', 'file')
export type DiscoveryStrategy = ShapeOf<typeof discoveryStrategy>

/** From node discovery: endpoints came or went, as the tables say now. */
export const endpointsDiscovered = defineSignal('signalbox.service.endpoints-discovered', {
  data: objectOf({
    service: text,
    by: discoveryStrategy,
    added: listOf(text),
    removed: listOf(text),
    /** Found, and not routed to before they answer. */
    unverified: listOf(text),
  }),
})

/**
 * From node discovery: what was found could not be put into the tables, or what is gone could not be taken out; told once for each
 * reason. It is tried again.
 */
export const discoveryRefused = defineSignal('signalbox.service.discovery-refused', {
  data: objectOf({ service: text, wish: oneOf('add', 'remove'), ids: listOf(text), because: text }),
})

/** From node discovery: a source cannot be asked, or names nobody, or does again: then `reason` is empty. What it said before stands. */
export const sourceChanged = defineSignal('signalbox.discovery.source-changed', {
  data: objectOf({ service: text, source: text, by: discoveryStrategy, reason: text }),
})

const discoveredNode = objectOf({
  node: text,
  /** host:port for node-to-node traffic; empty: it did not say. */
  address: text,
  zone: text,
  capabilities: listOf(text),
  sources: listOf(discoveryStrategy),
  isVerified: flag,
})
export type DiscoveredNode = ShapeOf<typeof discoveredNode>

/** To node discovery: look now, by these strategies; none named: all that are enabled. */
export const discoveryRequested = defineSignal('signalbox.discovery.request', {
  data: objectOf({ strategies: listOf(discoveryStrategy) }),
  overflow: 'reject',
})

/** From node discovery: what a look has come to. */
export const discoveryDone = defineSignal('signalbox.discovery.finished', {
  data: objectOf({
    nodes: listOf(discoveredNode),
    /** Of all services, as they are known by their sources now. */
    endpoints: count,
    failed: listOf(objectOf({ strategy: discoveryStrategy, reason: text })),
    tookMs: positive,
  }),
  answers: discoveryRequested,
})

/** From node discovery: how an endpoint is reached makes it likely to fail, or does not any more. Risk from 0 to 1. */
export const riskChanged = defineSignal('signalbox.endpoint.risk-changed', {
  data: objectOf({ ...ref, risk: positive, isAtRisk: flag, factors: listOf(text), etaMs: orNull(positive) }),
})

const connectivity = objectOf({
  ...ref,
  /** ms, smoothed; null: not reached. */
  connectMs: orNull(positive),
  /** Of the last hundred attempts. */
  loss: positive,
  /** Mbit/s, as its requests showed; null: nothing is known. */
  bandwidthMbit: orNull(positive),
  measurements: count,
})
export type Connectivity = ShapeOf<typeof connectivity>

/** From node discovery: how endpoints are reached from here. */
export const connectivityMeasured = defineSignal('signalbox.endpoint.connectivity-measured', {
  data: objectOf({ rows: listOf(connectivity) }),
  telemetry: true,
})
