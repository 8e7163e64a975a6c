import { elapsedMs } from '../../../engine/writer.ts'
import type { Draft, Signal } from '../../kit/grammar/signal.ts'
import {
  allocationPlanned,
  allocationRequested,
  discoveryDone,
  discoveryRequested,
  policyRequested,
  policyTaken,
  rebalanceDone,
  rebalanceRequested,
  type Task,
  type TaskResult,
} from '../../signals.ts'

/** What an answer says of a task. */
interface Said {
  readonly isDone: boolean
  readonly because: string
  readonly figures: Readonly<Record<string, string>>
}

/** How a kind of task is asked for, and what its answer says; undefined: that is the answer to another task. */
interface Errand {
  ask(task: Task, by: string): Draft
  read(task: Task, answer: Signal): Said | undefined
}

/** What agents can be asked to do, by its name in a task. Each answers with its own figures of before and after, where it has some. */
export const ERRANDS: Readonly<Record<Task['what'], Errand>> = {
  rebalance: {
    ask: ({ subject: service }, by) => rebalanceRequested.of({ service, by }, service),
    read({ subject }, answer) {
      if (!rebalanceDone.is(answer) || answer.data.service !== subject) return undefined
      const { unevennessBefore, unevennessAfter } = answer.data
      const figures = { 'unevenness-before': print(unevennessBefore), 'unevenness-after': print(unevennessAfter) }
      return { isDone: true, because: 'its weights have moved', figures }
    },
  },
  policy: {
    ask: ({ subject: service, detail: policy }, by) => policyRequested.of({ service, policy, by }, service),
    read({ subject }, answer): Said | undefined {
      if (!policyTaken.is(answer) || answer.data.service !== subject) return undefined
      const { policy, before, refused } = answer.data
      if (refused !== '') return { isDone: false, because: refused, figures: {} }
      return {
        isDone: true,
        because: `picks by ${policy}`,
        figures: { 'policy-before': before, 'policy-after': policy },
      }
    },
  },
  allocate: {
    ask: ({ subject: service }, by) => allocationRequested.of({ service, by }, service),
    read({ subject }, answer): Said | undefined {
      if (!allocationPlanned.is(answer)) return undefined
      const plan = answer.data.services.find(({ service }) => service === subject)
      if (plan === undefined) return undefined
      const { shortage, costPerHour, isWithinGoal } = plan
      const because = isWithinGoal ? 'its cost is within the goal' : 'its cost is above the goal'
      return { isDone: true, because, figures: { shortage: print(shortage), 'cost-per-hour': print(costPerHour) } }
    },
  },
  discover: {
    ask: () => discoveryRequested.of({ strategies: [] }),
    read(_, answer) {
      if (!discoveryDone.is(answer)) return undefined
      const { nodes, endpoints } = answer.data
      const figures = { nodes: String(nodes.length), endpoints: String(endpoints) }
      return { isDone: true, because: 'it has looked', figures }
    },
  },
}

export function print(figure: number): string {
  return String(Number(figure.toPrecision(4)))
}

/** Some tasks for others, all asked for at once, and what came of each by a deadline. */
export interface Session {
  /** Sixteen hexadecimal digits. */
  readonly id: string
  readonly by: string
  readonly sinceMs: number
  readonly deadlineMs: number
  readonly tasks: readonly Task[]
  /** By task: the id of its question, once that is on its way. */
  readonly questions: readonly (string | undefined)[]
  /** By task; undefined while it is not answered. */
  readonly results: readonly (TaskResult | undefined)[]
  /** The deadline is over, or all have answered: what comes now is late. */
  readonly isOver: boolean
}

export function openSession(
  tasks: readonly Task[],
  { id, by, sinceMs, deadlineMs }: Pick<Session, 'id' | 'by' | 'sinceMs' | 'deadlineMs'>,
): Session {
  const none = tasks.map(() => undefined)
  return { id, by, sinceMs, deadlineMs, tasks, questions: none, results: none, isOver: tasks.length === 0 }
}

/** A session that knows by which id the answer to one of its tasks will come. */
export function withQuestion(session: Session, at: number, question: string): Session {
  return { ...session, questions: session.questions.with(at, question) }
}

/**
 * A session with what an answer says of the task whose question it answers; undefined: that is none of them, be it one of the same kind
 * about the same service. Who answers after the deadline is late, and replaces the silence there was.
 */
export function takeAnswer(session: Session, answer: Signal, now: number): Session | undefined {
  const at = answer.causationid === undefined ? -1 : session.questions.indexOf(answer.causationid)
  if (at < 0 || !isOpen(session.results[at])) return undefined
  const task = session.tasks[at]!
  const said = ERRANDS[task.what].read(task, answer)
  if (said === undefined) return undefined
  const { isDone, because, figures } = said
  const status = session.isOver ? 'late' : isDone ? 'done' : 'failed'
  const result: TaskResult = { ...task, status, because, figures, tookMs: elapsedMs(now, session.sinceMs) }
  const results = session.results.with(at, result)
  return { ...session, results, isOver: session.isOver || results.every(each => each !== undefined) }
}

/** The deadline is over: who has not answered is silent. */
export function endSession(session: Session, now: number): Session {
  const results = session.tasks.map(
    (task, i): TaskResult =>
      session.results[i] ?? {
        ...task,
        ...{ status: 'silent', because: `no answer within ${session.deadlineMs} ms`, figures: {} },
        tookMs: elapsedMs(now, session.sinceMs),
      },
  )
  return { ...session, results, isOver: true }
}

function isOpen(result: TaskResult | undefined): boolean {
  return result === undefined || result.status === 'silent'
}

/** What came of the tasks of a session that is over. */
export function resultsOf({ results }: Session): readonly TaskResult[] {
  return results as readonly TaskResult[]
}
