import { HELD } from '../../engine/writer.ts'
import type { Figures, Look, Procedure, Sight } from '../skills/operations/procedure.ts'
import { overlapping, readWindow, type Window } from './calendar.ts'
import { endpointsByName, isRoutable, lossRefusal } from './capacity.ts'
import { goalsOf, REQUESTS_MIN } from './goals.ts'
import { isFault } from './options.ts'

interface Maintaining extends Window {
  /** Looks in a row that saw the goal at risk. */
  readonly badLooks: number
  readonly note: string
}

/** How long the tables have to show that targets are out: they are held by then, or the rules of publication refuse. */
const HELD_MS = 5_000
/** How long targets have to be picked again once nothing keeps them out; checks may say that they are not well. */
const BACK_MS = 30_000
/** One bad look may be the last second before things are better. */
const BAD_LOOKS = 2

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
      memory: { ...window, badLooks: 0, note: '' },
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
      look({ targets }, sight) {
        const because = lossRefusal(targets, sight)
        return because === undefined ? { go: 'next' } : { go: 'aborted', because }
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
      look(memory, sight, sinceMs) {
        const risk = atRisk(memory, sight)
        if (risk !== undefined) return risk
        const known = endpointsByName(sight.tables)
        const inflight = memory.targets.reduce((sum, target) => sum + (known.get(target)?.endpoint.inflight ?? 0), 0)
        if (inflight === 0) return { go: 'next', memory: { ...memory, note: 'nothing was in flight any more' } }
        const { quiesce } = sight.config.agents['cluster-orchestrator'].maintenance
        if (sinceMs < quiesce) return { go: 'wait' }
        return { go: 'next', memory: { ...memory, note: `${inflight} requests were still in flight` } }
      },
    },
    {
      name: 'hold',
      everyMs: 5_000,
      look(memory, sight) {
        const isOver = sight.wallMs >= memory.startsAtMs + memory.durationMs
        return isOver ? { go: 'next' } : (atRisk(memory, sight) ?? { go: 'wait', memory: { ...memory, badLooks: 0 } })
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

/** Whether going on puts the services at risk: more fail than the goal allows, or what is left is too little. */
function atRisk(memory: Maintaining, sight: Sight): Look<Maintaining> | undefined {
  const because = failing(memory, sight) ?? lossRefusal(memory.targets, sight)
  if (because === undefined) return undefined
  const badLooks = memory.badLooks + 1
  if (badLooks < BAD_LOOKS) return { go: 'wait', memory: { ...memory, badLooks } }
  return { go: 'aborted', because }
}

function failing({ targets }: Maintaining, { metrics, config }: Sight): string | undefined {
  const allowed = 1 - goalsOf(config).availability
  const hurt = metrics?.figures.services.find(
    ({ service, last10s }) =>
      last10s.requests >= REQUESTS_MIN &&
      last10s.errorShare > allowed &&
      targets.some(target => target.startsWith(`${service}/`)),
  )
  return hurt && `${Math.round(hurt.last10s.errorShare * 1000) / 10} % of the requests to ${hurt.service} fail`
}
