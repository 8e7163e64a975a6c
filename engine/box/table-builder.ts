import type { Piscina } from 'piscina'
import fillRoom, { type TableTask } from './table-thread.ts'

/** The largest table takes half a second to build; a thread that says nothing for so long will not say anything. */
const PATIENCE_MS = 15_000
/** An idle thread is kept for the next build so long: changes often come in groups. */
const IDLE_MS = 10_000

/**
 * Has tables built in a thread of its own: Piscina with one thread, made when the first table is asked for, gone when it
 * has been idle for a while, and never a reason for the process to stay.
 *
 * A thread that cannot be started (a loader that fails, a limit of the system), dies or hangs is ended and said so; the
 * table is then built right here. That holds up this event loop for some milliseconds, and a table there is.
 */
export class TableBuilder {
  readonly #onFault: (error: unknown) => void
  readonly #module: URL
  #pool: Promise<Piscina> | undefined
  #fail: (error: unknown) => void = () => {}
  #before: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(onFault: (error: unknown) => void, module = new URL('./table-thread.js', import.meta.url)) {
    this.#onFault = onFault
    this.#module = module
  }

  /**
   * Fills the room of a task, after those that were asked for before; resolves with the checksum of the table. When it
   * settles, nobody writes there any more.
   */
  build(task: TableTask): Promise<number> {
    const built = this.#before.then(() => this.#build(task))
    this.#before = built.catch(() => {})
    return built
  }

  async #build(task: TableTask): Promise<number> {
    if (this.#isClosed) throw new Error('the builder was closed')
    try {
      return await this.#send(task)
    } catch (error) {
      if (this.#isClosed) throw error
      this.#onFault(error)
      await this.#end()
      return fillRoom(task)
    }
  }

  /** Ends the thread, in the middle of a build if need be, which then rejects. When this resolves nobody writes any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
  }

  async #send(task: TableTask): Promise<number> {
    const pool = await (this.#pool ??= this.#open())
    let patience: NodeJS.Timeout | undefined
    // Without a thread `run` settles never: the pool says 'error', or nothing at all.
    const fault = new Promise<never>((_, reject) => {
      this.#fail = reject
      patience = setTimeout(() => reject(new Error(`no table after ${PATIENCE_MS} ms`)), PATIENCE_MS)
      patience.unref()
    })
    try {
      return await Promise.race([pool.run(task) as Promise<number>, fault])
    } finally {
      clearTimeout(patience)
      this.#fail = () => {}
    }
  }

  async #open(): Promise<Piscina> {
    const { Piscina } = await import('piscina')
    const pool = new Piscina({
      filename: this.#module.href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      recordTiming: false,
      // In the default mode the waiting thread blocks, and with it what this process does on its behalf.
      atomics: 'async',
    })
    pool.on('error', error => this.#fail(error))
    return pool
  }

  async #end(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    const opened = await pool?.catch(() => undefined)
    await opened?.destroy()
  }
}
