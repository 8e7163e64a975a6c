import { type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, stay } from '../../kit/grammar/directive.ts'
import type { SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { type FailureKind, healthAlerted, recoveryBegun, recoveryEnded, recoveryRequested } from '../../signals.ts'
import { failureOf } from './failure-procedures.ts'
import { type Claimed, claimRepair, letGoOfRepair } from './repair-claim.ts'
import { endpointOf, type Named, subjectOf } from './subject.ts'

/** Something that is wrong with an endpoint, and how far its repair is. */
interface Failure extends Named {
  readonly kind: FailureKind
  readonly because: string
  readonly phase: 'claiming' | 'repairing'
  readonly sinceMs: number
}

export interface RecoveryOrchestration {
  readonly role: string
  readonly isOn: boolean
  /** By `service/id`. */
  readonly failures: ReadonlyMap<string, Failure>
}

/** Repairs at a time. Of more the alerts are told again, and then it is their turn. */
const FAILURES_MAX = 64

/**
 * Decides what is repaired, and by which node.
 *
 *   critical alert, or asked ──▶ what is wrong? ──nothing that can be repaired──▶ failed
 *                                    │
 *                                    ▼
 *                      off ◀── wanted by the config? ──▶ claim ──another node has it──▶ elsewhere
 *                                                          │
 *                                                          ▼
 *                                                        begun ──▶ repaired, see failureRecovery ──▶ ended, let go
 *
 * restart    claims go with the agent
 */
export const recoveryOrchestration = defineSkill({
  name: 'recovery-orchestration',
  listens: [healthAlerted, recoveryRequested, recoveryEnded],
  overhears: [healthAlerted, recoveryRequested, recoveryEnded],
  emits: [recoveryBegun, recoveryEnded],
  actions: [claimRepair, letGoOfRepair],
  start: ({ role }: { readonly role: string }, { config }: Setup): Step<RecoveryOrchestration> =>
    stay({ role, isOn: isOn(config), failures: new Map() }),
  reload: (slice, config) => stay({ ...slice, isOn: isOn(config) }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.health.alerted':
        return onAlert(slice, signal.data, now)
      case 'signalbox.endpoint.recover':
        return repair(slice, signal.data, signal.data.kind, signal.data.because, now)
      case 'signalbox.repair.claimed':
        return onClaimed(slice, signal.data, now)
      case 'signalbox.endpoint.recovery-ended':
        return onEnded(slice, signal.data)
      case 'signalbox.repair.let-go':
        return stay(slice)
    }
  },
})

function isOn({ agents }: Config): boolean {
  return agents['health-monitor'].autoRecovery
}

function onAlert(
  slice: RecoveryOrchestration,
  alert: SignalOf<typeof healthAlerted>['data'],
  now: number,
): Step<RecoveryOrchestration> {
  const named = alert.severity === 'critical' ? endpointOf(alert.subject) : undefined
  if (named === undefined) return stay(slice)
  const kind = failureOf(alert)
  const because = `${alert.rule}: ${alert.reason}`
  return repair(slice, named, kind ?? 'errors', because, now)
}

/** Without automatic recovery a person is called; with it, whoever may repair is found out first. */
function repair(
  slice: RecoveryOrchestration,
  { service, id }: Named,
  kind: FailureKind,
  because: string,
  now: number,
): Step<RecoveryOrchestration> {
  const subject = `${service}/${id}`
  if (!slice.isOn)
    return end(slice, { service, id, kind, because, phase: 'claiming', sinceMs: now }, 'off', 'it is off', now)
  if (slice.failures.has(subject) || slice.failures.size >= FAILURES_MAX) return stay(slice)
  const failure: Failure = { service, id, kind, because, phase: 'claiming', sinceMs: now }
  return {
    state: { ...slice, failures: new Map(slice.failures).set(subject, failure) },
    directives: [act(claimRepair, { subject, role: slice.role })],
  }
}

function onClaimed(slice: RecoveryOrchestration, { subject, isMine, fence, by }: Claimed, now: number) {
  const failure = slice.failures.get(subject)
  if (failure?.phase !== 'claiming') return stay(slice)
  const { service, id, kind, because } = failure
  if (!isMine) return end(slice, failure, 'elsewhere', by, now)
  const failures = new Map(slice.failures).set(subject, { ...failure, phase: 'repairing' as const })
  return {
    state: { ...slice, failures },
    directives: [emit(recoveryBegun.of({ service, id, kind, because, fence }, subject))],
  }
}

/** Says that there was nothing to repair here. */
function end(
  slice: RecoveryOrchestration,
  { service, id, kind, because, sinceMs }: Failure,
  outcome: 'off' | 'elsewhere',
  tried: string,
  now: number,
): Step<RecoveryOrchestration> {
  const failures = new Map(slice.failures)
  failures.delete(`${service}/${id}`)
  const ended = { service, id, kind, outcome, because, attempts: 0, tried: [tried], tookMs: elapsedMs(now, sinceMs) }
  return { state: { ...slice, failures }, directives: [emit(recoveryEnded.of(ended, `${service}/${id}`))] }
}

function onEnded(slice: RecoveryOrchestration, named: Named): Step<RecoveryOrchestration> {
  const subject = subjectOf(named)
  if (!slice.failures.has(subject)) return stay(slice)
  const failures = new Map(slice.failures)
  failures.delete(subject)
  const directives: Directive[] = [act(letGoOfRepair, { subject })]
  return { state: { ...slice, failures }, directives }
}
