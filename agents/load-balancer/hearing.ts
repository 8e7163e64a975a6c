import { elapsedMs } from '../../engine/writer.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { nodeOf } from '../kit/grammar/source.ts'
import { agentHeartbeat } from '../kit/member/membership-signals.ts'
import {
  admissionAgreed,
  capacityReported,
  costsWeighed,
  type EndpointRef,
  endpointReleased,
  endpointReturned,
  errorsMeasured,
  healthAlerted,
  loadForecasted,
  loadSummarised,
  predictionWithdrawn,
  responseTimesMeasured,
  riskChanged,
  troublePredicted,
  zonesPreferred,
} from '../signals.ts'
import { distributionSensed } from '../skills/traffic/load-distribution.ts'
import { admitted } from './admission.ts'
import { withReports } from './capacities.ts'
import type { Known } from './known.ts'
import { onHeartbeat, speakerOf, withdrawn, withFactors, withRisk, withTrouble, withWarning } from './opinions.ts'
import { withSummary } from './others.ts'
import { type State, serviceOf } from './state.ts'

/** What the load balancer takes note of. */
export const NOTED = [
  agentHeartbeat,
  zonesPreferred,
  costsWeighed,
  troublePredicted,
  predictionWithdrawn,
  riskChanged,
  healthAlerted,
  endpointReturned,
  endpointReleased,
  capacityReported,
  loadSummarised,
  loadForecasted,
  admissionAgreed,
] as const

/**
 * What is known after something was said; of endpoints that is changed in place. Facts call for a look at once; telemetry, of which more comes all the time, waits for the next.
 */
export function noted(state: State, signal: Signal, now: number): State {
  const said = { by: speakerOf(signal.source), ms: now }
  const { opinions } = state
  if (zonesPreferred.is(signal)) {
    const factors = signal.data.zones.map(({ zone, factor }) => [zone, factor] as const)
    return { ...state, opinions: withFactors(opinions, 'zones', signal.data.service, factors, said) }
  }
  if (costsWeighed.is(signal)) {
    const factors = signal.data.factors.map(({ id, factor }) => [id, factor] as const)
    return { ...state, opinions: withFactors(opinions, 'costs', signal.data.service, factors, said) }
  }
  if (troublePredicted.is(signal)) return { ...state, opinions: withTrouble(opinions, signal.data, said) }
  if (predictionWithdrawn.is(signal)) {
    const latencyUs = state.known.get(signal.data.row)?.latencyUs ?? 0
    return { ...state, opinions: withdrawn(opinions, signal.data, latencyUs, now) }
  }
  if (riskChanged.is(signal)) {
    const { isAtRisk, risk } = signal.data
    return { ...state, opinions: withRisk(opinions, signal.data, isAtRisk ? risk : undefined, said) }
  }
  if (healthAlerted.is(signal)) {
    const { severity, subject } = signal.data
    return severity === 'warning' ? { ...state, opinions: withWarning(opinions, subject, now) } : state
  }
  if (endpointReturned.is(signal)) {
    return withKnown(state, signal.data, known => ({
      ...known,
      wasOpen: false,
      easing: { ...known.easing, cameMs: now },
    }))
  }
  if (endpointReleased.is(signal)) {
    return withKnown(state, signal.data, known => ({ ...known, wasOpen: false, releasedMs: now }))
  }
  if (admissionAgreed.is(signal)) return onAgreed(state, signal.data, now)
  return notedReading(state, signal, now)
}

function notedReading(state: State, signal: Signal, now: number): State {
  if (agentHeartbeat.is(signal)) {
    if (nodeOf(signal.source) !== undefined) return state
    return { ...state, node: signal.data.node, opinions: onHeartbeat(state.opinions, signal.data, now) }
  }
  if (capacityReported.is(signal)) {
    return { ...state, capacities: withReports(state.capacities, signal.data.rows, now) }
  }
  if (loadSummarised.is(signal)) {
    return { ...state, others: withSummary(state.others, signal.source, signal.data.rows, now) }
  }
  if (loadForecasted.is(signal)) {
    const growth = new Map([...state.growth].filter(([, { ms }]) => elapsedMs(now, ms) < FORECAST_MS))
    for (const { service, perSecond, expected, horizonMs } of signal.data.services) {
      if (perSecond > 0 && horizonMs <= SOON_MS) growth.set(service, { times: expected / perSecond, ms: now })
    }
    return { ...state, growth }
  }
  if (distributionSensed.is(signal)) {
    const rates = new Map(signal.data.flatMap(each => each.rates.map(rate => [rate.row, rate] as const)))
    return { ...state, rates, due: { ...state.due, review: true } }
  }
  if (responseTimesMeasured.is(signal)) {
    return withFigures(state, signal.data.rows, (known, { requests, latencyUsP95, latencyUsP99 }) => {
      return { ...known, times: { requests, latencyUsP95, latencyUsP99, ms: now } }
    })
  }
  if (errorsMeasured.is(signal)) {
    return withFigures(state, signal.data.rows, (known, { requests, errorShare }) => {
      return { ...known, failures: { requests, errorShare, ms: now } }
    })
  }
  return state
}

/** A forecast that was not renewed for so long is none. */
const FORECAST_MS = 30_000
/** What is shed is for what comes soon: what comes later says nothing of how many requests there will be in flight until then. */
const SOON_MS = 60_000

/** What load is forecast to grow by within a minute; 1 where nobody says. */
export function growthOf({ growth }: State, service: string, now: number): number {
  const known = growth.get(service)
  return known !== undefined && elapsedMs(now, known.ms) < FORECAST_MS ? known.times : 1
}

/** Shares are by the names of balancers in the registry: ours there, or that of the only one of its kind. */
export function ownNames({ node }: State): string[] {
  return [...(node === undefined ? [] : [`load-balancer@${node}`]), 'load-balancer']
}

function onAgreed(
  state: State,
  { service, shares, fence, forMs }: Parameters<typeof admissionAgreed.of>[0],
  now: number,
): State {
  const own = ownNames(state).find(name => Object.hasOwn(shares, name))
  if (own === undefined) return state
  const before = serviceOf(state, service)
  const admission = admitted(before.admission, { share: shares[own]!, fence, untilMs: (now + forMs) | 0 }, now)
  return { ...state, served: new Map(state.served).set(service, { ...before, admission }) }
}

function withKnown(
  state: State,
  { row, generation }: Pick<EndpointRef, 'row' | 'generation'>,
  change: (known: Known) => Known,
): State {
  const before = state.known.get(row)
  if (before?.generation === generation) state.known.set(row, change(before))
  return state
}

function withFigures<Row extends { readonly row: number; readonly generation: number }>(
  state: State,
  rows: readonly Row[],
  change: (known: Known, row: Row) => Known,
): State {
  for (const each of rows) withKnown(state, each, known => change(known, each))
  return state
}
