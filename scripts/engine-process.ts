import { agents } from '../agents/index.ts'
import { type Admin, startAdmin } from '../engine/admin/admin.ts'
import { openBox } from '../engine/box/box.ts'
import { printListenAddress } from '../engine/config/address.ts'
import type { Config } from '../engine/config/schema.ts'
import { type RunningProxy, startProxy } from '../engine/proxy/proxy.ts'
import { inheritedListeners, onParentGone } from '../engine/proxy/under-parent.ts'
import { createLog } from './log.ts'
import { packageVersion } from './version.ts'

/** How long in-flight requests have to finish once a drain was asked for, in ms: below the 30 s an orchestrator waits. */
const DRAIN_MS = 25_000

/**
 * Runs everything in this process: tables, agents, proxy threads, admin. Resolves with the exit code once SIGTERM or
 * SIGINT was followed and the drain is over. Reverse order of start: the proxy is drained first, the agents go last.
 */
export async function runEngine(config: Config): Promise<number> {
  const log = createLog(config)
  const stop = new Promise<string>(resolve => whenAskedToStop(resolve))
  process.on('SIGHUP', () => log('warn', 'SIGHUP: reload is not available in this version, the running config stays'))

  const box = await openBox(config, { control: agents, log })
  let proxy: RunningProxy | undefined
  let admin: Admin | undefined
  let isRouting = false
  try {
    const started = await startProxy(box, { listeners: inheritedListeners(), onAccessLines: writeOut })
    proxy = started
    admin = await startAdmin(box, {
      listen: config.admin.listen,
      token: config.admin.token,
      version: packageVersion(),
      isReady: () => isRouting,
      proxy: () => ({ threads: started.threads() }),
      requests: () => started.requests(),
    })
    isRouting = true
    log('info', 'routing', {
      listen: proxy.addresses.map(printListenAddress),
      admin: printListenAddress(admin),
      services: Object.keys(config.services),
      pid: process.pid,
    })
    const reason = await stop
    isRouting = false
    log('info', 'draining', { reason })
    await proxy.drain(DRAIN_MS)
  } finally {
    await admin?.close()
    await proxy?.close()
    await box.close()
  }
  log('info', 'ended')
  return 0
}

/** Resolves once the system has taken the text: a reader that stalls is told so, and lines are then dropped and counted. */
function writeOut(text: string): Promise<void> {
  return new Promise(resolve => process.stdout.write(text, () => resolve()))
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
