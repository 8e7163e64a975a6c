import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { createRing } from '../../../engine/memory/ring.ts'
import { AskedThread } from '../asked-thread.ts'
import { layService, type Means, type News, type Part, type PublicationAnswer, type PublicationOrder } from './news.ts'

type Thread = AskedThread<PublicationOrder, PublicationAnswer>

export interface Told {
  /** From just before each news was told to just after it was seen, ns. */
  readonly seenNs: Float64Array
  /** What of it the write took, ns; it may go on after its effect is seen. */
  readonly writesNs: Float64Array
}

/** One thread that tells news, and one that picks. */
export class PublicationCourse {
  readonly #writing: Thread
  readonly #picking: Thread

  private constructor(writing: Thread, picking: Thread) {
    this.#writing = writing
    this.#picking = picking
  }

  static async begin(news: News, means: Means): Promise<PublicationCourse> {
    const handle = layService()
    const seen = createRing({ bytes: 1024, writers: 'one' }).buffer
    const { port1, port2 } = new MessageChannel()
    const thread = (file: string, port: MessagePort): Promise<Thread> => {
      const part: Part = { news, means, handle, seen, port }
      return AskedThread.start(new URL(file, import.meta.url), part, [port])
    }
    const picking = await thread('./picking-thread.js', port1)
    try {
      return new PublicationCourse(await thread('./writing-thread.js', port2), picking)
    } catch (error) {
      await picking.close()
      throw error
    }
  }

  /**
   * So many news, an even number, each after the last was seen.
   *
   *   writes    noted ── the write ── … waits for word                noted ── the write ── …
   *   picks     ─ pick ─ pick ─ pick ─ another one ── noted ── word ── pick ─ …
   *
   * Throws when the pick has changed more often than there was news.
   */
  async tell(flips: number): Promise<Told> {
    await this.#picking.ask({ flips })
    const told = await this.#writing.ask({ flips })
    const { atNs, changes } = await this.#picking.answer()
    if (changes !== flips) throw new Error(`Cannot measure: of ${flips} news ${changes} were seen`)
    return { seenNs: atNs.map((ns, flip) => ns - told.atNs[flip]!), writesNs: told.writesNs! }
  }

  async close(): Promise<void> {
    await this.#writing.close()
    await this.#picking.close()
  }
}
