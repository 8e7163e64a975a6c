import type { Config } from '../../config/schema.ts'
import type { Attachment } from '../../router/attachment.ts'
import type { Log } from '../control.ts'
import { wallMs } from '../wall-clock.ts'
import { resumeTables } from './resume.ts'
import { type Generation, StateFolder } from './state-folder.ts'

const REFUSED = 'a snapshot of the tables is refused'
const NONE_LEFT = 'no snapshot is left to go on from: the tables are those of the config alone'

/** The snapshots in a folder that may be resumed, newest first. Says in the log which files are not taken, and why. */
export async function findGenerations(folder: string, log: Log): Promise<Generation[]> {
  const { generations, refusals } = await new StateFolder(folder).read()
  for (const { file, why } of refusals) log('error', REFUSED, { file, why })
  if (refusals.length > 0 && generations.length === 0) log('error', NONE_LEFT)
  return generations
}

/**
 * Fills tables from the newest snapshot that can be resumed, whole or not at all. Gives back how old it is, in ms; undefined: none
 * could be, and the tables are as empty as before.
 *
 * The age is that of the wall clock, which runs on while the machine is off. One that was set back meanwhile makes it 0: then who was
 * ejected returns so much later.
 */
export function resumeNewest(
  attachment: Attachment,
  config: Config,
  generations: readonly Generation[],
  hasAgents: boolean,
  log: Log,
): number | undefined {
  const { threads: _, supervision: __, ...knobs } = config.agents
  const knobOf = (name: string) => (knobs as Record<string, { enabled: boolean } | undefined>)[name]
  const owners = { hasAgent: (name: string): boolean => hasAgents && knobOf(name)?.enabled !== false }
  for (const { file, snapshot } of generations) {
    const agoMs = Math.max(0, wallMs() - snapshot.takenAtMs)
    try {
      attachment.writer.edit(edit => resumeTables(edit, attachment.region, config, snapshot, agoMs, owners))
      log('info', 'the tables go on from a snapshot', { file, agoMs })
      return agoMs
    } catch (error) {
      log('error', REFUSED, { file, why: (error as Error).message })
    }
  }
  if (generations.length > 0) log('error', NONE_LEFT)
  return undefined
}
