import { SignalboxError } from '../errors.ts'
import { atomics } from './atomics.ts'
import { DEGRADED, EJECTED, HELD, ISOLATED, TIER_BITS, UNHEALTHY } from './bars.ts'
import { FACTOR_PLAIN_Q12, FACTOR_Q12, SWITCHED_OFF_AT } from './layout.ts'
import type { Region } from './region.ts'
import { ADMISSION_OFF, touchService } from './service-table.ts'

/**
 * The kill switch of each agent: bits of one word, SWITCHED_OFF. While the bits of an agent are set, what it wrote does not
 * count, as if it had said nothing; it may go on writing, and counts again when it is switched on.
 *
 *   SWITCHED_OFF   bit 0…9: bars that are not looked at (the bits of bars.ts) · bit 16…21: words that are not
 *
 *   agent              what does not count
 *   health-monitor     UNHEALTHY, DEGRADED, ISOLATED
 *   failure-detector   EJECTED
 *   load-balancer      FACTOR · LIMIT_ADAPTIVE · POLICY
 *   predictor          FORECAST, and with it TRUST
 *   resource-manager   UTILISATION · SHED_BY_AGENT and ADMITTED
 *   control-plane      HELD: whom the cluster orchestrator, or a control plane of your own, keeps out
 *
 * A pick does not look here. Threads look when a fact has changed (Tiers), and a switch is one; from that follows which bits
 * the pick tests, and at which word of a row it finds the factor: that of the agent, or one beside it that is always 1.
 */
export const FACTOR_OFF = 1 << 16
export const LIMIT_OFF = 1 << 17
export const FORECAST_OFF = 1 << 18
export const UTILISATION_OFF = 1 << 19
export const POLICY_OFF = 1 << 20

const WORDS_OF = {
  'health-monitor': UNHEALTHY | DEGRADED | ISOLATED,
  'failure-detector': EJECTED,
  'load-balancer': FACTOR_OFF | LIMIT_OFF | POLICY_OFF,
  predictor: FORECAST_OFF,
  'resource-manager': UTILISATION_OFF | ADMISSION_OFF,
  'control-plane': HELD,
} as const

/** Agents that have a switch. */
export type SwitchName = keyof typeof WORDS_OF
export const SWITCH_NAMES = Object.keys(WORDS_OF) as readonly SwitchName[]

export function isSwitchName(name: string): name is SwitchName {
  return Object.hasOwn(WORDS_OF, name)
}

/**
 * Has what an agent wrote count no longer, or again, from the next pick of every thread on. The agent itself is not stopped.
 * Throws SBX_AGENT_UNKNOWN for a name that has no switch.
 *
 * writes    SWITCHED_OFF, then REVISION of every service
 * ordering  SeqCst or/and: one store, so that of an agent either all counts or nothing; then SeqCst adds
 * progress  wait-free
 * pairs     Tiers.derive and Router.pick, as EndpointTable.setBar does; freeSeat tells for who dies in between
 */
export function switchAgent(region: Region, name: string, on: boolean): void {
  const { words, layout } = region
  const bits = wordsOf(name)
  if (on) atomics.and(words, SWITCHED_OFF_AT, ~bits)
  else atomics.or(words, SWITCHED_OFF_AT, bits)
  for (let service = 0; service < layout.services; service++) touchService(region, service)
}

/** Whether what an agent wrote counts. Of an agent that has no switch it does. */
export function isSwitchedOn(region: Region, name: string): boolean {
  return !isSwitchName(name) || (switchedOff(region) & WORDS_OF[name]) === 0
}

/**
 * What does not count now.
 *
 * ordering  SeqCst load, after the revision that told of it
 * pairs     switchAgent
 */
export function switchedOff({ words }: Region): number {
  return atomics.load(words, SWITCHED_OFF_AT)
}

/** The bits of `bars` that count. */
export function heeded(bars: number, off: number): number {
  return bars & ~(off & TIER_BITS)
}

/** Where in a row the factor is that counts. */
export function factorWord(off: number): number {
  return (off & FACTOR_OFF) === 0 ? FACTOR_Q12 : FACTOR_PLAIN_Q12
}

function wordsOf(name: string): number {
  if (isSwitchName(name)) return WORDS_OF[name]
  throw new SignalboxError(
    'SBX_AGENT_UNKNOWN',
    `Cannot switch agent ${JSON.stringify(name)}: there is no switch for it, use one of ${SWITCH_NAMES.join(', ')}`,
  )
}
