import pino from 'pino'
import { agents } from '../agents/index.ts'
import { startAdmin } from '../engine/admin/admin.ts'
import { openBox } from '../engine/box/box.ts'
import type { Config } from '../engine/config/schema.ts'
import type { Log } from '../engine/index.ts'
import { startProxy } from '../engine/proxy/proxy.ts'
import { inheritedListeners, onParentGone } from '../engine/proxy/under-parent.ts'
import { packageVersion } from './version.ts'

/** How long in-flight requests have to finish once a drain was asked for, in ms: below the 30 s an orchestrator waits. */
const DRAIN_MS = 25_000

/**
 * Runs everything in this process: tables, agents, proxy threads, admin. Resolves with the exit code once SIGTERM or
 * SIGINT was followed and the drain is over. Reverse order of start: the proxy is drained first, the agents go last.
 */
export async function runEngine(config: Config): Promise<number> {
  const logger = pino({ level: config.log.level, base: undefined })
  const log: Log = (level, message, fields) => logger[level](fields ?? {}, message)
  const stop = new Promise<string>(resolve => whenAskedToStop(resolve))
  process.on('SIGHUP', () => log('warn', 'SIGHUP: reload is not available in this version, the running config stays'))

  const box = await openBox(config, { control: agents, log })
  let isRouting = false
  try {
    const proxy = await startProxy(box, {
      listeners: inheritedListeners(),
      onAccessLines: lines => void process.stdout.write(lines),
    })
    const admin = await startAdmin(box, {
      listen: config.admin.listen,
      token: config.admin.token,
      version: packageVersion(),
      isReady: () => isRouting,
      proxy: () => ({ threads: proxy.threads() }),
    })
    isRouting = true
    log('info', 'routing', {
      listen: proxy.addresses.map(({ address, port }) => `${address}:${port}`),
      admin: `${admin.address}:${admin.port}`,
      services: Object.keys(config.services),
      pid: process.pid,
    })
    const reason = await stop
    isRouting = false
    log('info', 'draining', { reason })
    await proxy.drain(DRAIN_MS)
    await admin.close()
    await proxy.close()
  } finally {
    await box.close()
  }
  log('info', 'ended')
  return 0
}

/** The first SIGTERM, SIGINT or loss of the parent asks for a drain; a second one ends the process at once. */
function whenAskedToStop(ask: (reason: string) => void): void {
  let asked = 0
  const onSignal = (reason: string): void => {
    if (++asked > 1) process.exit(1)
    ask(reason)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  onParentGone(() => onSignal('the parent process is gone'))
}
