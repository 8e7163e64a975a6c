import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { handleOf } from '../../engine/memory/region.ts'
import { versionOf } from '../../engine/memory/slots.ts'
import { BATCH, callsWithin } from '../harness.ts'
import { type Percentiles, percentilesOf } from '../percentiles.ts'
import { type LoneService, loneService, SERVICE } from './lone-service.ts'
import { pickAndSettle } from './pick-and-settle.ts'
import type { PickThreadAnswer, PickThreadStart, PickThreadTask } from './pick-thread.ts'
import type { PublishThreadAnswer, PublishThreadStart, PublishThreadTask } from './publish-thread.ts'

/** Of the processor, for each thread in each turn: three times what the kernel gives a thread at once. */
const TURN_MS = 10
/** Turns until a thread has compiled what it does: it was seen after two or three, later where the compiler had to wait for a processor. */
const COLD_TURNS = 8

export interface Load extends Percentiles {
  /** Of the processor, for a pick and its settle: all threads together, by the number of all their picks. */
  readonly cpuNs: number
}

/**
 * Threads that are attached to one region and pick and settle at the same time, each in a batch and then one by one; and one more that
 * publishes, while it is asked to.
 *
 *   this thread   task ─┬──────────────────────────────────────────┬─▶ the next turn
 *   thread 1            └▶ cpu ─ batch ─ cpu ─ one by one ─ answer ─┤
 *   thread n            └▶ cpu ─ batch ─ cpu ─ one by one ─ answer ─┘
 *   publisher     ─▶ publish ── ── ── ── ── ── ── ── ── ── ── ── ── ── rest
 */
export class PickThreads {
  readonly #service: LoneService
  readonly #threads: readonly Worker[]
  readonly #publisher: Worker | undefined
  readonly #task: NonNullable<PickThreadTask>

  private constructor(service: LoneService, threads: number, perSecond: number) {
    this.#service = service
    const picks = callsWithin(pickAndSettle(service), TURN_MS)
    this.#task = { picks, readings: Math.min(picks, BATCH) }
    const handle = handleOf(service.attachment.region)
    const start: PickThreadStart = { handle, service: SERVICE, isKeyed: service.isKeyed }
    this.#threads = Array.from({ length: threads }, () => started('pick-thread', start))
    if (perSecond === 0) return
    this.#publisher = started('publish-thread', { handle, service: SERVICE, perSecond } satisfies PublishThreadStart)
  }

  /** No more threads are attached than are to pick: what some policies do goes by the number of those that are. */
  static async begin(policy: string, endpoints: number, threads: number, perSecond: number): Promise<PickThreads> {
    // Theirs, and the publisher's, this one's and that of whoever builds a table.
    const service = await loneService(policy, {}, endpoints, threads + 3)
    const begun = new PickThreads(service, threads, perSecond)
    try {
      await Promise.all(begun.#all().map(thread => once(thread, 'message')))
      for (let turn = 0; turn < COLD_TURNS; turn++) await begun.turn()
    } catch (error) {
      await begun.close()
      throw error
    }
    return begun
  }

  /** What a turn of all threads takes. */
  async turn(): Promise<Load> {
    const answers = await Promise.all(
      this.#threads.map(thread => asked<PickThreadTask, PickThreadAnswer>(thread, this.#task)),
    )
    const cpuNs = answers.reduce((sum, answer) => sum + answer.cpuNs, 0) / answers.length
    return { cpuNs, ...percentilesOf(answers.map(({ readings }) => readings)) }
  }

  /** The same while it is published; and how many publications a second there were: fewer where the processor has no time for all. */
  async turnPublished(): Promise<Load & { readonly publications: number }> {
    const publisher = this.#publisher!
    await asked<PublishThreadTask, PublishThreadAnswer>(publisher, 'publish')
    const load = await this.turn()
    return { ...load, publications: await asked<PublishThreadTask, PublishThreadAnswer>(publisher, 'rest') }
  }

  /** Picks of all threads that are not settled. */
  inflight(): number {
    const { tally, region } = this.#service.attachment
    let sum = 0
    for (let row = 0; row < region.layout.rows; row++) sum += tally.inflight(row)
    return sum
  }

  /** Of the structure that is published. */
  version(): number {
    return versionOf(this.#service.attachment.catchUp())
  }

  async close(): Promise<void> {
    for (const thread of this.#threads) thread.postMessage(undefined satisfies PickThreadTask)
    this.#publisher?.postMessage('leave' satisfies PublishThreadTask)
    await Promise.all(this.#all().map(left))
    await this.#service.close()
  }

  #all(): Worker[] {
    return this.#publisher === undefined ? [...this.#threads] : [...this.#threads, this.#publisher]
  }
}

function started(name: string, workerData: unknown): Worker {
  return new Worker(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url), { workerData })
}

/** One answer to one task. Throws what the thread throws. */
async function asked<Task, Answer>(thread: Worker, task: Task): Promise<Answer> {
  thread.postMessage(task)
  const [answer] = (await once(thread, 'message')) as [Answer]
  return answer
}

/** A thread that has failed has left already, or does not hear that it is to. */
async function left(thread: Worker): Promise<void> {
  const isOver = once(thread, 'exit').catch(() => {})
  await Promise.race([isOver, new Promise(resolve => setTimeout(resolve, LEAVE_MS).unref())])
  await thread.terminate()
}

/** Long enough for any turn that is under way. */
const LEAVE_MS = 2000
