import type { Config } from '../engine/config/schema.ts'
import { runUnderParent } from '../engine/proxy/threads/parent.ts'
import { createLog } from './log.ts'

/** Runs `signalbox …args` as an engine under this process, which holds the listening sockets. Resolves with the exit code. */
export function runParent(config: Config, args: readonly string[]): Promise<number> {
  const { log, setLevel } = createLog(config)
  const listen = config.listen.map(({ address, port }) => ({ address, port }))
  return runUnderParent({ args: [process.argv[1], ...args], listen, log, onConfig: setLevel })
}
