import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SequencerKeeper } from '../../../agents/bridge/sequencer-keeper.ts'

/** A sequencer for the length of a test; with a file it goes on where it ended. */
export async function startSequencer(t: TestContext, file?: string): Promise<SequencerKeeper> {
  const keeper = await SequencerKeeper.start(file)
  t.after(() => keeper.close())
  return keeper
}

/** Where a sequencer keeps its changes, for the length of a test. */
export function logFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'sequencer.log')
}
