import { SignalboxError } from '../../engine/writer.ts'
import type { RosterEntry } from './supervised.ts'

/** Throws SBX_AGENT_INVALID when two entries share a name, or a module is not a URL. */
export function checkRoster(roster: readonly RosterEntry[]): void {
  const names = new Set<string>()
  for (const { name, module } of roster) {
    if (names.has(name)) throw invalid(`two agents are called ${JSON.stringify(name)}, give each a name of its own`)
    names.add(name)
    if (!URL.canParse(module)) {
      throw invalid(
        `${JSON.stringify(module)} of ${name} is not a URL, use new URL('./agent.js', import.meta.url).href`,
      )
    }
  }
}

function invalid(state: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot use roster: ${state}`)
}
