import { elapsedMs } from '../../engine/writer.ts'
import { tell } from '../kit/grammar/directive.ts'
import type { Task, TaskResult } from '../signals.ts'
import { sessionWanted } from '../skills/operations/coordination.ts'
import type { Figures, Look, Procedure, Sight } from '../skills/operations/procedure.ts'
import { print, resultsOf } from '../skills/operations/session.ts'
import { undoKey } from '../skills/operations/undoing.ts'
import { type Gap, gapsOf, goalsOf, printGap, REQUESTS_MIN } from './goals.ts'
import { findStranger } from './options.ts'
import { BY_ITSELF } from './self-optimising.ts'

interface Optimising {
  /** Goals that are missed, the worst first. */
  readonly gaps: readonly string[]
  readonly tasks: readonly Task[]
  /** µs, by service. */
  readonly p99Before: Readonly<Record<string, number>>
  readonly results: readonly TaskResult[] | null
  /** Since when figures come from requests that were all sent after the change, on the region's clock. */
  readonly verifiedFromMs: number | null
  readonly p99After: Readonly<Record<string, number>>
}

/** How long other agents have for their part. */
const GATHER_MS = 60_000
/** One window of the metrics, and the slice it may begin late by: what is in the window after that, came after the change. */
const WINDOW_MS = 15_000
/** Without traffic to judge by, what was done stays, and that is said. */
const VERIFY_MS = 120_000
/** The slowest hundredth may be slower by this share; more is taken back. */
const WORSE_MAX = 0.05

/** Policies that go by how long requests take; one that is none of them can be replaced where keys do not matter. */
const BY_LATENCY: readonly string[] = ['peak-ewma', 'adaptive', 'prequal']
/** Policies that keep keys together: another one would scatter them, and that is for the operator to want. */
const BY_KEY: readonly string[] = ['maglev', 'ring-hash', 'rendezvous']

/**
 * What each agent can do about a goal that is missed: the step it has for tuning itself, which it answers with figures of before and after.
 *
 *   latency        pick by latency, where no policy does that yet, no keys are kept, and somebody has asked; even out load
 *   availability   look for endpoints again; even out load
 *   throughput     plan where load would go for what it costs, which says how much is missing; even out load
 *   efficiency     likewise
 *
 * `policy`: the one to pick by; empty: what is best for the goal; null: it stays, for it is the operator's to choose.
 */
export function tuningTasks(
  gaps: readonly Gap[],
  { tables }: Pick<Sight, 'tables'>,
  policy: string | null = '',
): Task[] {
  const tasks = new Map<string, Task>()
  const add = (task: Task): void => void tasks.set(JSON.stringify([task.what, task.subject]), task)
  for (const { service, goal } of gaps) {
    const present = tables.services.find(({ name }) => name === service)?.policy ?? ''
    const isReplaceable = policy === '' && !BY_LATENCY.includes(present) && !BY_KEY.includes(present)
    const wanted = policy || (goal === 'latency' && isReplaceable ? 'peak-ewma' : '')
    if (wanted !== '') add({ role: 'load-balancer', what: 'policy', subject: service, detail: wanted })
    if (goal === 'throughput' || goal === 'efficiency') {
      add({ role: 'resource-manager', what: 'allocate', subject: service, detail: '' })
    }
    if (goal === 'availability') add({ role: 'node-discovery', what: 'discover', subject: '', detail: '' })
    add({ role: 'load-balancer', what: 'rebalance', subject: service, detail: '' })
  }
  return [...tasks.values()]
}

/**
 * Closes the gaps between figures and goals: `{ service?, policy? }`. What made the slowest hundredth slower by more than 5 % is taken back.
 *
 *   gaps, the worst first ──▶ coordinate: all agents at once, 60 s ──▶ verify: one window of requests later ──▶ done
 *                                                                                └── p99 worse by 5 % ──▶ policies as before
 *
 * A policy is all that is taken back: weights and endpoints are found anew by their agents all the time.
 */
export const optimizePerformance: Procedure<Optimising> = {
  isResumed: false,
  begin({ options, by }, sight) {
    const stranger = findStranger(options, ['service', 'policy'])
    if (stranger !== undefined) return { refusal: stranger }
    const { service = '', policy } = options
    if (service !== '' && !sight.tables.services.some(({ name }) => name === service)) {
      return { refusal: `there is no service ${JSON.stringify(service)}` }
    }
    const all = gapsOf(goalsOf(sight.config), sight)
    const gaps = service === '' ? all : all.filter(gap => gap.service === service)
    if (gaps.length === 0) {
      return {
        refusal: sight.metrics === undefined ? 'there are no figures yet' : 'no goal is missed by enough requests',
      }
    }
    const p99Before = p99Of(
      gaps.map(gap => gap.service),
      sight,
    )
    const memory: Optimising = {
      ...{
        gaps: gaps.map(printGap),
        tasks: tuningTasks(gaps, sight, policy ?? (by === BY_ITSELF ? null : '')),
        p99Before,
      },
      ...{ results: null, verifiedFromMs: null, p99After: {} },
    }
    return { memory, before: { gaps: memory.gaps.join('; '), ...printed(p99Before) } }
  },
  stages: [
    {
      name: 'coordinate',
      enter: ({ tasks }, _, { id }) => [tell(sessionWanted.of({ key: id, tasks, deadlineMs: GATHER_MS }))],
      look(memory, { now }) {
        const { results } = memory
        if (results === null) return { go: 'wait' }
        if (results.every(({ status }) => status !== 'done')) {
          return {
            go: 'failed',
            because: results.map(({ role, what, because }) => `${role} ${what}: ${because}`).join('; '),
          }
        }
        return { go: 'next', memory: { ...memory, verifiedFromMs: now } }
      },
    },
    { name: 'verify', everyMs: 5_000, look: verify, undo: takeBack },
  ],
  take: (memory, returned) =>
    returned.kind === 'session' ? { ...memory, results: resultsOf(returned.session) } : memory,
  after: ({ results, p99After }) => ({
    ...printed(p99After),
    ...Object.fromEntries(
      (results ?? []).map(({ role, what, subject, status }) => [`${role} ${what} ${subject}`.trim(), status]),
    ),
  }),
}

function verify(memory: Optimising, sight: Sight, sinceMs: number): Look<Optimising> {
  const { metrics, now } = sight
  const isFresh = metrics !== undefined && sinceMs - elapsedMs(now, metrics.heardMs) >= WINDOW_MS
  const p99After = isFresh ? p99Of(Object.keys(memory.p99Before), sight) : {}
  const judged = { ...memory, p99After }
  if (Object.keys(p99After).length === 0) return { go: sinceMs > VERIFY_MS ? 'next' : 'wait', memory: judged }
  const worse = Object.entries(p99After).flatMap(([service, us]) => {
    const share = us / memory.p99Before[service]! - 1
    return share > WORSE_MAX ? [`p99 of ${service} is worse by ${print(share * 100)} %`] : []
  })
  if (worse.length === 0) return { go: 'next', memory: judged }
  return { go: 'rolled-back', because: worse.join('; '), memory: judged }
}

/** Policies as they were; another session asks for that, and it is over when that is. */
function takeBack({ results }: Optimising, _: Sight, { id }: { readonly id: string }) {
  const tasks = (results ?? []).flatMap(({ role, what, subject, status, figures }): Task[] =>
    what === 'policy' && status === 'done' ? [{ role, what, subject, detail: figures['policy-before'] ?? '' }] : [],
  )
  return tasks.length === 0 ? [] : [tell(sessionWanted.of({ key: undoKey(id), tasks, deadlineMs: GATHER_MS }))]
}

/** Of the last 10 s, of services that had enough requests for it. */
function p99Of(services: readonly string[], { metrics }: Pick<Sight, 'metrics'>): Record<string, number> {
  return Object.fromEntries(
    (metrics?.figures.services ?? []).flatMap(({ service, last10s }) =>
      services.includes(service) && last10s.requests >= REQUESTS_MIN && last10s.latencyUsP99 > 0
        ? [[service, last10s.latencyUsP99] as const]
        : [],
    ),
  )
}

function printed(p99: Readonly<Record<string, number>>): Figures {
  return Object.fromEntries(Object.entries(p99).map(([service, us]) => [`${service} p99-ms`, print(us / 1000)]))
}
