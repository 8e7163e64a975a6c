import { elapsedMs } from '../../../engine/writer.ts'
import type { EndpointRef } from '../../signals.ts'
import { type Evidence, RESOURCES } from './evidence.ts'
import { type Expected, slowUs, type TroubleRule } from './trouble.ts'
import { timesUsual, usualP95Us } from './usual-latency.ts'

/** What was expected and has neither come nor failed to come yet. */
export interface Standing {
  readonly endpoint: EndpointRef
  /** As it was surest: that is what it is judged by. A claim that fails fades first, and little would be learned from what is left of it. */
  readonly expected: Expected
  /** What was not: such claims did not come of late, as calibrated. What comes of it is learned all the same, else it would stay so for ever. */
  readonly isTold: boolean
  /** By then it has come, or does not come. */
  readonly untilMs: number
  /** Seconds on end in which nothing spoke for it. */
  readonly quietS: number
}

/** Seconds on end without a word for it after which a prediction is withdrawn. */
const QUIET_S = 5
/** What is less likely than this part of what it takes to be told is no word for it. */
const STILL = 0.5
/** A prediction has this many times its time to come true, and so much more. */
const GRACE = 2
const GRACE_MS = 10_000

/** It is waited for from now on. */
export function standingOf(rule: TroubleRule, endpoint: EndpointRef, expected: Expected, now: number): Standing {
  const untilMs = (now + GRACE * (expected.etaMs ?? rule.horizon) + GRACE_MS) | 0
  return { endpoint, expected, isTold: isToBeTold(rule, expected), untilMs, quietS: 0 }
}

export function isToBeTold({ probability, horizon }: TroubleRule, { what, ...expected }: Expected): boolean {
  if (expected.probability < probability) return false
  return what !== 'failure' || (expected.etaMs ?? Number.POSITIVE_INFINITY) <= horizon
}

/** It is to be told, or would be were it not for what came of such claims. Of failures that is learned by the minute instead. */
export function isExpected(rule: TroubleRule, expected: Expected): boolean {
  return isToBeTold(rule, expected) || (expected.what !== 'failure' && expected.claimed >= rule.probability)
}

/** How it stands after so many seconds more, by what is expected now. */
export function stillStanding(
  rule: TroubleRule,
  known: Standing,
  expected: Expected | undefined,
  passedS: number,
): Standing {
  const likely = (known.isTold ? expected?.probability : expected?.claimed) ?? 0
  const quietS = likely >= STILL * rule.probability ? 0 : known.quietS + passedS
  const isSurer = expected !== undefined && expected.claimed > known.expected.claimed
  return { ...known, expected: isSurer ? expected : known.expected, quietS }
}

/** Whether a prediction has come to its end, and to which. */
export function endOf(rule: TroubleRule, evidence: Evidence, { expected, quietS, untilMs }: Standing, now: number) {
  const { what } = expected
  if (what === 'degradation') {
    const factor = slowUs(rule, evidence) / usualP95Us(evidence.latency)
    if (timesUsual(evidence.latency) >= factor) return 'came-true'
  }
  if (what === 'exhaustion' && RESOURCES.some(each => (evidence.usage[each].uses.at(-1)?.used ?? 0) >= 1))
    return 'came-true'
  return quietS >= QUIET_S || elapsedMs(now, untilMs) > 0 ? 'did-not-come' : undefined
}

/** Nobody reports any more what it is about: what came of it is not known. */
export function isSilent({ usage }: Evidence, { resource }: Expected): boolean {
  return resource !== undefined && usage[resource].uses.length < 2
}
