#!/usr/bin/env node
import { SignalboxError } from '../engine/index.ts'
import type { Command } from './commands/command.ts'
import { overview, usageOf } from './commands/help.ts'
import { packageVersion } from './version.ts'

/**
 * The command line, and the one place where engine and agents are put together. Exits 0 when all went well, 1 when
 * something failed, 2 when what was asked for cannot be done as written.
 *
 * A command is loaded when it is asked for: a proxy that is started again waits for nothing it does not need.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  proxy: async () => (await import('./commands/proxy.ts')).proxy,
  demo: async () => (await import('./commands/demo.ts')).demo,
  check: async () => (await import('./commands/check.ts')).check,
  bench: async () => (await import('./commands/bench.ts')).bench,
  simulate: async () => (await import('./commands/simulate.ts')).simulate,
}

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(overview(await all()))
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  if (name === 'help') {
    if (rest[0] === undefined) process.stdout.write(overview(await all()))
    else process.stdout.write(usageOf(await find(rest[0])))
    return 0
  }
  const command = await find(name)
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(usageOf(command))
    return 0
  }
  return command.run(rest)
}

function all(): Promise<Command[]> {
  return Promise.all(Object.values(COMMANDS).map(load => load()))
}

function find(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]!()
  throw new UsageError(`there is no command ${JSON.stringify(name)}; there are ${Object.keys(COMMANDS).join(', ')}`)
}

class UsageError extends Error {}

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
    const isConfig = error instanceof SignalboxError && error.code.startsWith('SBX_CONFIG_')
    const isKnown = isUsage || error instanceof SignalboxError
    process.stderr.write(
      `signalbox: ${isKnown ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
    )
    if (isUsage) process.stderr.write('Say "signalbox help" for what there is.\n')
    process.exitCode = isUsage || isConfig ? 2 : 1
  },
)
