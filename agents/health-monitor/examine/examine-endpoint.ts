import { steadyMs } from '../../kit/clock.ts'
import { defineAction, type Edge } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import type { Availability, CheckKind, Dependency, EndpointRef, Part, PartName } from '../../signals.ts'
import { type Inquiry, loadOf, type Seen } from '../attempt.ts'
import { Places } from '../places.ts'
import { sightingsAt } from '../sightings.ts'
import {
  type Answer,
  answerOf,
  lookAtApplication,
  lookAtDependencies,
  lookAtRequest,
  lookAtResources,
  type Thresholds,
} from './answer.ts'
import { lookAtAvailability } from './availability.ts'
import { lookAtConnectivity, lookAtNetwork } from './connectivity.ts'
import { type Look, lookFor, skipped } from './looks.ts'
import { type CertificateDays, type Handshake, lookAtChain, lookAtSecurity, shakeHands } from './security.ts'

export interface ExamineParams extends EndpointRef, Inquiry {
  /** Which of those under way this one is. */
  readonly ticket: number
  readonly kind: CheckKind
  readonly thresholds: Thresholds
  readonly availability: Omit<Availability, 'row' | 'generation'> | undefined
  readonly availabilityGoal: number
  readonly certificateDays: CertificateDays
  readonly refusals: { readonly seen: number; readonly max: number }
  /** Of a deep look: what a request asks for; undefined: there is none to make. */
  readonly requestPath: string | undefined
}

export interface Examined {
  readonly ticket: number
  readonly parts: readonly Part[]
  readonly dependencies: readonly Dependency[]
  readonly tookMs: number
}

/** To itself: a look is done. */
export const endpointLookedAt = defineSignal('signalbox.endpoint.looked-at', { data: trusted<Examined>() })

/** Under way at a time. Each opens some connections, and is in no hurry. */
const LOOKS_MAX = 16
const places = new Places(LOOKS_MAX)

/** What is looked at, by how thorough the look is; each in its own file here. */
const PARTS: Readonly<Record<CheckKind, readonly PartName[]>> = {
  basic: ['connectivity', 'application'],
  comprehensive: ['connectivity', 'application', 'resources', 'network', 'availability', 'security'],
  deep: [
    ...['connectivity', 'application', 'resources', 'network', 'availability', 'security'],
    ...['synthetic', 'chain', 'dependencies'],
  ] as PartName[],
  // Nothing to look at: whoever sees into the future is asked.
  predictive: [],
}

/**
 * Looks at an endpoint from all sides at once. Each side has the same time, and is late by itself alone; what they share, an answer and a
 * handshake, is asked for once. It never fails as an action: what cannot be seen is what it found.
 */
export const examineEndpoint = defineAction({
  name: 'examine-endpoint',
  done: endpointLookedAt,
  // Each look keeps its own time, which begins when there is a place for it.
  timeoutMs: 0,
  async run(params: ExamineParams, edge): Promise<Examined> {
    await places.enter()
    try {
      return await examine(params, edge)
    } finally {
      places.leave()
    }
  },
})

async function examine(params: ExamineParams, edge: Edge): Promise<Examined> {
  const { row, generation, service, id, ticket, kind, timeoutMs } = params
  const sinceMs = steadyMs()
  const see = (seen: Seen): void => sightingsAt(edge.attachment).note({ row, generation, service, id, ...seen })
  // What several looks need is begun by the first of them, and ends with all.
  const abort = new AbortController()
  const once = <T>(begin: () => Promise<T>): (() => Promise<T>) => {
    let begun: Promise<T> | undefined
    return () => (begun ??= begin())
  }
  let dependencies: readonly Dependency[] = []
  const answer = once(async () => {
    const come = await seeAnswer(answerOf(params, abort.signal), see)
    dependencies = come.body?.dependencies ?? []
    return come
  })
  const handshake = once(() => seeHandshake(shakeHands(params.url, params.upstream, timeoutMs, abort.signal), see))
  const looks = looksOf(params, answer, handshake, see)
  const parts = await Promise.all(
    PARTS[kind].map(name => lookFor(name, looks[name] ?? (() => skipped('not here')), timeoutMs, edge.signal)),
  )
  abort.abort()
  return { ticket, parts, dependencies, tookMs: steadyMs() - sinceMs }
}

function looksOf(
  params: ExamineParams,
  answer: () => Promise<Answer>,
  handshake: () => Promise<Handshake>,
  see: (seen: Seen) => void,
): Partial<Record<PartName, Look>> {
  const { url, timeoutMs, requestPath, certificateDays } = params
  return {
    connectivity: signal => lookAtConnectivity(url, timeoutMs, signal),
    application: () => lookAtApplication(answer()),
    resources: () => lookAtResources(answer(), params.thresholds),
    network: signal => lookAtNetwork(url, timeoutMs, signal, connects => see({ connects })),
    availability: () => lookAtAvailability(params.availability, params.availabilityGoal),
    security: () => lookAtSecurity(handshake(), certificateDays, params.refusals),
    synthetic: signal =>
      requestPath === undefined ? skipped('no path is told for it') : lookAtRequest(params, requestPath, signal),
    chain: () => lookAtChain(handshake(), certificateDays),
    dependencies: () => lookAtDependencies(answer()),
  }
}

async function seeAnswer(coming: Promise<Answer>, see: (seen: Seen) => void): Promise<Answer> {
  const answer = await coming
  const { status, body, header } = answer
  if (header !== undefined) see({ load: { by: 'header', shares: header } })
  if (status > 0 || body !== undefined)
    see({ ...(status > 0 && { status }), ...(body !== undefined && { body, ...loadOf(body) }) })
  return answer
}

async function seeHandshake(coming: Promise<Handshake>, see: (seen: Seen) => void): Promise<Handshake> {
  const handshake = await coming
  const { isTrusted, daysLeft } = handshake
  if (isTrusted !== null) see({ tls: { isTrusted, daysLeft } })
  return handshake
}
