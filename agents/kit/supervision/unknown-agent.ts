import { SignalboxError } from '../../../engine/writer.ts'

/** What whoever names an agent that is not there is told; `wish` is what was to be done with it. */
export function unknownAgent(wish: string, name: string, names: readonly string[]): SignalboxError {
  const state = names.length === 0 ? 'none does' : `use one of ${names.join(', ')}`
  return new SignalboxError(
    'SBX_AGENT_UNKNOWN',
    `Cannot ${wish} agent ${JSON.stringify(name)}: it does not run here, ${state}`,
  )
}
