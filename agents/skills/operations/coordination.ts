import { ask, type Directive, reply, type Step, schedule, stay, tell } from '../../kit/grammar/directive.ts'
import { asked, unanswered } from '../../kit/grammar/own-signals.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import {
  allocationPlanned,
  allocationRequested,
  coordinationEnded,
  coordinationRequested,
  coordinationSensed,
  discoveryDone,
  discoveryRequested,
  policyRequested,
  policyTaken,
  rebalanceDone,
  rebalanceRequested,
  type Task,
} from '../../signals.ts'
import { rollHexId } from '../hex-id.ts'
import { ERRANDS, endSession, openSession, resultsOf, type Session, takeAnswer, withQuestion } from './session.ts'

export interface CoordinationOptions {
  /** Longer deadlines are cut to this, in ms. */
  readonly deadlineMsMax: number
}

export interface Coordination extends CoordinationOptions {
  readonly seed: number
  /** By id; those that are over stay as long as answers may still come. */
  readonly open: ReadonlyMap<string, Session>
  /** Who waits for a session: a question from others, or a key within this agent. */
  readonly waiting: ReadonlyMap<string, Signal | string>
  /** The last that were over, the oldest first. */
  readonly past: readonly Session[]
  readonly sums: { readonly ended: number; readonly failed: number; readonly late: number }
}

const OPEN_MAX = 64
const PAST_MAX = 100
const TASKS_MAX = 256

/** Within the agent: have these tasks done; `key` comes back with what came of them. */
export const sessionWanted = defineSignal('signalbox.session.wanted', {
  data: trusted<{ readonly key: string; readonly tasks: readonly Task[]; readonly deadlineMs: number }>(),
})

/** Within the agent: what came of them. */
export const sessionEnded = defineSignal('signalbox.session.ended', {
  data: trusted<{ readonly key: string; readonly session: Session }>(),
})

const sessionDue = defineSignal('signalbox.session.scheduled', { data: trusted<{ readonly id: string }>() })

const ANSWERS = [rebalanceDone, policyTaken, discoveryDone, allocationPlanned] as const

const SENSE_MS = 15_000

/** How sessions go: open now; ended, failed and late since the start. */
export const agentCoordination = defineSensor({
  name: 'agent-coordination',
  emits: coordinationSensed,
  everyMs: SENSE_MS,
  spreadMs: SENSE_MS / 10,
  start: () => '',
  read({ knows }) {
    const { open, sums } = knows() as Coordination
    return { open: [...open.values()].filter(({ isOver }) => !isOver).length, ...sums }
  },
  // Nothing is said where nothing has happened.
  perceive(before, raw) {
    const after = JSON.stringify(raw)
    return { memory: after, readings: before === after ? [] : [coordinationSensed.of(raw)] }
  },
})

/**
 * Has tasks done by other agents, all at once, and knows by a deadline what came of each: done, failed, or silent. One that does not answer
 * keeps none of the others waiting, and what comes late is noted as that.
 *
 *   tasks ──▶ one question each ──▶ answers … ──▶ all have answered, or the deadline ──▶ results ──▶ whoever asked
 *                                                                        └── as long again: late answers
 */
export const coordination = defineSkill({
  name: 'coordination',
  listens: [coordinationRequested, sessionWanted, asked, unanswered, ...ANSWERS],
  own: [sessionDue, sessionEnded],
  emits: [
    coordinationEnded,
    coordinationSensed,
    rebalanceRequested,
    policyRequested,
    discoveryRequested,
    allocationRequested,
  ],
  sensors: [agentCoordination],
  start: (options: CoordinationOptions, { seed }): Step<Coordination> =>
    stay({ ...options, seed, open: new Map(), waiting: new Map(), past: [], sums: { ended: 0, failed: 0, late: 0 } }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.coordination.request': {
        const { tasks, deadlineMs, by } = signal.data
        return open(slice, tasks, { by, deadlineMs, waiter: signal }, now)
      }
      case 'signalbox.session.wanted': {
        const { key, tasks, deadlineMs } = signal.data
        return open(slice, tasks, { by: key, deadlineMs, waiter: key }, now)
      }
      case 'signalbox.question.asked':
        return stay(onAsked(slice, signal.data))
      case 'signalbox.session.scheduled':
        return onDue(slice, signal.data.id, now)
      case 'signalbox.service.rebalance-finished':
      case 'signalbox.service.policy-taken':
      case 'signalbox.discovery.finished':
      case 'signalbox.service.allocated':
        return onAnswer(slice, signal, now)
      default:
        return stay(slice)
    }
  },
})

function open(
  slice: Coordination,
  wanted: readonly Task[],
  { by, deadlineMs: wish, waiter }: { by: string; deadlineMs: number; waiter: Signal | string },
  now: number,
): Step<Coordination> {
  const { id, seed } = rollHexId(slice.seed)
  const tasks = wanted.slice(0, TASKS_MAX)
  const deadlineMs = Math.min(wish, slice.deadlineMsMax)
  const session = openSession(tasks, { id, by, sinceMs: now, deadlineMs })
  // Nothing to do, or no room to do it: answered at once, and each task says so.
  if (tasks.length === 0 || slice.open.size >= OPEN_MAX) {
    const over = endSession(session, now)
    return { state: { ...slice, seed }, directives: [tellResults(over, waiter)] }
  }
  const state: Coordination = {
    ...slice,
    seed,
    open: new Map(slice.open).set(id, session),
    waiting: new Map(slice.waiting).set(id, waiter),
  }
  return {
    state,
    directives: [
      // Twice as long: who answers after the deadline is heard, and is late.
      ...tasks.map((task, at) => ask(ERRANDS[task.what].ask(task, by), 2 * deadlineMs, `${id}/${at}`)),
      schedule(deadlineMs, sessionDue.of({ id })),
    ],
  }
}

function onAsked(slice: Coordination, { question, about }: { readonly question: string; readonly about: string }) {
  const [id = '', at] = about.split('/')
  const session = slice.open.get(id)
  return session === undefined ? slice : withSession(slice, withQuestion(session, Number(at), question))
}

function onAnswer(slice: Coordination, answer: Signal, now: number): Step<Coordination> {
  for (const before of slice.open.values()) {
    const after = takeAnswer(before, answer, now)
    if (after === undefined) continue
    if (before.isOver) return stay(withSession({ ...slice, sums: { ...slice.sums, late: slice.sums.late + 1 } }, after))
    return after.isOver ? finish(slice, after) : stay(withSession(slice, after))
  }
  return stay(slice)
}

/** Its deadline, or the end of the time in which late answers are heard. */
function onDue(slice: Coordination, id: string, now: number): Step<Coordination> {
  const session = slice.open.get(id)
  if (session === undefined) return stay(slice)
  if (session.isOver) {
    const rest = new Map(slice.open)
    rest.delete(id)
    return stay({ ...slice, open: rest, past: appended(slice.past, session, PAST_MAX) })
  }
  const { state, directives } = finish(slice, endSession(session, now))
  return { state, directives: [...directives, schedule(session.deadlineMs, sessionDue.of({ id }))] }
}

function finish(slice: Coordination, session: Session): Step<Coordination> {
  const waiter = slice.waiting.get(session.id)
  const waiting = new Map(slice.waiting)
  waiting.delete(session.id)
  const failed = resultsOf(session).filter(({ status }) => status !== 'done').length
  const sums = { ...slice.sums, ended: slice.sums.ended + 1, failed: slice.sums.failed + failed }
  const state = withSession({ ...slice, waiting, sums }, session)
  return { state, directives: waiter === undefined ? [] : [tellResults(session, waiter)] }
}

function withSession(slice: Coordination, session: Session): Coordination {
  return { ...slice, open: new Map(slice.open).set(session.id, session) }
}

function tellResults(session: Session, waiter: Signal | string): Directive {
  if (typeof waiter === 'string') return tell(sessionEnded.of({ key: waiter, session }))
  return reply(waiter, coordinationEnded.of({ id: session.id, results: resultsOf(session) }))
}
