import { getEnvironmentData, setEnvironmentData, type Worker } from 'node:worker_threads'
import { validateConfig } from '../config/load.ts'
import type { Config, ConfigInput, ServiceConfig } from '../config/schema.ts'
import { SignalboxError } from '../errors.ts'
import { TICK_MS, tickClock } from '../memory/clock.ts'
import type { Capacity } from '../memory/layout.ts'
import { createRegion, handleOf, type RegionHandle } from '../memory/region.ts'
import { freeSeatOf, seatsOfThread } from '../memory/seats.ts'
import type { Edit } from '../memory/table-writer.ts'
import { findPolicy } from '../policies/registry.ts'
import { type Attachment, attach } from '../router/attachment.ts'
import { reportService, reportServices, type ServiceReport } from '../router/report.ts'
import { Router, type RouterOptions } from '../router/router.ts'
import { Routers } from '../router/routers.ts'
import { choiceBytesFor } from './choice-room.ts'
import type { Control, Log, RunningControl } from './control.ts'
import { LiveService, newEndpoint } from './live-service.ts'
import { serviceTextOf } from './service-text.ts'
import { TableKeeper } from './table-keeper.ts'

export interface SignalboxOptions {
  /** The control plane: `agents` of 'signalbox/agents'. Without it weights are what you set, and no thread is started. */
  control?: Control
  /** Room for rows, services, threads; fixed once made. The default serves 1,024 endpoints and 32 threads. */
  capacity?: Partial<Capacity>
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

/** The same from a config that was read and checked already, as the command line does. */
export async function openBox(config: Config, options: SignalboxOptions = {}): Promise<Box> {
  const box = new Box(config, options)
  try {
    await box.start(options.control)
  } catch (error) {
    await box.close()
    throw error
  }
  return box
}

export class Box {
  /** Hand it to a thread: `new Worker(url, { workerData: box.handle })`. Plain data over shared memory. */
  readonly handle: RegionHandle
  readonly config: Config
  readonly log: Log
  readonly #attachment: Attachment
  readonly #routers: Routers
  readonly #tables: TableKeeper
  readonly #tick: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => void this.close()
  #control: RunningControl | undefined
  #closing: Promise<void> | undefined

  constructor(config: Config, options: SignalboxOptions) {
    this.config = config
    this.log = options.log ?? SILENT
    const region = createRegion({ ...roomFor(config, options.capacity?.rows), ...options.capacity })
    checkSessionRoom(config, region.layout.affinity)
    this.handle = handleOf(region)
    this.#attachment = attach(this.handle)
    this.#routers = new Routers(this.#attachment)
    tickClock(region)
    try {
      this.#attachment.writer.edit(edit => fill(edit, config))
    } catch (error) {
      this.#attachment.close()
      throw error
    }
    this.#tables = new TableKeeper(this.#attachment, this.log)
    this.#tick = setInterval(() => {
      tickClock(region)
      this.#tables.tick()
    }, TICK_MS)
    this.#tick.unref()
    openBoxes.push(this)
    setEnvironmentData(ENVIRONMENT_KEY, this.handle)
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async start(control: Control | undefined): Promise<void> {
    await this.#tables.start()
    if (control === undefined || this.isClosed) return
    const running = await control.start({
      handle: this.handle,
      config: this.config,
      log: this.log,
      onThreadGone: threadId => this.giveBack(threadId),
    })
    // Closed or aborted while the agents were starting: then they have nothing to start for.
    if (this.isClosed) await running.close()
    else this.#control = running
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
      await this.#tables.close()
      this.#attachment.close()
    }
  }

  #open(): void {
    if (this.isClosed) throw new SignalboxError('SBX_BOX_CLOSED', 'Cannot use the box: it was closed, create a new one')
  }
}

/**
 * Room for 100,000 sessions at a time, 4 MiB. Sets of eight fill unevenly: with three on average one session in 500 finds
 * no room in its set (the tail of a Poisson distribution), with six, in half the memory, one in 18.
 */
const SESSIONS_ROOM = 1 << 18

/** Room for the endpoints of the config twice over, its services, its longest endpoint text, sessions where they are kept, and choice tables. */
function roomFor(config: Config, wantedRows?: number): Partial<Capacity> {
  const services = Object.values(config.services)
  const endpoints = services.flatMap(service => service.endpoints)
  const longest = endpoints.reduce((most, endpoint) => Math.max(most, Buffer.byteLength(JSON.stringify(endpoint))), 0)
  const rows = powerOfTwo(1024, endpoints.length * 2, 65_536)
  return {
    rows,
    services: powerOfTwo(32, services.length, 1024),
    textBytes: powerOfTwo(512, longest + 4, 65_536),
    affinity: services.some(keepsSessions) ? SESSIONS_ROOM : 0,
    choices: choiceBytesFor(config, Math.min(wantedRows ?? rows, 65_536)),
  }
}

/** A sticky service without room for sessions would forget each at once, and nobody would know. */
function checkSessionRoom(config: Config, room: number): void {
  const sticky = Object.entries(config.services).find(([, service]) => keepsSessions(service))
  if (sticky === undefined || room > 0) return
  throw new SignalboxError(
    'SBX_REGION_FULL',
    `Cannot create box: service ${sticky[0]} keeps sessions and capacity.affinity is 0, leave it out or use 64 or more`,
  )
}

function keepsSessions({ policy }: ServiceConfig): boolean {
  return findPolicy(policy.name)?.keepsSessions === true
}

function powerOfTwo(least: number, wanted: number, most: number): number {
  return Math.min(most, Math.max(least, 2 ** Math.ceil(Math.log2(Math.max(wanted, 1)))))
}

function fill(edit: Edit, config: Config): void {
  for (const [name, service] of Object.entries(config.services)) {
    const index = edit.putService(serviceTextOf(name, service, config.zone))
    for (const endpoint of service.endpoints) edit.add(index, newEndpoint(endpoint))
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
