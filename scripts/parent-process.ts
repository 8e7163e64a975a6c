import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../engine/config/schema.ts'
import { runUnderParent } from '../engine/proxy/threads/parent.ts'
import { createLog } from './log.ts'

/**
 * Runs `signalbox …args` as an engine under this process, which holds the listening sockets. Resolves with the exit code. With
 * `hasStandby` another engine waits for its turn.
 */
export function runParent(config: Config, args: readonly string[], hasStandby: boolean): Promise<number> {
  const { log, setLevel } = createLog(config)
  const listen = config.listen.map(({ address, port }) => ({ address, port }))
  return runUnderParent({ args: [process.argv[1], ...args], listen, hasStandby, log, onConfig: setLevel })
}

/** The same with a folder for the tables that lives as long as this process. Without one the engine goes on from the config alone. */
export async function runParentWithState(config: Config, args: readonly string[]): Promise<number> {
  let state: string | undefined
  try {
    state = await mkdtemp(join(tmpdir(), 'signalbox-state-'))
  } catch (error) {
    createLog(config).log(
      'error',
      'there is no folder for the tables: an engine that died goes on from the config alone',
      {
        error: (error as Error).message,
        wish: 'name one with --state DIR',
      },
    )
  }
  try {
    return await runParent(config, state === undefined ? args : [...args, '--state', state], true)
  } finally {
    if (state !== undefined) await rm(state, { recursive: true, force: true })
  }
}
