import { FACTOR_OFF, heeded, LIMIT_OFF, switchedOff } from '../memory/agent-switches.ts'
import { ALL_BARS, DEGRADED, FIRM_BARS, LEAVING, TIER_BITS, TRIAL_BARS, TRIPPED } from '../memory/bars.ts'
import { stricterLimit } from '../memory/candidates.ts'
import { elapsedMs, readClock } from '../memory/clock.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { ignoredOfTrial } from '../memory/trial.ts'
import type { Attachment } from './attachment.ts'
import type { PriorityReport } from './report.ts'

/** What decides about an endpoint at this moment, gathered for a report: as Tiers.aim, Candidates.pull and the router decide. */
export interface Standing {
  row: number
  /** The bars that count. */
  bars: number
  /** The bars that do not: their agent is switched off. */
  ignored: number
  /** It is about to be taken out, and is picked until then. */
  isLeaving: boolean
  weight: number
  factor: number
  priority: number
  inflight: number
  /** Requests in flight it may have; 0: no limit. */
  limit: number
  /** Milliseconds until its open breaker lets a probe through; 0 when it is closed or due. */
  breakerOpenForMs: number
  /** The service is to fail in panic. */
  failsOnPanic: boolean
  /** Its priority's share of the requests, and whether health is ignored there; undefined where no endpoint has weight. */
  level: PriorityReport | undefined
  /** It gets requests although its turn has not come: nothing that comes before it is open. */
  isElsewhere: boolean
}

/** The standings of a service's rows, together: whether one is open decides about those that come after it. */
export function standingsOf(
  attachment: Attachment,
  rows: readonly number[],
  text: ServiceText,
  priorities: readonly PriorityReport[],
): Standing[] {
  const standings = rows.map(row => gather(attachment, row, text, priorities))
  const mustFail = text.failOnPanic === true && priorities.some(({ hasPanic }) => hasPanic)
  if (!mustFail && !standings.some(each => hasRoom(each) && hasTurn(each))) {
    for (const standing of elsewhere(standings, text.panicThreshold)) standing.isElsewhere = true
  }
  return standings
}

/**
 * Whether picks may take any of a service's rows now. It looks until it finds one whose turn it is; all are gone over together only
 * where there is none.
 */
export function isAnyPicked(
  attachment: Attachment,
  rows: readonly number[],
  text: ServiceText,
  priorities: readonly PriorityReport[],
): boolean {
  return (
    rows.some(row => isPicked(gather(attachment, row, text, priorities))) ||
    standingsOf(attachment, rows, text, priorities).some(isPicked)
  )
}

export function isFull({ limit, inflight }: Standing): boolean {
  return limit > 0 && inflight >= limit
}

/** Whether picks may take it now. */
export function isPicked(standing: Standing): boolean {
  return hasRoom(standing) && (standing.isElsewhere || hasTurn(standing) || isProbed(standing))
}

/** Whether a request is let through to it to see whether it works again, one at a time. */
export function isProbed({ bars, breakerOpenForMs }: Standing): boolean {
  return (bars & ALL_BARS) === TRIPPED && breakerOpenForMs === 0
}

function gather(
  { endpoints, tally, region, seat, pinned }: Attachment,
  row: number,
  text: ServiceText,
  priorities: readonly PriorityReport[],
): Standing {
  const off = switchedOff(region)
  const all = endpoints.bars(row)
  const bars = heeded(all, off | ignoredOfTrial(region, seat, pinned))
  const learned = (off & LIMIT_OFF) === 0 ? endpoints.adaptiveLimit(row) : 0
  const priority = endpoints.priority(row)
  const openForMs = elapsedMs(endpoints.breakerUntilMs(row), readClock(region))
  return {
    row,
    bars,
    ignored: all & ~bars & ~TRIAL_BARS,
    isLeaving: (all & ~bars & LEAVING) !== 0,
    weight: endpoints.weight(row),
    factor: (off & FACTOR_OFF) === 0 ? endpoints.factor(row) : 1,
    priority,
    inflight: tally.inflight(row),
    limit: stricterLimit(text.limits?.endpointRequests ?? 0, learned),
    breakerOpenForMs: (bars & TRIPPED) === 0 ? 0 : Math.max(0, openForMs),
    failsOnPanic: text.failOnPanic === true,
    level: priorities.find(each => each.priority === priority),
    isElsewhere: false,
  }
}

function hasRoom(standing: Standing): boolean {
  return standing.weight * standing.factor > 0 && !isFull(standing)
}

const isHealthy = ({ bars }: Standing): boolean => (bars & TIER_BITS) === 0
const isDegraded = ({ bars }: Standing): boolean => (bars & TIER_BITS) === DEGRADED
const isAdmitted = ({ bars }: Standing): boolean => (bars & FIRM_BARS) === 0

/** Whether its tier has a share of the requests. */
function hasTurn(standing: Standing): boolean {
  const { level, failsOnPanic } = standing
  if (level === undefined) return false
  if (level.hasPanic) return !failsOnPanic && level.healthyLoad > 0 && isAdmitted(standing)
  if (isHealthy(standing)) return level.healthyLoad > 0
  return isDegraded(standing) && level.degradedLoad > 0
}

/** Where picks go when the tiers whose turn it is have nothing: the healthy of the first priority, then degraded, then any. */
function elsewhere(standings: readonly Standing[], panicThreshold: number): Standing[] {
  for (const isOfTier of [isHealthy, isDegraded]) {
    const found = firstPriority(standings.filter(each => isOfTier(each) && hasRoom(each)))
    if (found.length > 0) return found
  }
  // For want of room nobody goes to endpoints that are doubtful.
  const isForRoom = standings.some(each => (isHealthy(each) || isDegraded(each)) && isFull(each))
  if (panicThreshold === 0 || isForRoom) return []
  return firstPriority(standings.filter(each => isAdmitted(each) && hasRoom(each)))
}

function firstPriority(standings: readonly Standing[]): Standing[] {
  const first = Math.min(...standings.map(({ priority }) => priority))
  return standings.filter(({ priority }) => priority === first)
}
