import { AskedThread } from '../asked-thread.ts'
import { type End, handedOver, layLane, type Way } from './ends.ts'
import type { RingAnswer, RingOrder, RingThread } from './ring-thread.ts'

const THREAD = new URL('./ring-thread.js', import.meta.url)

/** What a turn found: ns from the first record's writing to the last one's reading, and what was read. */
export interface Moved {
  readonly ns: number
  readonly records: number
  readonly sum: number
  readonly faults: number
}

/** Threads at the ends of a way, that stay from turn to turn. */
export class Course {
  readonly #threads: readonly AskedThread<RingOrder, RingAnswer>[]

  private constructor(threads: readonly AskedThread<RingOrder, RingAnswer>[]) {
    this.#threads = threads
  }

  /** A reader, and one thread for each writer. Undefined where the way is not there. */
  static async across(way: Way, bytes: number, writers: number): Promise<Course | undefined> {
    const lane = await layLane(way, bytes, writers)
    if (lane === undefined) return undefined
    return start([{ reads: lane.reader }, ...lane.writers.map(writes => ({ writes }))])
  }

  /** One thread that is both. */
  static async alone(way: Way, bytes: number): Promise<Course | undefined> {
    const lane = await layLane(way, bytes, 1)
    if (lane === undefined) return undefined
    return start([{ reads: lane.reader, writes: lane.writers[0]! }])
  }

  /** Two threads that answer each other, by a lane there and one back. */
  static async volley(way: Way, bytes: number): Promise<Course | undefined> {
    const there = await layLane(way, bytes, 1)
    const back = await layLane(way, bytes, 1)
    if (there === undefined || back === undefined) return undefined
    return start([
      { reads: there.reader, writes: back.writers[0]! },
      { reads: back.reader, writes: there.writers[0]! },
    ])
  }

  static with(threads: readonly AskedThread<RingOrder, RingAnswer>[]): Course {
    return new Course(threads)
  }

  /**
   *   reader    told ── looks ───────────────────────────── the last record is read: until
   *   writer 1          told ── since: the first ── … ── the last
   *   writer 2          told ─── …
   */
  async move(recordsEach: number): Promise<Moved> {
    const [reader, ...writers] = this.#threads
    await reader!.ask({ how: 'read', records: recordsEach * writers.length })
    for (const writer of writers) writer.tell({ how: 'write', records: recordsEach })
    const written = await Promise.all(writers.map(writer => writer.answer()))
    const { untilNs, records, sum, faults } = await reader!.answer()
    return { ns: untilNs - Math.min(...written.map(({ sinceNs }) => sinceNs)), records, sum, faults }
  }

  async moveAlone(records: number, atOnce: number): Promise<Moved> {
    const answer = await this.#threads[0]!.ask({ how: 'alone', records, atOnce })
    return { ...answer, ns: answer.untilNs - answer.sinceNs }
  }

  /** What groups of so many there and back took, ns. */
  async ping(times: number, groups: number): Promise<readonly number[]> {
    const [far, near] = this.#threads
    await far!.ask({ how: 'pong', records: times * groups })
    const { groupsNs } = await near!.ask({ how: 'ping', times, groups })
    await far!.answer()
    return groupsNs
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.close()))
  }
}

async function start(parts: readonly RingThread[]): Promise<Course> {
  const threads: AskedThread<RingOrder, RingAnswer>[] = []
  try {
    for (const part of parts) {
      const ends = [part.reads, part.writes].filter((end): end is End => end !== undefined)
      threads.push(await AskedThread.start(THREAD, part, handedOver(...ends)))
    }
  } catch (error) {
    await Promise.all(threads.map(thread => thread.close()))
    throw error
  }
  return Course.with(threads)
}
