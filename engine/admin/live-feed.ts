import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, SECURITY_HEADERS } from './answer.ts'
import { type Sources, takeSnapshot } from './snapshot.ts'

/** Often enough to look alive, and the page's 60 s are 120 points. */
const EVERY_MS = 500
/** A dashboard is for a few people; each listener costs a connection and a copy of every snapshot. */
const LISTENERS_MAX = 16
/** A listener that has not taken one snapshot for 5 s is gone or stuck. */
const MISSED_MAX = 10

/**
 * Server-Sent Events: one snapshot to every listener each 500 ms, the first at once. It is built once for all, and not
 * at all while nobody listens. A slow listener skips snapshots rather than have them queued, and is dropped in the end.
 */
export class LiveFeed {
  readonly #sources: Sources
  readonly #everyMs: number
  readonly #listeners = new Map<ServerResponse, { missed: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(sources: Sources, everyMs = EVERY_MS) {
    this.#sources = sources
    this.#everyMs = everyMs
  }

  /** Listeners connected now. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** Makes a response a listener. Throws a Refusal (503) when there are 16 already, SBX_BOX_CLOSED. */
  open(request: IncomingMessage, response: ServerResponse): void {
    if (this.#listeners.size >= LISTENERS_MAX) {
      throw new Refusal(
        503,
        'SBX_ADMIN_BUSY',
        `Cannot open the live feed: ${LISTENERS_MAX} listen to it already, close a page`,
        {
          'retry-after': '5',
        },
      )
    }
    const first = this.#event()
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'cache-control': 'no-store',
      'content-type': 'text/event-stream; charset=utf-8',
      // nginx would hold the events back.
      'x-accel-buffering': 'no',
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    this.#listeners.set(response, { missed: 0 })
    response.once('close', () => this.#forget(response))
    response.write(first)
    this.#timer ??= setInterval(() => this.#tell(), this.#everyMs).unref()
  }

  /** Ends every stream. */
  close(): void {
    for (const response of [...this.#listeners.keys()]) {
      this.#forget(response)
      response.end()
    }
  }

  #event(): string {
    return `data: ${JSON.stringify(takeSnapshot(this.#sources))}\n\n`
  }

  #tell(): void {
    let event: string
    try {
      event = this.#event()
    } catch (error) {
      // Nobody awaits a timer: the listeners are let go, and what is wrong is said when they come again.
      const { box } = this.#sources
      if (!box.isClosed) box.log('error', 'the live feed met a fault', { error })
      this.close()
      return
    }
    for (const [response, listener] of this.#listeners) {
      if (!response.writableNeedDrain) {
        listener.missed = 0
        response.write(event)
      } else if (++listener.missed > MISSED_MAX) {
        this.#forget(response)
        response.destroy()
      }
    }
  }

  #forget(response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
