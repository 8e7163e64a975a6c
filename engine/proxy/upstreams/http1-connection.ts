import type { Socket } from 'node:net'
import { atEndOfTurn, type Waiting } from '../end-of-turn.ts'
import { Alarm } from './alarm.ts'
import { BodySender, printRequestHead } from './http1-request.ts'
import type { Http1Upstream } from './http1-upstream.ts'
import type { Dispatching, Link, Taker } from './link.ts'
import { isText } from './response-head.ts'
import { ResponseReader, type ResponseSink } from './response-reader.ts'
import { lifeMs } from './supply.ts'
import { noAnswer, noMore, UpstreamError } from './upstream-error.ts'

/** So much earlier than the endpoint would do it an idle connection is closed, in ms: a request may be on its way meanwhile. */
const KEEP_ALIVE_MARGIN_MS = 2000

/**
 * One HTTP/1.1 connection to an endpoint, and one request at a time on it.
 *
 *   dispatch ──▶ dial ──────────────▶ send ──▶ ResponseReader ──▶ taker ──▶ release ──▶ idle
 *       │           └─ another was free sooner ──▶ idle             └─ drop ──▶ closed
 *       └─ was idle ──▶ end of turn ──┘
 *
 * Before one that was idle is used, what has arrived on it is read: the endpoint may have closed it, or said something nobody
 * asked for, which would be taken for the answer. So it is used at the end of the turn in which it is taken, and all of them at once.
 */
export class Http1Connection implements Link, ResponseSink, Waiting {
  taker: Taker | undefined
  isReused = false
  isBegun = false
  /** Its request may go out on another one. */
  mayMove = false
  readonly #upstream: Http1Upstream
  readonly #reader = new ResponseReader(this)
  readonly #alarm = new Alarm(() => this.#onAlarm())
  readonly #diesAtMs: number
  #dialing: Socket | undefined
  #socket: Socket | undefined
  /** The request that is under way. */
  #sending: Dispatching | undefined
  #isSent = false
  #sender: BodySender | undefined
  #isPaused = false
  #isHandedOver = false
  #isEnded = false
  #error: Error | undefined

  constructor(upstream: Http1Upstream) {
    this.#upstream = upstream
    const { maxAge } = upstream.supply.connections
    this.#diesAtMs = maxAge > 0 ? performance.now() + lifeMs(maxAge, upstream.roll) : Number.POSITIVE_INFINITY
  }

  /** It takes no further request. */
  get isOld(): boolean {
    return this.#diesAtMs !== Number.POSITIVE_INFINITY && performance.now() >= this.#diesAtMs
  }

  /** Another request may follow the one that is over. */
  get mayGoOn(): boolean {
    const { mayGoOn, keepAliveS } = this.#reader
    const isWhole = this.#sender === undefined || this.#sender.isWhole
    const isKept = keepAliveS < 0 || keepAliveS * 1000 > KEEP_ALIVE_MARGIN_MS
    return mayGoOn && isKept && isWhole && this.#socket?.destroyed === false
  }

  /** Connects before it is needed. `onDialed` is told when it stands, or does not. */
  open(onDialed: () => void): void {
    this.#dial(error => {
      this.#onSpare(error)
      onDialed()
    })
  }

  dispatch(sending: Dispatching, taker: Taker): void {
    this.taker = taker
    this.#sending = sending
    this.isBegun = false
    this.#isSent = false
    this.#alarm.stop()
    if (this.#socket === undefined) {
      this.#upstream.onWaiting(this)
      this.#dial(error => {
        this.#upstream.onDialed(this)
        if (this.#sending === undefined) this.#onSpare(error)
        else if (error === undefined) this.#send()
        else this.#fail(error)
      })
    } else {
      this.isReused = true
      atEndOfTurn(this)
    }
  }

  /** What waits for this connection goes out on another one, and this one will be idle. */
  moveTo(other: Http1Connection): void {
    const { taker } = this
    const sending = this.#sending as Dispatching
    this.taker = undefined
    this.#sending = undefined
    taker?.onMoved(other)
    other.dispatch(sending, taker as Taker)
  }

  #onSpare(error: Error | undefined): void {
    if (error === undefined) this.#upstream.takeIn(this)
    else this.end()
  }

  /** The turn in which it was taken is over. */
  onEndOfTurn(): void {
    if (this.#sending === undefined) return
    if (this.#socket?.destroyed === false) this.#send()
    else this.#fail(new UpstreamError('not-processed', 'The endpoint closed a connection that was idle'))
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#alarm.set(this.#upstream.supply.timeouts.idle)
    this.#readOn()
  }

  #readOn(): void {
    this.#isPaused = false
    this.#socket?.resume()
  }

  release(): void {
    this.taker = undefined
    this.#sending = undefined
    this.#upstream.giveBack(this)
  }

  drop(): void {
    this.#upstream.discard(this)
  }

  /** Nobody uses it: it waits, as long as it may. */
  rest(): void {
    const { keepAlive } = this.#upstream.supply.connections
    const { keepAliveS } = this.#reader
    // What an endpoint says of its own patience can shorten ours, less a margin, and not make it longer.
    this.#alarm.set(keepAliveS < 0 ? keepAlive : Math.min(keepAlive, keepAliveS * 1000 - KEEP_ALIVE_MARGIN_MS))
  }

  /** Closes it. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.taker = undefined
    this.#sending = undefined
    this.#reader.stop()
    this.#alarm.end()
    this.#sender?.destroy()
    if (!this.#isHandedOver) this.#dialing?.destroy()
    this.#upstream.supply.router.endConnection()
  }

  #dial(onDialed: (error: Error | undefined) => void): void {
    this.#dialing = this.#upstream.dialer.dial((error, socket) => {
      if (this.#isEnded || error !== null || socket === null) {
        socket?.destroy()
        onDialed(error ?? new UpstreamError('closed', 'The connection was given up'))
        return
      }
      this.#socket = socket
      socket.on('error', this.#onError)
      socket.on('end', this.#onEnd)
      socket.on('close', this.#onClose)
      onDialed(socket.destroyed ? new UpstreamError('closed', 'The endpoint closed the connection') : undefined)
    }, this.#onBytes)
  }

  #send(): void {
    const sending = this.#sending as Dispatching
    const socket = this.#socket as Socket
    this.#isSent = true
    this.taker?.onSent()
    if (this.#isEnded) return
    this.#alarm.set(this.#upstream.supply.timeouts.firstByte)
    this.#reader.begin(sending.method, sending.upgrade !== undefined)
    const head = printRequestHead(sending, this.#upstream.host)
    if (!isText(head.text)) {
      this.#fail(new UpstreamError('bad-request', 'The head of the request holds what HTTP/1.1 has no byte for'))
    } else if (sending.body === null) {
      this.#sender = undefined
      socket.write(head.text, 'latin1')
    } else {
      this.#sender = new BodySender(socket, head, sending.body, flaw => this.#fail(flaw))
    }
  }

  /** What has come. False: for now no more of it, of a socket whose reader has changed. */
  readonly #onBytes = (bytes: Buffer): boolean => {
    if (this.#isHandedOver) return (this.#socket as Socket).push(Buffer.from(bytes))
    if (this.#sending === undefined || !this.#isSent) {
      // Nobody asked for it, and it would be taken for the answer to the next request.
      this.#socket?.destroy()
      return true
    }
    this.isBegun = true
    const reader = this.#reader
    reader.read(bytes)
    if (reader.flaw !== undefined) this.#fail(reader.flaw)
    else if (reader.hasHead && !this.#isPaused) this.#alarm.set(this.#upstream.supply.timeouts.idle)
    return true
  }

  onHead(status: number, fields: string[], text: string): void {
    if (status < 200) this.#alarm.set(this.#upstream.supply.timeouts.firstByte)
    this.taker?.onHead(status, fields, text)
  }

  onPiece(piece: Buffer): void {
    if (this.taker?.onPiece(piece) !== false || this.#isEnded) return
    this.#isPaused = true
    this.#socket?.pause()
  }

  onWhole(trailers: string[]): void {
    this.#alarm.stop()
    // Its last piece may have been one too many; the connection goes on.
    if (this.#isPaused) this.#readOn()
    this.taker?.onWhole(trailers)
  }

  onUpgrade(fields: string[], rest: Buffer): void {
    const socket = this.#socket as Socket
    this.#isHandedOver = true
    this.#alarm.end()
    socket.removeListener('data', this.#onBytes)
    socket.removeListener('end', this.#onEnd)
    socket.removeListener('close', this.#onClose)
    if (rest.length > 0) socket.unshift(Buffer.from(rest))
    this.taker?.onUpgrade(fields, socket)
  }

  readonly #onError = (error: Error): void => {
    this.#error ??= error
  }

  readonly #onEnd = (): void => {
    if (!this.#reader.finish()) this.#socket?.destroy()
  }

  readonly #onClose = (): void => {
    if (this.#sending === undefined) this.#upstream.onClosed(this)
    else if (this.#isSent) this.#fail(this.#error ?? new UpstreamError('closed', 'The endpoint closed the connection'))
  }

  #fail(error: Error): void {
    const { taker } = this
    if (this.#sending === undefined) return
    this.#sending = undefined
    this.#alarm.stop()
    this.#reader.stop()
    this.#sender?.destroy()
    this.#socket?.destroy()
    taker?.onBroken(error)
  }

  #onAlarm(): void {
    if (this.#sending === undefined) {
      this.#socket?.destroy()
      return
    }
    const { hasHead } = this.#reader
    const { firstByte, idle } = this.#upstream.supply.timeouts
    const { body } = this.#sending
    // As long as we send or do not read, it is not the endpoint that is slow.
    const isSending = !hasHead && body !== null && !body.hasEnded && !body.isPaused
    if (isSending || this.#isPaused) this.#alarm.set(hasHead ? idle : firstByte)
    else this.#fail(hasHead ? noMore(idle) : noAnswer(firstByte))
  }
}
