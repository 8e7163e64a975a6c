import { parseArgs } from 'node:util'
import { loadConfig } from '../../engine/config/load.ts'
import { SignalboxError } from '../../engine/index.ts'
import { inheritedListeners } from '../../engine/proxy/under-parent.ts'
import { runEngine } from '../engine-process.ts'
import { runParent } from '../parent-process.ts'
import type { Command } from './command.ts'

export const proxy: Command = {
  name: 'proxy',
  usage: '--config FILE',
  summary: 'runs the reverse proxy with its agents',
  details: `
  --config FILE   the config, YAML or JSON; "signalbox check FILE" says what is wrong with one

SIGTERM and SIGINT drain: what is in flight finishes, then it exits 0; a second one exits at once.
With more than one worker a small parent process holds the listening sockets and brings the engine
back should it ever die. Logs are JSON lines on standard output.
`,
  async run(args) {
    const { values } = parseArgs({ args, options: { config: { type: 'string' } } })
    const file = values.config ?? process.env.SIGNALBOX_CONFIG
    if (file === undefined) {
      process.stderr.write('signalbox proxy: no config named, say signalbox proxy --config FILE\n')
      return 2
    }
    try {
      const config = await loadConfig(file)
      if (config.workers === 1 || inheritedListeners() !== undefined) return await runEngine(config)
      return await runParent(config, ['proxy', '--config', file])
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      process.stderr.write(`${error.message}\n`)
      return error.code.startsWith('SBX_CONFIG_') ? 2 : 1
    }
  },
}
