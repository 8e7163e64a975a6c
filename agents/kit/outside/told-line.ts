import type { Log, LogLevel } from '../../../engine/writer.ts'
import type { Signal } from '../grammar/signal.ts'

/** The line of the log that a fact gets: `endpoint ejected: api/a`, with what it carries. */
export function logTold(log: Log, level: LogLevel, agent: string, { type, subject, data }: Signal): void {
  const what = type.split('.').slice(1).join(' ')
  log(level, subject === undefined ? what : `${what}: ${subject}`, { agent, ...(data as object) })
}
