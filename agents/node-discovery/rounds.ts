import { elapsedMs } from '../../engine/writer.ts'
import { type Directive, reply } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type DiscoveredNode, type DiscoveryStrategy, discoveryDone } from '../signals.ts'

/** One look by all strategies at once, because it is time or because somebody asks. */
interface Round {
  readonly sinceMs: number
  /** Who asked; undefined: it was time. */
  readonly question: Signal | undefined
  /** What has not answered yet: `dns api dns:api.internal` is a strategy and a source of it. */
  readonly waiting: ReadonlyMap<string, DiscoveryStrategy>
  readonly failed: readonly { readonly strategy: DiscoveryStrategy; readonly reason: string }[]
}

export interface Rounds {
  /** The last one. */
  readonly round: number
  /** Under way, the oldest first. */
  readonly open: ReadonlyMap<number, Round>
}

/** Under way at a time: who asks while there are more hears of the next. */
const OPEN_MAX = 16
/** Reasons that one answer has. */
const FAILED_MAX = 64

export const NO_ROUNDS: Rounds = { round: 0, open: new Map() }

/** Begins a round that waits for these; undefined: there are too many under way. */
export function beginRound(
  before: Rounds,
  waiting: ReadonlyMap<string, DiscoveryStrategy>,
  question: Signal | undefined,
  sinceMs: number,
): Rounds | undefined {
  if (before.open.size >= OPEN_MAX) return undefined
  const round = before.round + 1
  return { round, open: new Map(before.open).set(round, { sinceMs, question, waiting, failed: [] }) }
}

/** One of those that a round waits for has answered, or failed for a reason. */
export function answeredIn(before: Rounds, round: number, who: string, reason = ''): Rounds {
  const open = before.open.get(round)
  const strategy = open?.waiting.get(who)
  if (open === undefined || strategy === undefined) return before
  const waiting = new Map(open.waiting)
  waiting.delete(who)
  const failed = reason === '' ? open.failed : [...open.failed, { strategy, reason }].slice(0, FAILED_MAX)
  return { ...before, open: new Map(before.open).set(round, { ...open, waiting, failed }) }
}

/** What a round came to, as whoever asked is told. */
export interface Found {
  readonly nodes: readonly DiscoveredNode[]
  readonly endpoints: number
}

/**
 * Ends a round whose last answer has come, or whose time is over (`isLate`): what has not answered by then has failed, and what the others
 * found stands. Whoever asked is told.
 */
export function endRound(
  before: Rounds,
  round: number,
  isLate: boolean,
  found: () => Found,
  now: number,
): readonly [Rounds, Directive[]] {
  const ended = before.open.get(round)
  if (ended === undefined || (ended.waiting.size > 0 && !isLate)) return [before, []]
  const open = new Map(before.open)
  open.delete(round)
  const rounds = { ...before, open }
  const { question, waiting, failed, sinceMs } = ended
  if (question === undefined) return [rounds, []]
  const tookMs = elapsedMs(now, sinceMs)
  const silent = [...new Set(waiting.values())].map(strategy => ({ strategy, reason: `no answer within ${tookMs} ms` }))
  const body = { ...found(), failed: [...failed, ...silent].slice(0, FAILED_MAX), tookMs }
  return [rounds, [reply(question, discoveryDone.of(body))]]
}
