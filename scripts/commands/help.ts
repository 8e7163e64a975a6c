import type { Command } from './command.ts'

/** What `--help` prints. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, usage }) => `${name} ${usage}`.length))
  const lines = commands.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(width)}   ${summary}`)
  return [
    'signalbox: a routing engine for Node.js',
    '',
    'Usage: signalbox COMMAND [options]',
    '',
    ...lines,
    '',
    '  --version, --help, help COMMAND',
    '',
    'Exit codes: 0 all went well, 1 something failed, 2 what was asked cannot be done as written.',
    '',
  ].join('\n')
}

/** What `help COMMAND` prints. */
export function usageOf({ name, usage, summary, details }: Command): string {
  return `Usage: signalbox ${name} ${usage}\n\n${summary[0].toUpperCase()}${summary.slice(1)}.\n\n${details.trim()}\n`
}
