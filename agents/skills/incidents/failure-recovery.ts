import {
  type Config,
  EJECTED,
  elapsedMs,
  HEALTH_DEGRADED,
  HEALTH_HEALTHY,
  HEALTH_UNKNOWN,
  ISOLATED,
  upstreamTextOf,
} from '../../../engine/writer.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { act, type Step as Decision, type Directive, emit, schedule, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import type { RowRef } from '../../kit/table-port.ts'
import {
  discoveryRequested,
  type FailureKind,
  quarantineRequested,
  recoveryBegun,
  recoveryEnded,
  releaseRequested,
} from '../../signals.ts'
import { callHook } from '../webhook.ts'
import { procedureOf } from './failure-procedures.ts'
import { isSameRow } from './quarantine-list.ts'
import { reachEndpoint } from './reach.ts'
import { again, begin, type Next, nameOf, proceed, type Run, type Step, stepOf } from './repair-procedure.ts'
import { lookingAt, type Sight } from './sight.ts'
import { type Named, subjectOf } from './subject.ts'

/** An endpoint that is being repaired. */
interface Repair extends Named {
  readonly kind: FailureKind
  readonly because: string
  readonly sinceMs: number
  readonly run: Run
  /** Where it is, once it was looked at. */
  readonly at: RowRef | undefined
  /** How requests to it had gone when they began to be seen, and since when; undefined: they are not. */
  readonly seen: { readonly ok: number; readonly failed: number; readonly sinceMs: number } | undefined
  /** The step that is waited for: what comes of an earlier one comes to nothing. */
  readonly serial: number
}

export interface FailureRecovery {
  readonly config: Pick<Config, 'services' | 'agents'>
  /** By `service/id`. */
  readonly repairs: ReadonlyMap<string, Repair>
  readonly serials: number
}

/** A connection that takes longer has failed, where its service says nothing, in ms. */
const CONNECT_MS = 1_000

/** While requests are seen to, in ms. */
const SEE_MS = 2_000
/** So many say at once how they go; fewer after this time, in ms. */
const REQUESTS_MIN = 20
const REQUESTS_MS = 60_000
/** As many may fail as no rule that is always there warns of. */
const FAILED_SHARE_MAX = 0.05

/** To itself: a wait is over, and with it the step, or it is time for the next attempt, or for another look in the same step. */
const waitOver = defineSignal('signalbox.repair.wait-over', {
  data: trusted<Named & { serial: number; next: 'step' | 'attempt' | 'look' }>(),
})

type About = Named & { readonly serial: number }

const look = lookingAt<About, 'repair'>('repair')

/**
 * Repairs endpoints: runs procedures, each step an effect of its own, with attempts, a back-off between them, and what takes back what was
 * done in vain. See `Procedure`.
 *
 *   recovery begun ──▶ procedure of its kind ──▶ steps ──▶ verified ──▶ recovery ended: recovered
 *                           │ there is none        └─ attempts are over ──▶ taken back ──▶ recovery ended: failed
 *                           └──▶ recovery ended: failed
 *
 * restart    a repair that was under way is over; the alert that led to it is told again
 */
export const failureRecovery = defineSkill({
  name: 'failure-recovery',
  listens: [recoveryBegun],
  overhears: [recoveryBegun],
  own: [waitOver],
  emits: [recoveryEnded, discoveryRequested, quarantineRequested, releaseRequested],
  actions: [look, reachEndpoint, callHook],
  start: (_: undefined, { config }: Setup): Decision<FailureRecovery> =>
    stay({ config, repairs: new Map(), serials: 0 }),
  reload: (slice, config) => stay({ ...slice, config }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.endpoint.recovery-begun':
        return onBegun(slice, signal.data, now)
      case 'signalbox.repair.seen':
        return onSeen(slice, signal.data.about, signal.data.sight, now)
      case 'signalbox.endpoint.reached': {
        const repair = [...slice.repairs.values()].find(({ at }) => at !== undefined && isSameRow(at, signal.data))
        return onStep(slice, repair, signal.data.hasPassed, signal.data.reason, now)
      }
      case 'signalbox.hook.called': {
        const repair = slice.repairs.get(signal.data.about)
        return onStep(slice, repair, signal.data.isTaken, signal.data.reason, now)
      }
      case 'signalbox.repair.wait-over': {
        const { serial, next } = signal.data
        const repair = slice.repairs.get(subjectOf(signal.data))
        if (repair?.serial !== serial) return stay(slice)
        if (next === 'look') return take(slice, repair, stepOf(repair.run), now)
        return next === 'attempt'
          ? follow(slice, repair, again(repair.run), now)
          : onStep(slice, repair, true, 'done', now)
      }
    }
  },
})

function onBegun(
  slice: FailureRecovery,
  { service, id, kind, because }: Named & { readonly kind: FailureKind; readonly because: string },
  now: number,
): Decision<FailureRecovery> {
  const subject = `${service}/${id}`
  if (slice.repairs.has(subject)) return stay(slice)
  const procedure = procedureOf(kind, slice.config.agents['health-monitor'].recovery)
  if (procedure === undefined) {
    const failed = { service, id, kind, outcome: 'failed', attempts: 0, tried: [], tookMs: 0 } as const
    const why = `${because}; the config names nobody who could repair that`
    return { state: slice, directives: [emit(recoveryEnded.of({ ...failed, because: why }, subject))] }
  }
  const next = begin(procedure)
  const repair = { service, id, kind, because, sinceMs: now, run: next.run, at: undefined, seen: undefined, serial: 0 }
  return follow(slice, repair, next, now)
}

/** Does what is next. */
function follow(slice: FailureRecovery, before: Repair, next: Next, now: number): Decision<FailureRecovery> {
  const serial = slice.serials + 1
  const repair: Repair = { ...before, run: next.run, seen: undefined, serial }
  const { service, id, kind, because, sinceMs } = repair
  const subject = subjectOf(repair)
  const repairs = new Map(slice.repairs).set(subject, repair)
  const state = { ...slice, repairs, serials: serial }
  if (next.next === 'again') {
    return { state, directives: [schedule(next.afterMs, waitOver.of({ service, id, serial, next: 'attempt' }))] }
  }
  if (next.next === 'step') return take(state, repair, next.step, now)
  repairs.delete(subject)
  const { attempt: attempts, tried } = next.run
  const outcome = next.isWell ? 'recovered' : 'failed'
  const ended = { service, id, kind, outcome, attempts, because, tookMs: Math.max(0, elapsedMs(now, sinceMs)) } as const
  return {
    state,
    directives: [
      ...next.undo.flatMap(step => saying(repair, step)),
      emit(
        recoveryEnded.of(
          { ...ended, tried: [...tried, ...next.undo.map(step => `taken back: ${nameOf(step)}`)] },
          subject,
        ),
      ),
    ],
  }
}

/** Begins a step; what comes of it is heard later, but for what is only said. */
function take(slice: FailureRecovery, repair: Repair, step: Step, now: number): Decision<FailureRecovery> {
  const { service, id, serial, kind, because } = repair
  switch (step.do) {
    case 'connect':
    case 'look':
    case 'see-requests':
      return { state: slice, directives: [act(look, { named: { service, id }, about: { service, id, serial } })] }
    case 'wait':
      return { state: slice, directives: [schedule(step.ms, waitOver.of({ service, id, serial, next: 'step' }))] }
    case 'call': {
      const subject = subjectOf(repair)
      const body = { subject, service, id, kind, because, what: step.what }
      return { state: slice, directives: [act(callHook, { hook: step.hook, body, about: subject })] }
    }
    default: {
      const after = onStep(slice, repair, true, 'done', now)
      return { state: after.state, directives: [...saying(repair, step), ...after.directives] }
    }
  }
}

/** What is done by saying it. */
function saying({ service, id, kind }: Repair, step: Step): Directive[] {
  const subject = `${service}/${id}`
  const by = `repair of ${kind}`
  switch (step.do) {
    case 'refresh-names':
      return [emit(discoveryRequested.of({ strategies: ['dns'] }))]
    case 'isolate':
      return [emit(quarantineRequested.of({ service, id, reason: 'repair', by }, subject))]
    case 'release':
      return [emit(releaseRequested.of({ service, id, by }, subject))]
    default:
      return []
  }
}

function onSeen(
  slice: FailureRecovery,
  { serial, ...named }: About,
  sight: Sight | undefined,
  now: number,
): Decision<FailureRecovery> {
  const repair = slice.repairs.get(subjectOf(named))
  if (repair?.serial !== serial) return stay(slice)
  // Whatever was wrong with it is no concern of anybody any more.
  if (sight === undefined) {
    const run = { ...repair.run, tried: [...repair.run.tried, 'it has left'] }
    return follow(slice, repair, { next: 'end', isWell: true, undo: [], run }, now)
  }
  const step = stepOf(repair.run)
  if (step.do === 'see-requests') {
    const seen = see(slice, repair, sight, now)
    if (seen !== undefined) return seen
  }
  const service = Object.hasOwn(slice.config.services, repair.service)
    ? slice.config.services[repair.service]
    : undefined
  // Checks have an opinion, once they have looked.
  if (step.do !== 'connect' && service?.healthCheck !== undefined && sight.health !== HEALTH_UNKNOWN) {
    const isWell = sight.health === HEALTH_HEALTHY || sight.health === HEALTH_DEGRADED
    return onStep(slice, repair, isWell, isWell ? 'its checks pass' : 'its checks fail', now)
  }
  const { row, generation, url } = sight
  const upstream = service && upstreamTextOf(service)
  const timeoutMs = service?.timeouts.connect || CONNECT_MS
  const repairs = new Map(slice.repairs).set(subjectOf(repair), { ...repair, at: { row, generation } })
  return {
    state: { ...slice, repairs },
    directives: [act(reachEndpoint, { row, generation, url, timeoutMs, ...(upstream && { upstream }) })],
  }
}

/**
 * Waits until it is let back and enough requests have been sent to it, or time is up, and goes on with what came of them. Undefined: nobody asks it,
 * though it may be picked, so that its checks are all there is.
 */
function see(
  slice: FailureRecovery,
  repair: Repair,
  { bars, ok, failed }: Sight,
  now: number,
): Decision<FailureRecovery> | undefined {
  const isOut = (bars & ISOLATED) !== 0
  const seen = repair.seen === undefined || isOut ? { ok, failed, sinceMs: now } : repair.seen
  const failures = (failed - seen.failed) >>> 0
  const requests = failures + ((ok - seen.ok) >>> 0)
  const isOver = !isOut && elapsedMs(now, seen.sinceMs) >= REQUESTS_MS
  if (requests >= REQUESTS_MIN || (isOver && requests > 0)) {
    const reason = `${failures} of ${requests} requests failed`
    return onStep(slice, repair, failures <= FAILED_SHARE_MAX * requests, reason, now)
  }
  if (isOver) return (bars & EJECTED) === 0 ? undefined : onStep(slice, repair, false, 'it is ejected', now)
  const { service, id, serial } = repair
  return {
    state: { ...slice, repairs: new Map(slice.repairs).set(subjectOf(repair), { ...repair, seen }) },
    directives: [schedule(SEE_MS, waitOver.of({ service, id, serial, next: 'look' }))],
  }
}

function onStep(
  slice: FailureRecovery,
  repair: Repair | undefined,
  hasWorked: boolean,
  reason: string,
  now: number,
): Decision<FailureRecovery> {
  if (repair === undefined) return stay(slice)
  return follow(slice, { ...repair, at: undefined }, proceed(repair.run, hasWorked, reason), now)
}
