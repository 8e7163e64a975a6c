import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Who is told what becomes of a request body. */
export interface BodyWatcher {
  /** The body began to flow, or went on after a pause. */
  onBodyMoved(): void
  /** It has become longer than is allowed. */
  onBodyTooLong(): void
}

/**
 * The body of a request on its way to the upstream, with back-pressure. It stands between the incoming message and
 * undici, so that undici can end it without ending the message: what is left of the message must still be read, or a
 * downstream that is busy sending would never see its answer. It is a stream as far as undici looks at one: on, pipe,
 * pause, resume, destroy, and the events data and end.
 */
export class RequestBody extends EventEmitter {
  destroyed = false
  /** True while it is the upstream that does not read on. */
  isPaused = false
  #hasBegun = false
  #bytes = 0
  readonly #message: IncomingMessage
  readonly #continuing: ServerResponse | undefined
  readonly #bytesMax: number
  readonly #watcher: BodyWatcher

  /** `continuing` is the response of a downstream that waits for 100 Continue; `bytesMax` 0 is no limit. */
  constructor(
    message: IncomingMessage,
    continuing: ServerResponse | undefined,
    bytesMax: number,
    watcher: BodyWatcher,
  ) {
    super()
    this.#message = message
    this.#continuing = continuing
    this.#bytesMax = bytesMax
    this.#watcher = watcher
  }

  /** Whether undici has begun to read: from then on there is no second try. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  resume(): this {
    if (this.destroyed) return this
    this.isPaused = false
    this.#watcher.onBodyMoved()
    if (this.#hasBegun) {
      this.#message.resume()
      return this
    }
    this.#hasBegun = true
    this.#continuing?.writeContinue()
    this.#message.on('data', this.#onData)
    this.#message.on('end', this.#onEnd)
    return this
  }

  pause(): this {
    this.isPaused = true
    this.#message.pause()
    return this
  }

  /** undici recognises a stream by this; it never pipes one. */
  pipe(): never {
    throw new Error('Cannot pipe a request body: it is read by its events')
  }

  /** Stops passing it on. What still comes is read and forgotten, see `linger`. */
  destroy(): this {
    this.destroyed = true
    return this
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.destroyed) return
    this.#bytes += chunk.length
    if (this.#bytesMax > 0 && this.#bytes > this.#bytesMax) {
      this.#watcher.onBodyTooLong()
      return
    }
    this.#watcher.onBodyMoved()
    this.emit('data', chunk)
  }

  readonly #onEnd = (): void => {
    if (!this.destroyed) this.emit('end')
  }
}

/** How long a downstream that goes on sending after its answer is listened to, in ms. */
const LINGER_MS = 1000

/**
 * Ends a response whose request has not arrived whole. The connection must close, but closing it while the downstream is
 * still sending makes its kernel throw the answer away; so the rest is read and forgotten for a moment first.
 */
export function linger(message: IncomingMessage, response: ServerResponse): void {
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  timer.unref()
  message.once('end', end)
  message.once('close', end)
  message.resume()
}
