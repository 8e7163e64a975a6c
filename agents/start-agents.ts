import type { ControlLink, Log, RunningControl } from '../engine/writer.ts'
import { SequencerWait } from './bridge/sequencer-wait.ts'
import type { AgentsOptions } from './index.ts'
import { KINDS } from './kinds.ts'
import { enabledOf } from './kit/supervision/placement.ts'
import type { RosterEntry } from './kit/supervision/roster-entry.ts'
import type { SequencerLender } from './kit/supervision/supervised.ts'
import { Supervisor } from './kit/supervision/supervisor.ts'

/** What createAgents does when a box starts it: a supervisor for those of the roster that are enabled, and what they agree through. */
export async function startAgents(
  roster: readonly RosterEntry[],
  { roster: _, threads, profile, storeFile, ...supervision }: AgentsOptions,
  link: ControlLink,
): Promise<RunningControl> {
  const { threads: written, supervision: named, ...knobs } = link.config.agents
  const isEnabled = (name: string): boolean =>
    (knobs as Record<string, { enabled: boolean } | undefined>)[name]?.enabled !== false
  const supervisor = new Supervisor(enabledOf(roster, isEnabled), link, {
    ...supervision,
    threads: threads ?? written,
    profile: profile ?? named,
    kinds: KINDS,
    sequencer: lenderOf(storeFile, link.log),
  })
  await supervisor.start()
  return supervisor
}

/** The agents start beside it, and run without it as well: unregistered, and deciding nothing together. */
function lenderOf(file: string | undefined, log: Log): SequencerLender {
  return new SequencerWait(file, {
    onRefused: ({ message }) =>
      log('error', 'agents have nothing to agree through: they run unregistered', { error: message }),
    onStarted: () => log('info', 'agents have something to agree through now'),
  })
}
