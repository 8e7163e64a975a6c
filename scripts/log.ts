import pino from 'pino'
import type { Config } from '../engine/config/schema.ts'
import type { Log } from '../engine/index.ts'

/** The command line's log: JSON lines on standard output, from the level the config names. */
export function createLog({ log: { level } }: Config): { log: Log; setLevel(config: Config): void } {
  const logger = pino({ level, base: undefined })
  return {
    log: (level, message, fields) => logger[level](fields ?? {}, message),
    setLevel: config => {
      logger.level = config.log.level
    },
  }
}
