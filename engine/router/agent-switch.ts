import { isSwitchedOn, switchAgent } from '../memory/agent-switches.ts'
import type { Attachment } from './attachment.ts'

/** What a switch is worked with: a box's attachment, or an agent's. */
export type SwitchPlace = Pick<Attachment, 'region' | 'endpoints' | 'services' | 'serviceTexts'>

/**
 * Has nothing that this agent wrote count any more, from the next pick of every thread on: routing is as if it had never said
 * anything, whether it runs, hangs or has gone mad. It is not stopped, and its words are kept.
 *
 * Throws SBX_AGENT_UNKNOWN for a name that has no switch, see memory/agent-switches.ts.
 */
export function disableAgent(place: SwitchPlace, name: string): void {
  turn(place, name, false)
}

/** Has what the agent wrote, and writes, count again. Throws SBX_AGENT_UNKNOWN. */
export function enableAgent(place: SwitchPlace, name: string): void {
  turn(place, name, true)
}

/** Whether what the agent wrote counts; of one that has no switch it does. */
export function isAgentEnabled({ region }: Pick<SwitchPlace, 'region'>, name: string): boolean {
  return isSwitchedOn(region, name)
}

function turn(place: SwitchPlace, name: string, on: boolean): void {
  switchAgent(place.region, name, on)
  // The largest pull is one of other words now: too small, it would make unequal weights equal.
  for (const [index, { rows }] of place.serviceTexts().entries()) {
    place.services.refreshPullMax(index, rows, place.endpoints)
  }
}
