import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HeardEvent, Hearing, RunningControl } from '../box/control.ts'
import { Refusal, SECURITY_HEADERS } from './answer.ts'

/** As for the live feed: it is for a few people. */
const LISTENERS_MAX = 16
/** A listener with more waiting for it than this is let go: it comes again and is told what it has missed. */
const WAITING_BYTES_MAX = 262_144
/** A connection on which nothing is said for 30 s is ended, and facts may be rare: a comment keeps it. */
const COMMENT_EVERY_MS = 10_000
/** How soon a listener that was let go comes again. */
const RETRY_MS = 1_000

/**
 * Server-Sent Events: one for each fact the agents tell, as an event of CloudEvents in JSON, with its id.
 *
 *   retry: 1000
 *
 *   id: 0199…
 *   data: {"specversion":"1.0","type":"signalbox.endpoint.ejected", …}
 *
 * A browser that comes again says the last id it has heard, and is told first what came after it, as far as that is still known. So
 * whoever is too slow is let go rather than waited for: it loses nothing by it.
 */
export class SignalFeed {
  readonly #everyMs: number
  readonly #listeners = new Map<ServerResponse, Hearing | undefined>()
  #timer: NodeJS.Timeout | undefined

  constructor(everyMs = COMMENT_EVERY_MS) {
    this.#everyMs = everyMs
  }

  /** Listeners connected now. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** Makes a response a listener to these types. Throws a Refusal (503) when there are 16 already, SBX_AGENT_INVALID for a pattern. */
  open(
    hear: NonNullable<RunningControl['hear']>,
    types: readonly string[],
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    if (this.#listeners.size >= LISTENERS_MAX) {
      const wish = `${LISTENERS_MAX} listen to them already, close one`
      throw new Refusal(503, 'SBX_ADMIN_BUSY', `Cannot send signals: ${wish}`, { 'retry-after': '5' })
    }
    const [after] = request.headersDistinct['last-event-id'] ?? []
    // What is told before the head is sent is kept until it is: a pattern that is none must still be refused.
    const early: HeardEvent[] = []
    let onEvent = (event: HeardEvent): void => void early.push(event)
    const wish = { ...(types.length === 0 ? {} : { types }), ...(after === undefined ? {} : { after }) }
    const hearing = hear(wish, event => onEvent(event))
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'cache-control': 'no-store',
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    })
    if (request.method === 'HEAD') {
      hearing.stop()
      response.end()
      return
    }
    this.#listeners.set(response, hearing)
    response.once('close', () => this.#forget(response))
    response.write(`retry: ${RETRY_MS}\n\n`)
    if (after !== undefined && !hearing.isResumed)
      response.write(': the last event is too long ago, some are missing\n\n')
    onEvent = event => this.#send(response, event)
    for (const event of early) onEvent(event)
    this.#timer ??= setInterval(() => this.#comment(), this.#everyMs).unref()
  }

  /** Ends every stream. */
  close(): void {
    for (const response of [...this.#listeners.keys()]) this.#end(response)
  }

  #send(response: ServerResponse, { id, json }: HeardEvent): void {
    if (!this.#listeners.has(response)) return
    response.write(`id: ${id}\ndata: ${json}\n\n`)
    if (response.writableLength > WAITING_BYTES_MAX) this.#end(response)
  }

  #comment(): void {
    for (const response of this.#listeners.keys()) if (!response.writableNeedDrain) response.write(':\n\n')
  }

  #end(response: ServerResponse): void {
    this.#forget(response)
    response.end()
  }

  #forget(response: ServerResponse): void {
    this.#listeners.get(response)?.stop()
    this.#listeners.delete(response)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
