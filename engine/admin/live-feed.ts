import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, SECURITY_HEADERS } from './answer.ts'
import { type Sources, takeSnapshot } from './snapshot.ts'

/** Often enough to look alive, and the page's 60 s are 120 points. */
const EVERY_MS = 500
/**
 * What a second of the feed may carry to one listener. A snapshot of 10,000 endpoints has 3.8 MB and takes a tenth of a second to make,
 * in a thread that may have requests to route: it comes every 4 s then.
 */
const BYTES_PER_S = 1_000_000
/** A dashboard is for a few people; each listener costs a connection and a copy of every snapshot. */
const LISTENERS_MAX = 16
/** A listener that has not taken one snapshot for 5 s is gone or stuck. */
const MISSED_MAX = 10

/**
 * Server-Sent Events: one snapshot to every listener each 500 ms, the first at once; more seldom the larger it is, with a comment in
 * between, so that nobody takes the feed for lost. It is built once for all, and not at all while nobody listens. A slow listener
 * skips snapshots rather than have them queued, and is dropped in the end.
 */
export class LiveFeed {
  readonly #sources: Sources
  readonly #everyMs: number
  readonly #listeners = new Map<ServerResponse, { missed: number }>()
  #timer: NodeJS.Timeout | undefined
  /** Turns of the timer until the next snapshot. */
  #turnsLeft = 0

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
    this.#timer ??= setInterval(() => this.#turn(), this.#everyMs).unref()
  }

  /** Ends every stream. */
  close(): void {
    for (const response of [...this.#listeners.keys()]) {
      this.#forget(response)
      response.end()
    }
  }

  #event(): string {
    const event = `data: ${JSON.stringify(takeSnapshot(this.#sources))}\n\n`
    this.#turnsLeft = Math.ceil((event.length / BYTES_PER_S) * (1000 / this.#everyMs))
    return event
  }

  #turn(): void {
    if (--this.#turnsLeft > 0) this.#send(':\n\n')
    else this.#tell()
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
    this.#send(event)
  }

  #send(event: string): void {
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
