import { HELD } from '../../engine/writer.ts'
import type { Figures, Procedure, Sight } from '../skills/operations/procedure.ts'
import { overlapping, readWindow, type Window } from './calendar.ts'
import { endpointsByName, isRoutable, lossRefusal } from './capacity.ts'
import { goalsOf, REQUESTS_MIN } from './goals.ts'
import { isFault } from './options.ts'

interface Maintaining extends Window {
  /** Share of requests that failed before anything was taken out, by service. */
  readonly errorsBefore: Readonly<Record<string, number>>
  /** Looks in a row that saw the goal at risk, and when the figures were heard that the last of them went by. */
  readonly badLooks: number
  readonly judgedMs: number | null
  readonly note: string
}

/** How long the tables have to show that targets are out: they are held by then, or the rules of publication refuse. */
const HELD_MS = 5_000
/** How long targets have to be picked again once nothing keeps them out; checks may say that they are not well. */
const BACK_MS = 30_000
/** One bad look may be the last second before things are better. Figures are judged once, however often it is looked. */
const BAD_LOOKS = 2
/** So many standard deviations above what is usual are no chance. */
const DEVIATIONS = 3

/**
 * Takes endpoints out for a while, and back: `{ targets, startsAt | startsIn, duration }`.
 *
 *   wait ──▶ admit ──▶ drain ──▶ quiesce ──▶ hold ──▶ restore
 *             │          │ held: nothing new begins │ nothing in flight, or its time is over
 *             │          └──────────┴──── what is left is too little, or fails: all back at once, aborted
 *             └── what would be left cannot carry what is expected: nothing was done
 *
 * What would be left is looked at when it is asked for, and again when it begins. Another orchestrator goes on where this one was.
 */
export const maintenanceWindow: Procedure<Maintaining> = {
  isResumed: true,
  begin({ options }, sight) {
    const window = readWindow(options, sight.wallMs)
    if (isFault(window)) return { refusal: window.fault }
    const known = endpointsByName(sight.tables)
    const unknown = window.targets.find(target => !known.has(target))
    if (unknown !== undefined) return { refusal: `there is no endpoint ${JSON.stringify(unknown)}` }
    const together = overlapping(window, sight.siblings as readonly Maintaining[]).flatMap(({ targets }) => targets)
    const refusal = lossRefusal([...new Set([...window.targets, ...together])], sight)
    if (refusal !== undefined) return { refusal }
    return {
      memory: { ...window, errorsBefore: {}, badLooks: 0, judgedMs: null, note: '' },
      before: { targets: window.targets.join(', '), startsAt: new Date(window.startsAtMs).toISOString() },
    }
  },
  stages: [
    {
      name: 'wait',
      everyMs: 5_000,
      look: ({ startsAtMs }, { wallMs }) => (wallMs >= startsAtMs ? { go: 'next' } : { go: 'wait' }),
    },
    {
      name: 'admit',
      look(memory, sight) {
        const because = lossRefusal(memory.targets, sight)
        if (because !== undefined) return { go: 'aborted', because }
        return { go: 'next', memory: { ...memory, errorsBefore: errorsOf(sight) } }
      },
    },
    {
      name: 'drain',
      look(memory, sight, sinceMs) {
        const known = endpointsByName(sight.tables)
        const isOut = (target: string): boolean => ((known.get(target)?.endpoint.bars ?? HELD) & HELD) !== 0
        if (memory.targets.every(isOut)) return { go: 'next' }
        if (sinceMs < HELD_MS) return { go: 'wait' }
        const left = memory.targets.filter(target => !isOut(target))
        return { go: 'aborted', because: `too many endpoints are out already to take out ${left.join(', ')}` }
      },
    },
    {
      name: 'quiesce',
      look(before, sight, sinceMs) {
        const { memory, abort } = judged(before, sight)
        if (abort !== undefined) return { go: 'aborted', because: abort }
        const known = endpointsByName(sight.tables)
        const inflight = memory.targets.reduce((sum, target) => sum + (known.get(target)?.endpoint.inflight ?? 0), 0)
        if (inflight === 0) return { go: 'next', memory: { ...memory, note: 'nothing was in flight any more' } }
        const { quiesce } = sight.config.agents['cluster-orchestrator'].maintenance
        if (sinceMs < quiesce) return { go: 'wait', memory }
        return { go: 'next', memory: { ...memory, note: `${inflight} requests were still in flight` } }
      },
    },
    {
      name: 'hold',
      everyMs: 5_000,
      look(before, sight) {
        if (sight.wallMs >= before.startsAtMs + before.durationMs) return { go: 'next' }
        const { memory, abort } = judged(before, sight)
        return abort === undefined ? { go: 'wait', memory } : { go: 'aborted', because: abort }
      },
    },
    {
      name: 'restore',
      look(memory, sight, sinceMs) {
        const known = endpointsByName(sight.tables)
        const out = memory.targets.filter(target => {
          const found = known.get(target)
          return found !== undefined && !isRoutable(found.endpoint)
        })
        if (out.length === 0) return { go: 'next' }
        if (sinceMs < BACK_MS) return { go: 'wait' }
        return { go: 'failed', because: `${out.join(', ')} not picked again after ${BACK_MS} ms` }
      },
    },
  ],
  holds: ({ targets }, stage) => (HOLDING.includes(stage) ? targets : []),
  after: ({ note }): Figures => (note === '' ? {} : { note }),
}

const HOLDING: readonly string[] = ['drain', 'quiesce', 'hold']

/**
 * Looks whether going on puts the services at risk: more fail than the goal allows and than did before, or what is left is too little.
 * `abort`: why to break it off.
 */
function judged(before: Maintaining, sight: Sight): { readonly memory: Maintaining; readonly abort?: string } {
  const loss = lossRefusal(before.targets, sight)
  const heardMs = sight.metrics?.heardMs ?? null
  // The same figures say the same again.
  if (loss === undefined && heardMs === before.judgedMs) return { memory: before }
  const because = failing(before, sight) ?? loss
  const badLooks = because === undefined ? 0 : before.badLooks + 1
  const memory = { ...before, badLooks, judgedMs: heardMs }
  return because !== undefined && badLooks >= BAD_LOOKS ? { memory, abort: because } : { memory }
}

/** Of the last minute, of services that had enough requests for it. */
function errorsOf({ metrics }: Sight): Record<string, number> {
  return Object.fromEntries(
    (metrics?.figures.services ?? []).flatMap(({ service, last60s: { requests, errorShare } }) =>
      requests < REQUESTS_MIN ? [] : [[service, errorShare] as const],
    ),
  )
}

/**
 * Which service fails more than it may: of `n` requests more than `n p + 3 √(n p)`, where `p` is the share that the goal allows or, if that
 * is more, what failed before. Fewer are chance.
 */
function failing({ targets, errorsBefore }: Maintaining, { metrics, config }: Sight): string | undefined {
  const allowed = 1 - goalsOf(config).availability
  const hurt = metrics?.figures.services.find(({ service, last10s: { requests, errorShare } }) => {
    const usual = requests * Math.max(allowed, errorsBefore[service] ?? 0)
    const isMore = requests * errorShare > usual + DEVIATIONS * Math.sqrt(usual)
    return requests >= REQUESTS_MIN && isMore && targets.some(target => target.startsWith(`${service}/`))
  })
  return hurt && `${Math.round(hurt.last10s.errorShare * 1000) / 10} % of the requests to ${hurt.service} fail`
}
