import { elapsedMs } from '../../engine/writer.ts'
import type { Heartbeat } from '../kit/member/membership-signals.ts'
import type { EndpointRef, Prediction, predictionWithdrawn } from '../signals.ts'
import { riskShare, troubleShare } from './trouble.ts'

/** Something another agent has said. */
interface Said {
  /** Who. */
  readonly by: string
  /** The clock then. */
  readonly ms: number
}

/** How an agent was last heard of. */
interface Heard {
  readonly incarnation: number
  /** The clock when this incarnation was first heard of, when it was last, and when its predecessor was. */
  readonly sinceMs: number
  readonly ms: number
  readonly beforeMs: number
}

type ByName = Said & { readonly factors: ReadonlyMap<string, number> }
type Trouble = Said & { readonly generation: number; readonly shares: ReadonlyMap<Prediction['what'], Kept> }

/** What is left of a weight for some trouble. */
interface Kept {
  readonly share: number
  /** The clock until when it stays although nothing is predicted any more: the trouble is here. Undefined: until it is withdrawn. */
  readonly untilMs: number | undefined
  /** µs: who answers in four fifths of it is over the trouble before that; 0: it is not told by that. */
  readonly goalUs: number
}
type Withdrawn = Parameters<typeof predictionWithdrawn.of>[0]
type Risk = Said & { readonly generation: number; readonly share: number }

/**
 * What other agents said that bears on weights, each until it is taken back.
 *
 * Or until its agent is silent: what was said counts for `factsFor` after it was said, and after each heartbeat of the incarnation
 * that said it. One that is gone, or was restarted and knows nothing of it, cannot take it back.
 */
export interface Opinions {
  readonly heard: ReadonlyMap<string, Heard>
  /** By service: factors by zone, and by id. */
  readonly zones: ReadonlyMap<string, ByName>
  readonly costs: ReadonlyMap<string, ByName>
  /** By row. */
  readonly troubles: ReadonlyMap<number, Trouble>
  readonly risks: ReadonlyMap<number, Risk>
  /** By `service/id`: the clock of the last warning. */
  readonly warned: ReadonlyMap<string, number>
}

export const NO_OPINIONS: Opinions = {
  ...{ heard: new Map(), zones: new Map(), costs: new Map() },
  ...{ troubles: new Map(), risks: new Map(), warned: new Map() },
}

const AGENTS_MAX = 256
/** More than there are endpoints in any table. */
const SUBJECTS_MAX = 65_536

/** A rule that stays broken is told of once a minute: what was not told again for so long is over. */
const WARNED_MS = 90_000

/**
 * Trouble that has come keeps its share for so long: what takes over from it, how requests go and what reports say, is looked at every ten seconds,
 * and what is slow for longer is what is usual to whoever predicts.
 */
const COME_MS = 60_000
/** Of the latency it was slow at: less, and it is not slow any more. */
const OVER = 0.8

/** Who says something: `predictor` of `/signalbox/agents/predictor`. */
export function speakerOf(source: string): string {
  return source.slice(source.lastIndexOf('/') + 1)
}

export function onHeartbeat(opinions: Opinions, { agent, incarnation }: Heartbeat, now: number): Opinions {
  const before = opinions.heard.get(agent)
  if (before === undefined && opinions.heard.size >= AGENTS_MAX) return opinions
  const heard =
    before?.incarnation === incarnation
      ? { ...before, ms: now }
      : { incarnation, sinceMs: now, ms: now, beforeMs: before?.ms ?? now }
  return { ...opinions, heard: new Map(opinions.heard).set(agent, heard) }
}

/** Factors by zone or by id; an empty list takes them back. */
export function withFactors(
  opinions: Opinions,
  about: 'zones' | 'costs',
  service: string,
  factors: readonly (readonly [string, number])[],
  said: Said,
): Opinions {
  const next = new Map(opinions[about])
  next.delete(service)
  if (factors.length > 0 && next.size < SUBJECTS_MAX) next.set(service, { ...said, factors: new Map(factors) })
  return { ...opinions, [about]: next }
}

export function withTrouble(opinions: Opinions, prediction: Prediction, said: Said): Opinions {
  const { row, generation, what, probability, confidence } = prediction
  const before = opinions.troubles.get(row)
  const shares = new Map(before?.generation === generation ? before.shares : [])
  shares.set(what, { share: troubleShare(probability, confidence), untilMs: undefined, goalUs: 0 })
  return { ...opinions, troubles: new Map(opinions.troubles).set(row, { ...said, generation, shares }) }
}

/**
 * A prediction is withdrawn.
 *
 *   came true   degradation, exhaustion   it is in trouble now: what was taken stays taken for a minute, or until it is over that
 *               failure                   others keep it out, and ease it in when it returns
 *   else                                  it gets back what was taken
 *
 * `latencyUs`: how slow it is now.
 */
export function withdrawn(
  opinions: Opinions,
  { row, generation, what, because }: Withdrawn,
  latencyUs: number,
  now: number,
): Opinions {
  const before = opinions.troubles.get(row)
  const kept = before?.shares.get(what)
  if (before?.generation !== generation || kept === undefined) return opinions
  const shares = new Map(before.shares)
  if (because === 'came-true' && what !== 'failure') {
    shares.set(what, { ...kept, untilMs: (now + COME_MS) | 0, goalUs: what === 'degradation' ? latencyUs : 0 })
  } else shares.delete(what)
  return { ...opinions, troubles: withShares(opinions.troubles, row, { ...before, shares }) }
}

/** Without trouble that had come and is over. `latencyUsOf`: how slow the tenant of a row is now. */
export function withoutOver(opinions: Opinions, latencyUsOf: (row: number) => number, now: number): Opinions {
  let { troubles } = opinions
  for (const [row, trouble] of opinions.troubles) {
    const isOver = ({ untilMs, goalUs }: Kept): boolean =>
      untilMs !== undefined && (elapsedMs(now, untilMs) >= 0 || latencyUsOf(row) < OVER * goalUs)
    const shares = new Map([...trouble.shares].filter(([, kept]) => !isOver(kept)))
    if (shares.size < trouble.shares.size) troubles = withShares(troubles, row, { ...trouble, shares })
  }
  return troubles === opinions.troubles ? opinions : { ...opinions, troubles }
}

function withShares(troubles: Opinions['troubles'], row: number, trouble: Trouble): Opinions['troubles'] {
  const next = new Map(troubles)
  if (trouble.shares.size === 0) next.delete(row)
  else next.set(row, trouble)
  return next
}

/** `risk` undefined: there is none any more. */
export function withRisk(
  opinions: Opinions,
  { row, generation }: EndpointRef,
  risk: number | undefined,
  said: Said,
): Opinions {
  const risks = new Map(opinions.risks)
  if (risk === undefined) risks.delete(row)
  else risks.set(row, { ...said, generation, share: riskShare(risk) })
  return { ...opinions, risks }
}

export function withWarning(opinions: Opinions, subject: string, now: number): Opinions {
  const warned = new Map(opinions.warned)
  warned.delete(subject)
  if (warned.size >= SUBJECTS_MAX) warned.delete(warned.keys().next().value!)
  return { ...opinions, warned: warned.set(subject, now) }
}

/** Which endpoint the opinions are asked about. */
interface Asked {
  readonly row: number
  readonly generation: number
  readonly id: string
  readonly zone: string
}

/** How opinions are weighed. */
export interface Weighing {
  readonly factsFor: number
  readonly warnedShare: number
}

/** What is left of the weights of a service's endpoints by what others said of them, each from 0 to 1. */
export function opinionShares(
  opinions: Opinions,
  service: string,
  { factsFor, warnedShare }: Weighing,
  now: number,
): (endpoint: Asked) => number {
  const { heard, troubles, risks, warned } = opinions
  const stands = (said: Said): boolean => isStanding(said, heard.get(said.by), factsFor, now)
  const byName = (about: ByName | undefined): ReadonlyMap<string, number> | undefined =>
    about !== undefined && stands(about) ? about.factors : undefined
  const zones = byName(opinions.zones.get(service))
  const costs = byName(opinions.costs.get(service))
  return ({ row, generation, id, zone }) => {
    let share = (zones?.get(zone) ?? 1) * (costs?.get(id) ?? 1)
    const trouble = troubles.get(row)
    if (trouble?.generation === generation && stands(trouble)) share *= worstOf(trouble)
    const risk = risks.get(row)
    if (risk?.generation === generation && stands(risk)) share *= risk.share
    const warnedMs = warned.size === 0 ? undefined : warned.get(`${service}/${id}`)
    if (warnedMs !== undefined && elapsedMs(now, warnedMs) < WARNED_MS) share *= warnedShare
    return Math.min(1, Math.max(0, share))
  }
}

function worstOf({ shares }: Trouble): number {
  let worst = 1
  for (const { share } of shares.values()) worst = Math.min(worst, share)
  return worst
}

/** Whether what was said still counts. */
function isStanding({ ms }: Said, heard: Heard | undefined, factsFor: number, now: number): boolean {
  if (elapsedMs(now, ms) < factsFor) return true
  if (heard === undefined) return false
  const isOfThisOne = elapsedMs(ms, heard.sinceMs) >= 0
  return elapsedMs(now, isOfThisOne ? heard.ms : heard.beforeMs) < factsFor
}

/** Without what is over, and what is about endpoints that are not there. */
export function pruned(
  opinions: Opinions,
  isThere: (row: number, generation: number) => boolean,
  factsFor: number,
  now: number,
): Opinions {
  const stands = (said: Said): boolean => isStanding(said, opinions.heard.get(said.by), factsFor, now)
  const kept = <Key, Value>(of: ReadonlyMap<Key, Value>, keep: (value: Value, key: Key) => boolean) => {
    const next = new Map([...of].filter(([key, value]) => keep(value, key)))
    return next.size === of.size ? of : next
  }
  return {
    heard: opinions.heard,
    zones: kept(opinions.zones, stands),
    costs: kept(opinions.costs, stands),
    troubles: kept(opinions.troubles, (each, row) => stands(each) && isThere(row, each.generation)),
    risks: kept(opinions.risks, (each, row) => stands(each) && isThere(row, each.generation)),
    warned: kept(opinions.warned, ms => elapsedMs(now, ms) < WARNED_MS),
  }
}
