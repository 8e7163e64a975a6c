import { parseArgs } from 'node:util'
import { loadConfig } from '../../engine/config/load.ts'
import type { Config } from '../../engine/config/schema.ts'
import { SignalboxError } from '../../engine/index.ts'
import { askParent, inheritedListeners } from '../../engine/proxy/threads/under-parent.ts'
import { warmThread } from '../../engine/proxy/threads/warm-thread.ts'
import { runEngine } from '../engine-process.ts'
import { runParent, runParentWithState } from '../parent-process.ts'
import type { Command } from './command.ts'

export const proxy: Command = {
  name: 'proxy',
  usage: '--config FILE [--watch] [--supervised] [--state DIR]',
  summary: 'runs the reverse proxy with its agents',
  details: `
  --config FILE   the config, YAML or JSON; "signalbox check FILE" says what is wrong with one
  --watch         reads it anew whenever its content has changed
  --supervised    brings the engine back when it dies, with the tables as they were: live changes, bars,
                  weights, sessions and what the agents learned
  --state DIR     keeps the tables in this folder of its own, also from one run to the next; with
                  --supervised alone they are in a temporary folder and end with the process

SIGTERM and SIGINT drain (drain.delay, drain.timeout): what is in flight finishes, then it exits 0; a
second one exits at once. SIGHUP reads the config anew: a bad one is refused whole, the running one
stays, and the log says why.
With --supervised, or with more than one worker, a small parent process holds the listening sockets and
brings the engine back should it ever die: at once, then after up to 5 s, for as long as it takes. Who
connects meanwhile waits. A config that is wrong, or an engine that has never come up, ends it with the
engine's exit code. Logs are JSON lines on standard output.
`,
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string' },
        watch: { type: 'boolean' },
        supervised: { type: 'boolean' },
        state: { type: 'string' },
      },
    })
    const file = values.config ?? process.env.SIGNALBOX_CONFIG
    if (file === undefined) {
      process.stderr.write('signalbox proxy: no config named, say signalbox proxy --config FILE\n')
      return 2
    }
    const { watch: isWatching = false, supervised: isSupervised = false, state } = values
    try {
      if (inheritedListeners() !== undefined) return await runUnder({ file, isWatching, state })
      const config = await loadConfig(file)
      if (config.workers === 1 && !isSupervised) return await runEngine(config, { file, isWatching, state })
      const named = state === undefined ? [] : ['--state', state]
      const engine = ['proxy', '--config', file, ...(isWatching ? ['--watch'] : []), ...named]
      const hasOwnState = isSupervised && state === undefined
      return await (hasOwnState ? runParentWithState(config, engine) : runParent(config, engine, isSupervised))
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      process.stderr.write(`${error.message}\n`)
      return error.code.startsWith('SBX_CONFIG_') ? 2 : 1
    }
  },
}

/** The engine of a parent process. One that died is followed by another with the config it ran with, though the file be broken by now. */
async function runUnder(source: { file: string; isWatching: boolean; state: string | undefined }): Promise<number> {
  warmThread()
  const ancestry = await askParent()
  if (ancestry === undefined) return 1
  const { config, failedStarts } = ancestry
  const isRestart = config !== undefined
  const inForce: Config = config ?? (await loadConfig(source.file))
  return runEngine(inForce, { ...source, isRestart, isStateDoubtful: failedStarts >= DOUBTFUL_STARTS })
}

/** So many starts in a row that end before anything is routed speak against what they begin from. */
const DOUBTFUL_STARTS = 2
