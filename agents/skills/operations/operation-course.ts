import { elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, emit, reply, type Step, schedule, stay, tell } from '../../kit/grammar/directive.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { operationAnswered, operationFinished, type operationRequested } from '../../signals.ts'
import { writeRecord } from '../agreement/cluster-records.ts'
import { rollHexId } from '../hex-id.ts'
import {
  bookOf,
  finished,
  handedOver,
  holdsOf,
  type Operations,
  type Running,
  recordOf,
  siblingsOf,
} from './operation-book.ts'
import { HELD_BY, holdsWanted } from './operation-signals.ts'
import type { AnyProcedure, Look, Sight } from './procedure.ts'
import { turnOf, type Undoing, verdictOf } from './undoing.ts'

export const tickDue = defineSignal('signalbox.operations.scheduled')

/** Looks come at this pace while anything runs, and none come while nothing does. */
export const TICK_MS = 1_000

/** Under which name the book lies for the next leader. */
export const BOOK = 'operations'

export function begin(
  slice: Operations,
  question: SignalOf<typeof operationRequested>,
  sight: Sight,
): Step<Operations> {
  const { operation, options, by } = question.data
  const procedure = slice.procedures[operation]!
  const { id, seed } = rollHexId(slice.seed)
  const begun = procedure.begin({ id, options, by }, { ...sight, siblings: siblingsOf(slice, operation) })
  if ('refusal' in begun) return { state: slice, directives: [refuse(question, begun.refusal)] }
  const running: Running = {
    ...{ id, operation, options, by, memory: begun.memory, before: begun.before, calledOffBy: '', undoing: undefined },
    ...{ stageAt: 0, stageSinceMs: sight.now, startedMs: sight.now },
    lookedMs: lookedBefore(procedure, 0, sight.now),
    startedAt: new Date(sight.wallMs).toISOString(),
  }
  const isFirst = slice.running.size === 0
  const { state, directives } = entered({ ...slice, seed }, running, sight)
  return {
    state,
    directives: [
      reply(question, operationAnswered.of({ id, operation, isTaken: true, because: '' })),
      ...directives,
      ...(isFirst ? [schedule(TICK_MS, tickDue.of(null))] : []),
    ],
  }
}

/** The first look at a stage comes with the next tick, however seldom it is looked at then. */
function lookedBefore({ stages }: AnyProcedure, stageAt: number, now: number): number {
  return (now - (stages[stageAt]!.everyMs ?? TICK_MS)) | 0
}

/** What is done when a stage begins; whoever comes after this one knows first. */
function entered(slice: Operations, running: Running, sight: Sight): Step<Operations> {
  const procedure = slice.procedures[running.operation]!
  const stage = procedure.stages[running.stageAt]!
  const { state, directives } = noted(withRunning(slice, running))
  return { state, directives: [...directives, ...(stage.enter?.(running.memory, sight, running) ?? [])] }
}

/** The book as it is now, and whom it keeps out; as long as that of the leader before is not known, neither. */
export function noted(slice: Operations): Step<Operations> {
  const { fence } = slice
  if (isReading(slice)) return stay(slice)
  const holds = tell(holdsWanted.of({ by: HELD_BY, targets: holdsOf(slice) }))
  if (fence === undefined || fence === 0) return { state: slice, directives: [holds] }
  const turn = slice.turn + 1
  const written = act(writeRecord, { name: BOOK, fence, value: bookOf(slice), turn })
  return { state: { ...slice, turn }, directives: [holds, written] }
}

export function advance(slice: Operations, before: Running, sight: Sight): Step<Operations> {
  const procedure = slice.procedures[before.operation]!
  const stage = procedure.stages[before.stageAt]!
  if (before.undoing !== undefined) return goOnUndoing(slice, before, before.undoing, sight)
  if (before.calledOffBy !== '') return end(slice, before, 'aborted', `called off by ${before.calledOffBy}`, sight)
  const seen: Look<unknown> = stage.look(before.memory, sight, elapsedMs(sight.now, before.stageSinceMs))
  const running: Running = { ...before, memory: seen.memory ?? before.memory, lookedMs: sight.now }
  if (seen.go === 'wait') {
    const state = withRunning(slice, running)
    const isSame = JSON.stringify(holdsOf(state)) === JSON.stringify(holdsOf(slice))
    return isSame ? stay(state) : noted(state)
  }
  if (seen.go !== 'next') return end(slice, running, seen.go, seen.because, sight)
  if (running.stageAt === procedure.stages.length - 1) return end(slice, running, 'done', '', sight)
  const stageAt = running.stageAt + 1
  const lookedMs = lookedBefore(procedure, stageAt, sight.now)
  const next: Running = { ...running, stageAt, stageSinceMs: sight.now, lookedMs }
  return entered(slice, next, sight)
}

/** What has failed takes back first what it has done. */
function end(
  slice: Operations,
  running: Running,
  status: Undoing['status'],
  because: string,
  sight: Sight,
): Step<Operations> {
  if (status === 'done') return finish(slice, running, status, because, sight)
  const undoing: Undoing = { status, because, sinceMs: sight.now, askedMs: sight.now, left: 0, faults: [] }
  return undo(slice, running, undoing, sight)
}

function undo(slice: Operations, before: Running, undoing: Undoing, sight: Sight): Step<Operations> {
  const directives = undoOf(slice.procedures[before.operation]!, before, sight)
  if (directives.length === 0) return finish(slice, before, undoing.status, undoing.because, sight)
  const asked = { ...undoing, askedMs: sight.now, left: directives.length, faults: [] }
  const running: Running = { ...before, undoing: asked, lookedMs: sight.now }
  const { state, directives: written } = noted(withRunning(slice, running))
  return { state, directives: [...written, ...directives] }
}

function goOnUndoing(slice: Operations, running: Running, undoing: Undoing, sight: Sight): Step<Operations> {
  const turn = turnOf(undoing, sight.now)
  if (turn === 'again') return undo(slice, running, undoing, sight)
  if (turn === 'wait') return stay(withRunning(slice, { ...running, lookedMs: sight.now }))
  const { status, because } = verdictOf(undoing)
  return finish(slice, running, status, because, sight)
}

function finish(
  slice: Operations,
  running: Running,
  status: Undoing['status'],
  because: string,
  sight: Sight,
): Step<Operations> {
  const procedure = slice.procedures[running.operation]!
  const record = finished(recordOf(slice, running, sight.now), status, because, procedure.after(running.memory, sight))
  const { state, directives } = noted(handedOver(slice, running.id, record))
  const { id, operation, tookMs, before, after: figures } = record
  const told = operationFinished.of({ id, operation, status, because, tookMs, before, after: figures }, id)
  return { state, directives: [...directives, emit(told)] }
}

/** Of the stages that were entered, the last first. */
function undoOf(procedure: AnyProcedure, running: Running, sight: Sight): Directive[] {
  const { stageAt, memory } = running
  return procedure.stages
    .slice(0, stageAt + 1)
    .toReversed()
    .flatMap(stage => stage.undo?.(memory, sight, running) ?? [])
}

export function withRunning(slice: Operations, running: Running): Operations {
  return { ...slice, running: new Map(slice.running).set(running.id, running) }
}

export function refuse(question: SignalOf<typeof operationRequested>, because: string): Directive {
  return reply(question, operationAnswered.of({ id: '', operation: question.data.operation, isTaken: false, because }))
}

/** Who is alone has nothing to read. */
export function isReading({ fence, reading }: Operations): boolean {
  return reading > 0 && fence !== 0
}
