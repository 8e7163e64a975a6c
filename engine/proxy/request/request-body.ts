import type { IncomingMessage, ServerResponse } from 'node:http'

/** Who is told what becomes of a request body. */
export interface BodyWatcher {
  /** The body began to flow, or went on after a pause. */
  onBodyMoved(): void
  /** It has become longer than is allowed. */
  onBodyTooLong(): void
}

/**
 * The body of a request on its way to the upstream, with back-pressure.
 *
 *   message ──▶ RequestBody ──▶ BodyReader ──▶ link        one reader for each try
 *                   └─ kept, up to a bound ─▶ the reader of the next try, first
 *
 * It stands between the incoming message and the link, so that the link can end it without ending the message: what is left of
 * the message must still be read, or a downstream that is busy sending would never see its answer.
 */
export class RequestBody {
  readonly #message: IncomingMessage
  readonly #continuing: ServerResponse | undefined
  readonly #bytesMax: number
  readonly #watcher: BodyWatcher
  #keepMax = 0
  /** What has come so far; undefined where it is not kept, or has become more than may be. */
  #kept: Buffer[] | undefined
  #bytes = 0
  #hasBegun = false
  #hasEnded = false
  #reader: BodyReader | undefined

  /** `continuing` is the response of a downstream that waits for 100 Continue; `bytesMax` 0 is no limit. */
  constructor(
    message: IncomingMessage,
    continuing: ServerResponse | undefined,
    bytesMax: number,
    watcher: BodyWatcher,
  ) {
    this.#message = message
    this.#continuing = continuing
    this.#bytesMax = bytesMax
    this.#watcher = watcher
  }

  /** Keeps what comes, as long as it is not more than `bytesMax`, for a further try. */
  keep(bytesMax: number): void {
    this.#keepMax = bytesMax
    this.#kept = []
  }

  /** No further try will need it. */
  forget(): void {
    this.#kept = undefined
  }

  /** Whether a further try could send all of it. */
  get isRepeatable(): boolean {
    return !this.#hasBegun || this.#kept !== undefined
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#bytes
  }

  /** True while it is the upstream that does not read on. */
  get isPaused(): boolean {
    return this.#reader?.isPaused === true
  }

  /** The body for one more try, from its beginning. The reader before is over. */
  open(): BodyReader {
    this.#reader?.destroy()
    return (this.#reader = new BodyReader(this))
  }

  /** Fields that came behind it, raw; there when it has ended. */
  get trailers(): readonly string[] {
    return this.#message.rawTrailers
  }

  /** Stops passing it on. What still comes is read and forgotten, see `linger`. */
  destroy(): void {
    this.#kept = undefined
    this.#reader?.destroy()
  }

  /** The reader asks for more: first of what was kept, then of what comes. */
  pull(reader: BodyReader): void {
    if (reader !== this.#reader) return
    this.#watcher.onBodyMoved()
    if (!this.#hasBegun) this.#begin()
    else if (this.#kept !== undefined && !reader.hasReadAll(this.#kept)) setImmediate(() => this.#replay(reader))
    else if (this.#hasEnded) setImmediate(() => reader.end())
    else this.#message.resume()
  }

  /** The reader wants no more, for now or at all: then what is kept for the next one must not outgrow its bound meanwhile. */
  hold(reader: BodyReader): void {
    if (reader === this.#reader && (!reader.destroyed || this.#kept !== undefined)) this.#message.pause()
  }

  #begin(): void {
    this.#hasBegun = true
    this.#continuing?.writeContinue()
    this.#message.on('data', this.#onData)
    this.#message.on('end', this.#onEnd)
    // A try that was over before it read may have paused it.
    this.#message.resume()
  }

  #replay(reader: BodyReader): void {
    const kept = this.#kept
    if (kept === undefined || reader.destroyed || reader.isPaused) return
    while (!reader.hasReadAll(kept)) {
      reader.pass(kept[reader.pieces])
      if (reader.destroyed || reader.isPaused) return
    }
    if (this.#hasEnded) reader.end()
    else this.#message.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    const reader = this.#reader
    if (this.#kept !== undefined) {
      if (this.#bytes > this.#keepMax) this.#kept = undefined
      else this.#kept.push(chunk)
    }
    if (this.#bytesMax > 0 && this.#bytes > this.#bytesMax) {
      if (reader?.destroyed === false) this.#watcher.onBodyTooLong()
      return
    }
    if (reader === undefined || reader.destroyed) return
    this.#watcher.onBodyMoved()
    // A reader that is not there yet comes by what was kept.
    if (this.#kept === undefined || reader.pieces === this.#kept.length - 1) reader.pass(chunk)
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true
    const reader = this.#reader
    if (reader !== undefined && (this.#kept === undefined || reader.hasReadAll(this.#kept))) reader.end()
  }
}

/** Who is given a body piece by piece. */
export interface BodyTaker {
  onPiece(piece: Buffer): void
  onEnd(): void
}

/** A body as one try reads it. */
export class BodyReader {
  destroyed = false
  isPaused = true
  /** Pieces it was given. */
  pieces = 0
  hasEnded = false
  readonly #body: RequestBody
  #taker: BodyTaker | undefined

  constructor(body: RequestBody) {
    this.#body = body
  }

  /** Begins to read; nothing is given within the call. */
  read(taker: BodyTaker): void {
    this.#taker = taker
    this.resume()
  }

  /** Fields that came behind the body, raw; there when it has ended. */
  get trailers(): readonly string[] {
    return this.#body.trailers
  }

  hasReadAll(kept: readonly Buffer[]): boolean {
    return this.pieces >= kept.length
  }

  pass(piece: Buffer): void {
    this.pieces++
    this.#taker?.onPiece(piece)
  }

  end(): void {
    if (this.destroyed || this.hasEnded) return
    this.hasEnded = true
    this.#taker?.onEnd()
  }

  resume(): void {
    this.isPaused = false
    if (!this.destroyed) this.#body.pull(this)
  }

  pause(): void {
    this.isPaused = true
    if (!this.destroyed) this.#body.hold(this)
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#body.hold(this)
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
