import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { act, type Directive, emit, type Step, schedule, stay, tell } from '../../kit/grammar/directive.ts'
import { actionFailed } from '../../kit/grammar/own-signals.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type Signal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { type TablesView, viewTables } from '../../kit/tables.ts'
import {
  leaderChanged,
  loadForecasted,
  metricsCollected,
  operationAnswered,
  operationFinished,
  operationRequested,
} from '../../signals.ts'
import { readRecord, recordRead, writeRecord } from '../agreement/cluster-records.ts'
import { mayAct } from '../agreement/office.ts'
import { callHook, hookCalled } from '../webhook.ts'
import { sessionEnded, sessionWanted } from './coordination.ts'
import { editEndpoints, endpointsEdited } from './edit-endpoints.ts'
import { type Operations, type Running, resumed, sightOf, withFacts } from './operation-book.ts'
import { advance, BOOK, begin, isReading, noted, refuse, TICK_MS, tickDue, withRunning } from './operation-course.ts'
import { HELD_BY, holdsWanted, operationCalledOff, operationsPaused } from './operation-signals.ts'
import type { Procedures, Returned } from './procedure.ts'
import { readKey, withAnswer } from './undoing.ts'

export interface OperationsOptions {
  /** Whose office it is: only who leads this role carries anything out. */
  readonly role: string
  readonly procedures: Procedures
}

const looked = defineSignal('signalbox.operations.looked', {
  data: trusted<{ readonly tables: TablesView; readonly mayAct: boolean }>(),
})

/** Looks at the tables, and whether what is decided by it may still be done. */
const look = defineAction({
  name: 'look-for-operations',
  done: looked,
  run: ({ role, fence }: { role: string; fence: number }, edge) => ({
    tables: viewTables(edge.attachment),
    mayAct: mayAct(edge, role, fence),
  }),
})

const RUNNING_MAX = 16
const ASKED_MAX = 64

/**
 * Carries out operations, one stage after the other, as long as it leads; the next leader goes on from the book.
 *
 *   operationRequested ──▶ look ──▶ refused, and why
 *                            └──▶ running: stage ──▶ stage … ──▶ done · failed · rolled back · aborted ──▶ operationFinished
 *                                    │ each change              └── what was done is taken back first
 *                                    └──▶ book, under the fence of the leader; a later leader's is not overwritten
 *
 * Before each step it looks whether its lease still holds. What was begun is known to the next leader by the book, which goes on with
 * what can be gone on with and ends the rest.
 */
export const operations = defineSkill({
  name: 'operations',
  listens: [
    operationRequested,
    leaderChanged,
    metricsCollected,
    loadForecasted,
    sessionEnded,
    operationsPaused,
    operationCalledOff,
    actionFailed,
  ],
  own: [tickDue, sessionWanted, holdsWanted],
  emits: [operationAnswered, operationFinished],
  actions: [look, callHook, editEndpoints, writeRecord, readRecord],
  start: ({ role, procedures }: OperationsOptions, { seed, config }): Step<Operations> =>
    stay({
      ...{ role, procedures, seed, config, fence: undefined, paused: '', reading: 0, turn: 0 },
      ...{ asked: [], running: new Map(), past: [], metrics: undefined, forecasts: new Map() },
    }),
  reload: (slice, config: Config) => stay({ ...slice, config }),
  decide,
})

function decide(slice: Operations, signal: Signal, now: number): Step<Operations> {
  if (operationRequested.is(signal)) return onRequested(slice, signal)
  if (looked.is(signal)) return onLooked(slice, signal, now)
  if (tickDue.is(signal)) return onTick(slice, now)
  if (leaderChanged.is(signal)) return onLeader(slice, signal.data)
  if (recordRead.is(signal)) return onBook(slice, signal.data, now)
  if (sessionEnded.is(signal)) {
    return onReturned(slice, signal.data.key, { kind: 'session', session: signal.data.session })
  }
  if (hookCalled.is(signal)) {
    const { about, isTaken, reason } = signal.data
    return onReturned(slice, about, { kind: 'hook', fault: isTaken ? '' : reason })
  }
  if (endpointsEdited.is(signal)) return onReturned(slice, signal.data.key, { kind: 'edit', ...signal.data })
  if (operationsPaused.is(signal)) {
    const { isPaused, because } = signal.data
    return stay({ ...slice, paused: isPaused ? because : '' })
  }
  if (operationCalledOff.is(signal)) {
    const { id, by } = signal.data
    return lookedAtNow(slice, id, running => ({ ...running, calledOffBy: by }))
  }
  if (actionFailed.is(signal)) return onFailed(slice, signal.data.action)
  return stay(withFacts(slice, signal, now))
}

function onRequested(slice: Operations, question: SignalOf<typeof operationRequested>): Step<Operations> {
  const { operation } = question.data
  if (slice.procedures[operation] === undefined) return stay(slice)
  const refusal =
    slice.fence === undefined
      ? 'this orchestrator does not lead, ask the one that does'
      : slice.paused !== ''
        ? slice.paused
        : slice.running.size >= RUNNING_MAX || slice.asked.length >= ASKED_MAX
          ? `${slice.running.size} operations are under way, ask again later`
          : undefined
  if (refusal !== undefined) return { state: slice, directives: [refuse(question, refusal)] }
  // Until the book is read it waits: beginning would overwrite what lies there.
  return {
    state: { ...slice, asked: [...slice.asked, question] },
    directives: isReading(slice) ? [] : [lookNow(slice)],
  }
}

function lookNow({ role, fence = 0 }: Operations): Directive {
  return act(look, { role, fence })
}

function onTick(slice: Operations, now: number): Step<Operations> {
  if (slice.running.size === 0) return stay(slice)
  const isDue = [...slice.running.values()].some(each => dueIn(slice, each, now) <= 0)
  return { state: slice, directives: [...(isDue ? [lookNow(slice)] : []), schedule(TICK_MS, tickDue.of(null))] }
}

/** Until its stage is to be looked at again, in ms; a tick may come half a tick early. */
function dueIn({ procedures }: Operations, { operation, stageAt, lookedMs }: Running, now: number): number {
  const { everyMs = TICK_MS } = procedures[operation]!.stages[stageAt]!
  return everyMs - elapsedMs(now, lookedMs) - TICK_MS / 2
}

function onLooked(slice: Operations, signal: SignalOf<typeof looked>, now: number): Step<Operations> {
  const { tables, mayAct: isSure } = signal.data
  const sight = sightOf(slice, tables, now, signal.time)
  const { asked } = slice
  let step: Step<Operations> = stay({ ...slice, asked: [] })
  for (const question of asked) {
    step = isSure
      ? after(step, state => begin(state, question, sight))
      : { ...step, directives: [...step.directives, refuse(question, 'its term of office cannot be vouched for now')] }
  }
  if (!isSure) return step
  for (const { id } of slice.running.values()) {
    const running = step.state.running.get(id)
    if (running !== undefined && dueIn(step.state, running, now) <= 0)
      step = after(step, state => advance(state, running, sight))
  }
  return step
}

function after(step: Step<Operations>, next: (state: Operations) => Step<Operations>): Step<Operations> {
  const { state, directives } = next(step.state)
  return { state, directives: [...step.directives, ...directives] }
}

function onReturned(slice: Operations, key: string, returned: Returned): Step<Operations> {
  const { id, isUndo } = readKey(key)
  return lookedAtNow(slice, id, running => {
    const { undoing } = running
    if (isUndo) return undoing && { ...running, undoing: withAnswer(undoing, returned) }
    const take = slice.procedures[running.operation]!.take
    return take === undefined ? undefined : { ...running, memory: take(running.memory, returned) }
  })
}

/** It is otherwise, and looked at now, not when the next look is due. */
function lookedAtNow(
  slice: Operations,
  id: string,
  change: (running: Running) => Running | undefined,
): Step<Operations> {
  const before = slice.running.get(id)
  const after = before && change(before)
  if (after === undefined) return stay(slice)
  const lookedMs = after.lookedMs - 2 * (slice.procedures[after.operation]!.stages[after.stageAt]!.everyMs ?? TICK_MS)
  return { state: withRunning(slice, { ...after, lookedMs }), directives: [lookNow(slice)] }
}

/** Takes office: what the one before has written down is gone on with. Leaves it: the next one goes on. */
function onLeader(
  slice: Operations,
  { role, isHere, fence }: SignalOf<typeof leaderChanged>['data'],
): Step<Operations> {
  if (role !== slice.role) return stay(slice)
  if (!isHere) {
    const refusals = slice.asked.map(question => refuse(question, 'this orchestrator does not lead any more'))
    const state: Operations = { ...slice, fence: undefined, asked: [], running: new Map() }
    return { state, directives: [...refusals, tell(holdsWanted.of({ by: HELD_BY, targets: [] }))] }
  }
  return fence === 0 ? noted({ ...slice, fence }) : readBook({ ...slice, fence })
}

function readBook(slice: Operations): Step<Operations> {
  return { state: { ...slice, reading: slice.reading + 1 }, directives: [act(readRecord, { name: BOOK })] }
}

/** With the last reading that is under way: one of an earlier term may be of before what others have written since. */
function onBook(
  before: Operations,
  { value, turn }: { readonly value: unknown; readonly turn: number },
  now: number,
): Step<Operations> {
  const slice = { ...before, reading: before.reading - 1 }
  if (!slice.fence || slice.reading > 0) return stay(slice)
  const isTicking = slice.running.size > 0
  const { state: known, lost } = resumed({ ...slice, turn: Math.max(slice.turn, turn) }, value, now)
  const ended = lost.map(({ id, operation, because, tookMs, before, after: figures }) =>
    emit(operationFinished.of({ id, operation, status: 'aborted', because, tookMs, before, after: figures }, id)),
  )
  const { state, directives } = noted(known)
  const isBegun = state.running.size > 0 && !isTicking
  return {
    state,
    directives: [
      ...directives,
      ...ended,
      ...(isBegun || state.asked.length > 0 ? [lookNow(state)] : []),
      ...(isBegun ? [schedule(TICK_MS, tickDue.of(null))] : []),
    ],
  }
}

/** A store that does not answer. What could not be written is written with the next change; what could not be read is read again. */
function onFailed(before: Operations, action: string): Step<Operations> {
  if (action !== readRecord.name) return stay(before)
  const slice = { ...before, reading: before.reading - 1 }
  if (!slice.fence || slice.reading > 0) return stay(slice)
  const refusals = slice.asked.map(question =>
    refuse(question, 'what the orchestrator before had under way cannot be read, ask again later'),
  )
  const { state, directives } = readBook({ ...slice, asked: [] })
  return { state, directives: [...refusals, ...directives] }
}
