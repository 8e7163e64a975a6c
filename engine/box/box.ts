import { getEnvironmentData, setEnvironmentData, type Worker } from 'node:worker_threads'
import { validateConfig } from '../config/load.ts'
import type { Config, ConfigInput } from '../config/schema.ts'
import { SignalboxError } from '../errors.ts'
import { TICK_MS, tickClock } from '../memory/clock.ts'
import type { Capacity } from '../memory/layout.ts'
import { Ticker } from '../memory/loop-delay.ts'
import { REFUSAL_NAMES, type Refusal, refusals } from '../memory/refusals.ts'
import { createRegion, handleOf, type RegionHandle, randomDice } from '../memory/region.ts'
import { freeSeatOf, seatsOfThread } from '../memory/seats.ts'
import { disableAgent, enableAgent, isAgentEnabled } from '../router/agent-switch.ts'
import { type Attachment, attach } from '../router/attachment.ts'
import { reportService, reportServices, type ServiceReport } from '../router/report.ts'
import { Router, type RouterOptions } from '../router/router.ts'
import { Routers } from '../router/routers.ts'
import { fillTables } from './config-tables.ts'
import type { Control, Log, RunningControl } from './control.ts'
import { LiveService } from './live-service.ts'
import { RefusalAlarm } from './refusal-alarm.ts'
import { type ConfigStatus, type Follower, type ReloadReport, Reloads } from './reload.ts'
import { checkSessionRoom, roomFor } from './room.ts'
import { findGenerations, resumeNewest } from './snapshot/go-on.ts'
import { SnapshotKeeper, type SnapshotStatus } from './snapshot/snapshot-keeper.ts'
import { type Generation, StateFolder } from './snapshot/state-folder.ts'
import { TableKeeper } from './table-keeper.ts'
import { TrialKeeper } from './trial-keeper.ts'

export interface SignalboxOptions {
  /** The control plane: `agents` of 'signalbox/agents'. Without it weights are what you set, and no thread is started. */
  control?: Control
  /** Room for rows, services, threads; fixed once made. The default serves 1,024 endpoints and 32 threads. */
  capacity?: Partial<Capacity>
  /**
   * A folder of this box alone, where what is changed live and what is learned is kept, and from which it goes on: after a crash, or after
   * `close`. It is made where it is missing. What the config says otherwise than before wins, as in `reload`.
   */
  state?: string
  /** Closes the box when aborted. */
  signal?: AbortSignal
  /** Receives what would be worth a line in a log. By default nothing is written anywhere. */
  log?: Log
}

/** Where a box leaves its handle for threads started after it. */
export const ENVIRONMENT_KEY = 'signalbox'

/** In the order they were made: threads find the youngest that is open. */
const openBoxes: Box[] = []

const SILENT: Log = () => {}

/**
 * Lays out the shared memory, fills it from the config, builds the choice tables its policies read, starts the agents if they were
 * handed over, and resolves when all of that is done. Keeps no process alive by itself and touches nothing of it.
 *
 * Throws SBX_CONFIG_INVALID with every problem listed, SBX_REGION_FULL, or SBX_AGENT_FAILED.
 */
export async function createSignalbox(input: ConfigInput, options: SignalboxOptions = {}): Promise<Box> {
  options.signal?.throwIfAborted()
  return openBox(validateConfig(input), options)
}

/** The same from a config that was read and checked already. */
export async function openBox(config: Config, options: SignalboxOptions = {}): Promise<Box> {
  const box = await openTables(config, options)
  try {
    await box.startControl()
  } catch (error) {
    await box.close()
    throw error
  }
  return box
}

/**
 * The same without its control plane, for who serves before that has started: as soon as the tables are known to be good. With `isAnew`
 * they begin from the config alone, whatever was kept.
 */
export async function openTables(config: Config, options: SignalboxOptions = {}, isAnew = false): Promise<Box> {
  const { state, log = SILENT } = options
  const found = state === undefined || isAnew ? [] : await findGenerations(state, log)
  const box = new Box(config, options, found)
  try {
    await box.start()
  } catch (error) {
    await box.close()
    throw error
  }
  return box
}

export class Box {
  /** Hand it to a thread: `new Worker(url, { workerData: box.handle })`. Plain data over shared memory. */
  readonly handle: RegionHandle
  readonly log: Log
  /** Whether the tables are those of a process before this one, and not of the config alone. */
  readonly isResumed: boolean
  readonly #attachment: Attachment
  readonly #routers: Routers
  readonly #tables: TableKeeper
  readonly #tick: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => void this.close()
  readonly #reloads: Reloads
  readonly #wantedControl: Control | undefined
  readonly #snapshots: SnapshotKeeper | undefined
  #control: RunningControl | undefined
  #closing: Promise<void> | undefined

  constructor(config: Config, options: SignalboxOptions, generations: readonly Generation[] = []) {
    this.log = options.log ?? SILENT
    this.#wantedControl = options.control
    const region = createRegion(
      { ...roomFor(config, options.capacity?.rows), ...options.capacity },
      options.control?.dice ?? randomDice(),
    )
    checkSessionRoom(config, region.layout.affinity)
    this.handle = handleOf(region)
    this.#attachment = attach(this.handle)
    this.#routers = new Routers(this.#attachment)
    tickClock(region)
    let resumedAgeMs: number | undefined
    try {
      const hasAgents = options.control !== undefined
      resumedAgeMs = resumeNewest(this.#attachment, config, generations, hasAgents, this.log)
      if (resumedAgeMs === undefined) this.#attachment.writer.edit(edit => fillTables(edit, config))
    } catch (error) {
      this.#attachment.close()
      throw error
    }
    this.#warnOfBlindTrust(config)
    this.#tables = new TableKeeper(this.#attachment, this.log)
    this.#reloads = new Reloads(config, {
      attachment: this.#attachment,
      tables: this.#tables,
      log: this.log,
      control: () => this.#control,
      checkOpen: () => this.#open(),
    })
    this.isResumed = resumedAgeMs !== undefined
    if (options.state !== undefined) {
      const folder = new StateFolder(options.state)
      const now = (): Config => this.config
      this.#snapshots = new SnapshotKeeper(this.#attachment, folder, now, resumedAgeMs, this.log)
    }
    const alarm = new RefusalAlarm(region, this.log)
    const trials = new TrialKeeper(this.#attachment, this.#tables, this.log)
    const ticker = new Ticker(region, this.#attachment.seat)
    this.#tick = setInterval(() => {
      ticker.tick()
      trials.look()
      alarm.look()
      this.#tables.tick()
    }, TICK_MS)
    this.#tick.unref()
    openBoxes.push(this)
    setEnvironmentData(ENVIRONMENT_KEY, this.handle)
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Builds the choice tables. */
  async start(): Promise<void> {
    await this.#tables.start()
  }

  /** Starts the control plane it was made with, and resolves when it runs. */
  async startControl(): Promise<void> {
    const control = this.#wantedControl
    if (control === undefined || this.isClosed) return
    const configVersion = this.#version
    const running = await control.start({
      handle: this.handle,
      config: this.config,
      configVersion,
      log: this.log,
      onThreadGone: threadId => this.giveBack(threadId),
    })
    // Closed or aborted while the agents were starting: then they have nothing to start for.
    if (this.isClosed) {
      await running.close()
      return
    }
    this.#control = running
    // Another config was taken while they were starting.
    if (this.#version !== configVersion) running.reload?.(this.config, this.#version)
  }

  /** The config in force: the one it was made with, or the last that `reload` took. */
  get config(): Config {
    return this.#reloads.config
  }

  /**
   * Goes on with another config, given as data or as the name of a file: tables, agents, and the proxies of this box follow. It
   * resolves when all of them use it. Requests in flight end by the config they began with. What differs between the config in
   * force and the next one is changed, and nothing else: a weight, a drain or an endpoint that was changed live stays.
   *
   * Refused whole, with nothing changed: SBX_CONFIG_INVALID and SBX_CONFIG_UNREADABLE as at the start, SBX_CONFIG_FIXED with a line for
   * each thing that cannot change while it runs (addresses, threads, which agents there are, more than the memory has room for).
   */
  reload(source: ConfigInput | string): Promise<ReloadReport> {
    return this.#reloads.reload(source)
  }

  /** Which config is in force since when, and what came of the last reload. */
  configStatus(): ConfigStatus {
    return this.#reloads.status()
  }

  get #version(): number {
    return this.configStatus().generation
  }

  /** How it stands with what is kept on disk; undefined where nothing is. */
  snapshotStatus(): SnapshotStatus | undefined {
    return this.#snapshots?.status()
  }

  /** Has a part follow each further config. Returns the way to end that. */
  follow(follower: Follower): () => void {
    return this.#reloads.follow(follower)
  }

  #warnOfBlindTrust({ services }: Config): void {
    for (const [service, { tls }] of Object.entries(services)) {
      if (tls?.verify !== false) continue
      this.log('warn', 'service does not verify its endpoints: whoever answers in their place is believed', {
        service,
        wish: 'remove tls.verify: false, and name the authority that signed their certificates as tls.ca',
      })
    }
  }

  /** The running control plane; undefined when the box was made without one. */
  get control(): RunningControl | undefined {
    return this.#control
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /**
   * The router of a service in this thread, the same one each time; with a `subset` it keeps to the endpoints that have
   * this metadata. Throws SBX_SERVICE_UNKNOWN.
   */
  router(service: string, options?: RouterOptions): Router {
    this.#open()
    return this.#routers.of(service, options)
  }

  /** The live operations of a service. Throws SBX_SERVICE_UNKNOWN. */
  service(name: string): LiveService {
    this.#open()
    return new LiveService(this.#attachment, name, this.#tables)
  }

  /** Why each endpoint of a service can or cannot be picked now, as plain data. Throws SBX_SERVICE_UNKNOWN. */
  explain(service: string): ServiceReport {
    this.#open()
    return reportService(this.#attachment, service)
  }

  /** The same for every service. */
  services(): ServiceReport[] {
    this.#open()
    return reportServices(this.#attachment)
  }

  /**
   * Has nothing that this agent wrote count any more, from the next pick of every thread on, as if it had said nothing; it is
   * not stopped. `health-monitor`, `failure-detector`, `load-balancer`, `resource-manager`, or `control-plane`:
   * whom the cluster orchestrator, or a control plane of your own, keeps out.
   * Throws SBX_AGENT_UNKNOWN.
   */
  disableAgent(name: string): void {
    this.#open()
    disableAgent(this.#attachment, name)
  }

  /** Has what the agent wrote count again. Throws SBX_AGENT_UNKNOWN. */
  enableAgent(name: string): void {
    this.#open()
    enableAgent(this.#attachment, name)
  }

  /** Whether what an agent writes counts. */
  isAgentEnabled(name: string): boolean {
    return isAgentEnabled(this.#attachment, name)
  }

  /** How often agents were refused what they asked of the tables, by reason, modulo 2^32. */
  refusals(): Record<Refusal, number> {
    const { region } = this.#attachment
    return Object.fromEntries(REFUSAL_NAMES.map(reason => [reason, refusals(region, reason)])) as Record<
      Refusal,
      number
    >
  }

  /** Gives back what a thread of yours holds (its in-flight, its seat) when it ends, however it ends. */
  watch(worker: Worker): void {
    const { threadId } = worker
    if (threadId < 0) return
    worker.once('exit', () => this.giveBack(threadId))
  }

  /** The thread of this id has ended: what it held is given back. Only for who saw its `exit`. */
  giveBack(threadId: number): void {
    if (this.isClosed) return
    const { region } = this.#attachment
    for (const seat of seatsOfThread(region, threadId)) freeSeatOf(region, seat, threadId)
  }

  /** This thread's place at the tables; for the proxy and the admin listener, which live in the engine. */
  get attachment(): Attachment {
    return this.#attachment
  }

  /** Ends all the box started. Routers that are attached go on with the last tables. As often as you like. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    clearInterval(this.#tick)
    openBoxes.splice(openBoxes.indexOf(this), 1)
    setEnvironmentData(ENVIRONMENT_KEY, openBoxes.at(-1)?.handle)
    try {
      await this.#control?.close()
    } catch (error) {
      this.log('error', 'the control plane did not close as it should', { error: String(error) })
    } finally {
      await this.#snapshots?.close()
      await this.#tables.close()
      this.#attachment.close()
    }
  }

  #open(): void {
    if (this.isClosed) throw new SignalboxError('SBX_BOX_CLOSED', 'Cannot use the box: it was closed, create a new one')
  }
}

/**
 * The router of a service for this thread.
 *
 *   attachRouter(workerData, 'api')    workerData is box.handle
 *   attachRouter('api')                the handle is found in the environment data of threads started after the box
 *   attachRouter(workerData, 'api', { subset: { version: 'v1' } })    keeps to the endpoints with this metadata
 *
 * Throws SBX_REGION_MISSING, SBX_REGION_LAYOUT_MISMATCH, SBX_REGION_SEATS_TAKEN or SBX_SERVICE_UNKNOWN.
 */
export function attachRouter(service: string): Router
export function attachRouter(handle: unknown, service: string, options?: RouterOptions): Router
export function attachRouter(handleOrService: unknown, service?: string, options?: RouterOptions): Router {
  if (service !== undefined) return new Router(attach(handleOrService), service, options)
  if (typeof handleOrService !== 'string') {
    throw new SignalboxError(
      'SBX_SERVICE_UNKNOWN',
      'Cannot attach router: no service was named, say attachRouter(handle, service)',
    )
  }
  const handle = getEnvironmentData(ENVIRONMENT_KEY)
  if (handle === undefined) {
    throw new SignalboxError(
      'SBX_REGION_MISSING',
      'Cannot attach router: no box was created before this thread was started, pass its handle: attachRouter(workerData, ' +
        `${JSON.stringify(handleOrService)})`,
    )
  }
  return new Router(attach(handle), handleOrService)
}
