import type { NewEndpoint } from '../../engine/writer.ts'
import { act, type Directive, emit, schedule } from '../kit/grammar/directive.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import {
  type DiscoveryStrategy,
  discoveryRefused,
  endpointsDiscovered,
  healthChanged,
  sourceChanged,
} from '../signals.ts'
import type { Answer } from './answer.ts'
import type { Plan } from './plans.ts'
import { settleService } from './settle-service.ts'
import {
  endpointTried,
  type Settled,
  serviceSettled,
  settleDue,
  sourceAnswered,
  type Tried,
  tryDue,
} from './signals.ts'
import { hearAnswer, newSource, type Source, speaks } from './source.ts'
import { Tries } from './tries.ts'
import { tryEndpoint } from './try-endpoint.ts'
import { unverifiedOf, wantedOf } from './wanted.ts'

/** Endpoints of services: what sources say of them, whom they were reached by, and what the tables were last told. */
export interface Finds {
  readonly sources: ReadonlyMap<string, Source>
  /** Changed in place, see there. */
  readonly tries: Tries
  /** How long a connection may take, in ms. */
  readonly connectTimeoutMs: number
  /** By service. */
  readonly standings: ReadonlyMap<string, Standing>
}

/** How a service stands with its tables. */
interface Standing {
  /** It is settled in a moment. */
  readonly isDue: boolean
  /** Ids whose source has another word for them than the tables. */
  readonly changed: readonly string[]
  /** What was told last, so that it is told once. */
  readonly unverified: string
  readonly refused: string
  /** Before what was refused is asked for again, in ms. */
  readonly againMs: number
}

const NEW: Standing = { isDue: false, changed: [], unverified: '', refused: '', againMs: 0 }

/** Endpoints that come at one moment are one edit; of very many an edit costs more, and there are fewer. */
const SETTLE_MS = 5
const SETTLE_MS_MAX = 250
const HELD_PER_MS = 50
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = 30_000

type Next = readonly [Finds, Directive[]]

export function findsOf(plans: readonly Plan[], connectTimeoutMs: number): Finds {
  const sources = new Map(plans.map(plan => [plan.key, newSource(plan)]))
  return { sources, tries: new Tries(), connectTimeoutMs, standings: new Map() }
}

/** Goes on with other sources: what is known of those that stay is kept. Services that have lost one are settled. */
export function withPlans(before: Finds, plans: readonly Plan[], connectTimeoutMs: number): Next {
  const sources = new Map(
    plans.map(plan => {
      const known = before.sources.get(plan.key)
      return [plan.key, known === undefined ? newSource(plan) : { ...known, plan }]
    }),
  )
  const finds = { ...before, sources, connectTimeoutMs }
  finds.tries.keep(isWantedBy(finds))
  const services = new Set([...before.sources.values(), ...sources.values()].map(({ plan }) => plan.service))
  const standings = new Map([...before.standings].filter(([service]) => services.has(service)))
  return settleSoon({ ...finds, standings }, [...services])
}

/** Hears what concerns endpoints; undefined: it is something else. */
export function hearOfFinds(before: Finds, signal: Signal): Next | undefined {
  if (sourceAnswered.is(signal)) return onAnswer(before, signal.data, false)
  if (endpointTried.is(signal)) return onTried(before, signal.data)
  if (tryDue.is(signal)) return tryAgain(before, signal.data.url)
  if (settleDue.is(signal)) return onSettleDue(before, signal.data.service)
  if (serviceSettled.is(signal)) return onSettled(before, signal.data)
  if (healthChanged.is(signal)) return onHealth(before, signal.data)
  return undefined
}

/** Somebody says that an endpoint is well again: that is a claim, and it is connected to, whatever was known of it. */
function onHealth(finds: Finds, { service, id, from, to }: SignalOf<typeof healthChanged>['data']): Next {
  const url = from === 'unhealthy' && to !== 'unhealthy' ? urlOf(finds, service, id) : undefined
  return url === undefined ? [finds, []] : tryAgain(finds, url, true)
}

/** A source has said something: what is new is connected to, what is gone leaves. */
export function onAnswer(before: Finds, { source: key, said }: Answer, isOutOfTurn: boolean): Next {
  const known = before.sources.get(key)
  if (known === undefined) return [before, []]
  const source = hearAnswer(known, said, isOutOfTurn)
  const { plan } = source
  const { service, by, mark } = plan
  const finds = { ...before, sources: new Map(before.sources).set(key, source) }
  const directives: Directive[] = []
  if (source.fault !== known.fault)
    directives.push(emit(sourceChanged.of({ service, source: mark, by, reason: source.fault }, service)))
  const { fresh, changed, hasLost } = differencesOf(known, source)
  const hasBegun = speaks(source) && !speaks(known)
  if (fresh.length === 0 && changed.length === 0 && !hasLost && !hasBegun) return [finds, directives]
  for (const { url } of fresh) finds.tries.want(url, service)
  if (hasLost) finds.tries.keep(isWantedBy(finds))
  const [next, more] = settleSoon(withChanged(finds, service, changed), [service])
  return [next, [...directives, ...beginTries(next), ...more]]
}

/** An endpoint was connected to, or could not be. */
function onTried(before: Finds, { url, connectMs }: Tried): Next {
  const { services, againMs } = before.tries.hear(url, connectMs !== null)
  const [finds, directives] = settleSoon(before, services)
  const again = againMs < 0 ? [] : [schedule(againMs, tryDue.of({ url }), againMs / 10)]
  return [finds, [...beginTries(finds), ...again, ...directives]]
}

/** It is time to connect again to one that was missed; `isDoubted`: to one that was reached as well. */
function tryAgain(finds: Finds, url: string, isDoubted = false): Next {
  finds.tries.again(url, isDoubted)
  return [finds, beginTries(finds)]
}

/** The url a source gives an endpoint of this id; undefined: none does. */
function urlOf({ sources }: Finds, service: string, id: string): string | undefined {
  for (const { plan, held } of sources.values())
    if (plan.service === service && held.has(id)) return held.get(id)!.endpoint.url
  return undefined
}

/** Has the tables of services looked over in a moment, each once. */
function settleSoon(before: Finds, services: readonly string[], delayMs = settleMs(before)): Next {
  const standings = new Map(before.standings)
  const directives: Directive[] = []
  for (const service of services) {
    const standing = standings.get(service) ?? NEW
    if (standing.isDue) continue
    standings.set(service, { ...standing, isDue: true })
    directives.push(schedule(delayMs, settleDue.of({ service })))
  }
  return [{ ...before, standings }, directives]
}

function settleMs(finds: Finds): number {
  return Math.min(SETTLE_MS_MAX, SETTLE_MS + countFound(finds) / HELD_PER_MS)
}

/** All services that have sources, or had some. */
export function settleAll(finds: Finds): Next {
  return settleSoon(finds, [
    ...new Set([...finds.standings.keys(), ...[...finds.sources.values()].map(({ plan }) => plan.service)]),
  ])
}

function onSettleDue(before: Finds, service: string): Next {
  const { changed = [], ...standing } = before.standings.get(service) ?? NEW
  const standings = new Map(before.standings).set(service, { ...standing, changed, isDue: false })
  const wanted = wantedOf(sourcesOf(before, service), url => before.tries.isReached(url))
  return [{ ...before, standings }, [act(settleService, { service, changed, ...wanted })]]
}

/** Tells what came of it. What was refused is asked for again, later each time. */
function onSettled(before: Finds, { service, added, removed, refused }: Settled): Next {
  const standing = before.standings.get(service) ?? NEW
  const unverified = unverifiedOf(sourcesOf(before, service), url => before.tries.isReached(url))
  const missed = unverified.map(({ id }) => id).join(' ')
  const why = refused.map(({ wish, because }) => `${wish} ${because}`).join('\n')
  const directives: Directive[] = []
  if (added.length > 0 || removed.length > 0 || missed !== standing.unverified)
    directives.push(...tellings(before, service, { added, removed, unverified }))
  if (why !== standing.refused) {
    for (const { wish, ids, because } of refused)
      directives.push(emit(discoveryRefused.of({ service, wish, ids: ids.slice(0, TOLD_MAX), because }, service)))
  }
  const failed = new Set(refused.flatMap(({ ids }) => ids))
  const againMs = why === '' ? 0 : Math.min(AGAIN_MS_MAX, Math.max(AGAIN_MS, standing.againMs * 2))
  const after: Standing = {
    ...standing,
    ...{ changed: standing.changed.filter(id => failed.has(id)), unverified: missed, refused: why, againMs },
  }
  const finds = { ...before, standings: new Map(before.standings).set(service, after) }
  const [next, more] = againMs === 0 ? [finds, []] : settleSoon(finds, [service], againMs)
  return [next, [...directives, ...more]]
}

/** How many endpoints all sources together know. */
export function countFound({ sources }: Finds): number {
  return [...sources.values()].reduce((sum, { held }) => sum + held.size, 0)
}

/** Ids in one telling: people read it. */
const TOLD_MAX = 256

function tellings(
  finds: Finds,
  service: string,
  {
    added,
    removed,
    unverified,
  }: Pick<Settled, 'added' | 'removed'> & { readonly unverified: ReturnType<typeof unverifiedOf> },
): Directive[] {
  const by = new Map<DiscoveryStrategy, { added: string[]; removed: string[]; unverified: string[] }>()
  const of = (strategy: DiscoveryStrategy) => {
    const group = by.get(strategy) ?? { added: [], removed: [], unverified: [] }
    by.set(strategy, group)
    return group
  }
  const sources = sourcesOf(finds, service)
  const usual = sources[0]?.plan.by ?? 'file'
  const strategyOf = (id: string): DiscoveryStrategy => sources.find(({ held }) => held.has(id))?.plan.by ?? usual
  for (const id of added) of(strategyOf(id)).added.push(id)
  for (const id of removed) of(strategyOf(id)).removed.push(id)
  for (const { id, by: strategy } of unverified) of(strategy).unverified.push(id)
  if (by.size === 0) of(usual)
  return [...by].map(([strategy, ids]) =>
    emit(
      endpointsDiscovered.of(
        {
          ...{ service, by: strategy },
          added: ids.added.slice(0, TOLD_MAX),
          removed: ids.removed.slice(0, TOLD_MAX),
          unverified: ids.unverified.slice(0, TOLD_MAX),
        },
        service,
      ),
    ),
  )
}

function sourcesOf({ sources }: Finds, service: string): Source[] {
  return [...sources.values()].filter(({ plan }) => plan.service === service)
}

function beginTries({ tries, connectTimeoutMs: timeoutMs }: Finds): Directive[] {
  return tries.take().map(url => act(tryEndpoint, { url, timeoutMs }))
}

function isWantedBy({ sources }: Finds): (url: string) => boolean {
  const urls = new Set<string>()
  for (const { held } of sources.values()) for (const { endpoint } of held.values()) urls.add(endpoint.url)
  return url => urls.has(url)
}

function withChanged(before: Finds, service: string, ids: readonly string[]): Finds {
  if (ids.length === 0) return before
  const standing = before.standings.get(service) ?? NEW
  const changed = [...new Set([...standing.changed, ...ids])]
  return { ...before, standings: new Map(before.standings).set(service, { ...standing, changed }) }
}

function differencesOf(
  before: Source,
  after: Source,
): { fresh: readonly NewEndpoint[]; changed: readonly string[]; hasLost: boolean } {
  const fresh: NewEndpoint[] = []
  const changed: string[] = []
  for (const [id, { endpoint }] of after.held) {
    const known = before.held.get(id)?.endpoint
    if (known === undefined || known.url !== endpoint.url) fresh.push(endpoint)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(endpoint)) changed.push(id)
  }
  return { fresh, changed, hasLost: [...before.held.keys()].some(id => !after.held.has(id)) }
}
