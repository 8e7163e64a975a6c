import { SignalboxError } from '../../../engine/writer.ts'
import type { SupervisionOptions } from './placement.ts'
import type { RosterEntry } from './roster-entry.ts'

const GROUP = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/**
 * Throws SBX_AGENT_INVALID when two entries share a name, a module is not a URL, a group is not named as it must be, or a
 * parent is not one of the agents before.
 */
export function checkRoster(roster: readonly RosterEntry[]): void {
  const names = new Set<string>()
  for (const { name, module, parent, onParentDeath } of roster) {
    if (names.has(name)) throw invalid(`two agents are called ${JSON.stringify(name)}, give each a name of its own`)
    if (!URL.canParse(module)) {
      throw invalid(
        `${JSON.stringify(module)} of ${name} is not a URL, use new URL('./agent.js', import.meta.url).href`,
      )
    }
    if (parent !== undefined && !names.has(parent)) {
      throw invalid(`${name} belongs to ${JSON.stringify(parent)}, which is not before it, name an agent that is`)
    }
    if (parent === undefined && onParentDeath !== undefined) {
      throw invalid(`${name} has onParentDeath and no parent, name the agent it belongs to`)
    }
    names.add(name)
  }
  for (const { name, group } of roster) {
    if (group === undefined || group === name) continue
    if (!GROUP.test(group)) {
      throw invalid(`the group ${JSON.stringify(group)} of ${name} is not lower-case words joined by "-", name it so`)
    }
    if (names.has(group))
      throw invalid(`the group ${group} of ${name} is called as another agent, give it another name`)
  }
}

/** Throws SBX_AGENT_INVALID when an option is out of its range, or would do nothing. */
export function checkSupervision(options: SupervisionOptions): void {
  const { strategy = 'one-for-one', restarts = 0, withinMs = 1, backOffMsMax = 1, onGiveUp = 'freeze' } = options
  if (!Number.isInteger(restarts) || restarts < 0) throw invalidOption(`restarts is ${restarts}, write a whole number`)
  for (const [name, ms] of Object.entries({ withinMs, backOffMsMax })) {
    if (!(ms > 0 && ms < 2 ** 31)) throw invalidOption(`${name} is ${ms}, write milliseconds above 0`)
  }
  if (onGiveUp === 'escalate' && strategy !== 'one-for-one') {
    throw invalidOption(`onGiveUp is escalate, and under ${strategy} there is nothing to escalate to, leave it out`)
  }
}

function invalid(state: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot use roster: ${state}`)
}

function invalidOption(state: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot supervise: ${state}`)
}
