import { resolve } from 'node:path'
import { agents } from '../agents/index.ts'
// What `agents` loads at its start: an engine that stands by has it loaded before.
import '../agents/start-agents.ts'
import { type Admin, startAdmin } from '../engine/admin/admin.ts'
import { type Box, openTables } from '../engine/box/box.ts'
import { roomToGrow } from '../engine/box/room.ts'
import { printListenAddress } from '../engine/config/address.ts'
import { isSame } from '../engine/config/changes.ts'
import type { Config } from '../engine/config/schema.ts'
import { type RunningProxy, startProxy } from '../engine/proxy/proxy.ts'
import { inheritedListeners, onParentGone, tellParentConfig } from '../engine/proxy/threads/under-parent.ts'
import { createLog } from './log.ts'
import { Reloader } from './reloader.ts'
import { packageVersion } from './version.ts'
import { watchFile } from './watch-file.ts'

export interface EngineOptions {
  /** Where the config is from, for when it is to be read anew. */
  readonly file: string
  /** Whether it is read anew whenever it has changed. */
  readonly isWatching: boolean
  /** The folder where the tables are kept; undefined: nowhere. */
  readonly state?: string | undefined
  /** Whether an engine before this one died. */
  readonly isRestart?: boolean
  /** Whether engines before this one may have died of what is in that folder: it is left alone at the start, and written anew. */
  readonly isStateDoubtful?: boolean
}

/**
 * Runs everything in this process: tables, agents, proxy threads, admin. Resolves with the exit code once SIGTERM or
 * SIGINT was followed and the drain is over. Reverse order of start: the proxy is drained first, the agents go last.
 */
export async function runEngine(config: Config, options: EngineOptions): Promise<number> {
  const { file, isWatching, state, isRestart = false, isStateDoubtful = false } = options
  const { log, setLevel } = createLog(config)
  const stop = new Promise<string>(resolve => whenAskedToStop(resolve))
  let reload = (because: string): void => {
    isReloadDue = because
  }
  // A file that changed while no engine was there to see it.
  let isReloadDue: string | undefined = isRestart && isWatching ? 'the engine died' : undefined
  process.on('SIGHUP', () => reload('SIGHUP'))
  const endWatch = isWatching ? await watchFile(file, () => reload('the file has changed')) : undefined

  if (isStateDoubtful && state !== undefined)
    log('error', 'engines died before they routed: the tables begin from the config alone', { state })
  const kept = state === undefined ? {} : { state }
  const opened = { control: agents, log, capacity: roomToGrow(config), ...kept }
  const box = await openTables(config, opened, isStateDoubtful)
  const reloader = new Reloader(box, file, log)
  let proxy: RunningProxy | undefined
  let admin: Admin | undefined
  let isRouting = false
  try {
    // Tables that go on from a snapshot say already who is out: requests wait for agents only where they do not.
    if (!box.isResumed) await box.startControl()
    const started = await startProxy(box, { listeners: inheritedListeners(), onAccessLines: writeOut })
    proxy = started
    if (box.isResumed) await box.startControl()
    admin = await startAdmin(box, {
      listen: config.admin.listen,
      token: config.admin.token,
      version: packageVersion(),
      isReady: () => isRouting,
      proxy: () => ({ threads: started.threads() }),
      reload: () => reloader.reload('asked for by the admin listener'),
      configFile: resolve(file),
      requests: () => started.requests(),
    })
    followConfig(box, admin, setLevel)
    tellParentConfig(config)
    isRouting = true
    reload = because => reloader.reloadQuietly(because)
    if (isReloadDue !== undefined) reload(isReloadDue)
    log('info', 'routing', {
      listen: proxy.addresses.map(printListenAddress),
      admin: printListenAddress(admin),
      services: Object.keys(config.services),
      pid: process.pid,
    })
    const reason = await stop
    isRouting = false
    const { delay, timeout } = box.config.drain
    log('info', 'draining', { reason, delayMs: delay, timeoutMs: timeout })
    await proxy.drain(timeout, delay)
  } finally {
    endWatch?.()
    await admin?.close()
    await proxy?.close()
    await box.close()
  }
  log('info', 'ended')
  return 0
}

/** What of a config is neither of the tables nor of the proxy. */
function followConfig(box: Box, admin: Admin, setLevel: (config: Config) => void): void {
  box.follow({
    objections: (now, next) =>
      isSame(now.admin.listen, next.admin.listen)
        ? []
        : [{ path: ['admin', 'listen'], message: 'the admin listener keeps its address while it runs; restart it' }],
    adopt(next) {
      admin.setToken(next.admin.token)
      setLevel(next)
      tellParentConfig(next)
    },
  })
}

/** Resolves once the system has taken the text: a reader that stalls is told so, and lines are then dropped and counted. */
function writeOut(lines: Uint8Array): Promise<void> {
  return new Promise(resolve => process.stdout.write(lines, () => resolve()))
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
