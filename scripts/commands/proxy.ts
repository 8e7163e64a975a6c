import { parseArgs } from 'node:util'
import { loadConfig } from '../../engine/config/load.ts'
import { SignalboxError } from '../../engine/index.ts'
import { askParentForConfig, inheritedListeners } from '../../engine/proxy/threads/under-parent.ts'
import { runEngine } from '../engine-process.ts'
import { runParent } from '../parent-process.ts'
import type { Command } from './command.ts'

export const proxy: Command = {
  name: 'proxy',
  usage: '--config FILE [--watch]',
  summary: 'runs the reverse proxy with its agents',
  details: `
  --config FILE   the config, YAML or JSON; "signalbox check FILE" says what is wrong with one
  --watch         reads it anew whenever its content has changed

SIGTERM and SIGINT drain (drain.delay, drain.timeout): what is in flight finishes, then it exits 0; a
second one exits at once. SIGHUP reads the config anew: a bad one is refused whole, the running one
stays, and the log says why.
With more than one worker a small parent process holds the listening sockets and brings the engine
back should it ever die. Logs are JSON lines on standard output.
`,
  async run(args) {
    const { values } = parseArgs({ args, options: { config: { type: 'string' }, watch: { type: 'boolean' } } })
    const file = values.config ?? process.env.SIGNALBOX_CONFIG
    if (file === undefined) {
      process.stderr.write('signalbox proxy: no config named, say signalbox proxy --config FILE\n')
      return 2
    }
    try {
      const isWatching = values.watch === true
      // An engine that died is started again with the config it ran with, though the file be broken by now.
      const before = inheritedListeners() === undefined ? undefined : await askParentForConfig()
      const config = before ?? (await loadConfig(file))
      if (config.workers === 1 || inheritedListeners() !== undefined)
        return await runEngine(config, { file, isWatching })
      return await runParent(config, ['proxy', '--config', file, ...(isWatching ? ['--watch'] : [])])
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      process.stderr.write(`${error.message}\n`)
      return error.code.startsWith('SBX_CONFIG_') ? 2 : 1
    }
  },
}
