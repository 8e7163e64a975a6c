import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Dispatcher } from 'undici'
import { elapsedMs } from '../memory/clock.ts'
import { hashKey } from '../memory/hash-key.ts'
import { type Outcome, outcomeOfStatus } from '../memory/outcomes.ts'
import type { Connection } from './connection.ts'
import { NO_RESPONSE } from './counters.ts'
import { readBreak, readFailure } from './failure.ts'
import type { Front, Lane } from './front.ts'
import { readResponseHead, readTrailers } from './headers.ts'
import { INTERIM_MAX, passInterim } from './interim.ts'
import { type Reason, reasonOf, replyFor } from './reply.ts'
import { linger, type RequestBody } from './request-body.ts'
import { Tries } from './tries.ts'

/** Up to here a body is cheaper to send as text than as a buffer of its own, in bytes. */
const TEXT_BYTES_MAX = 4096

/** What undici is handed for each try; the same object for all tries of a request. */
export interface Sending {
  path: string
  method: Dispatcher.HttpMethod
  headers: string[]
  body: RequestBody | null
}

/**
 * One request and its response.
 *
 *   pick ──▶ send ──▶ onConnect ──▶ onHeaders ──▶ onData … ──▶ onComplete ──▶ over
 *    ▲                    │             │             │
 *    └──── next try ◀── onError ◀───────┘             └──▶ cut: the downstream sees that it is not whole
 *
 * It is the handler undici calls, in undici's lean style: raw header arrays, no stream. A ticket is held from pick until
 * the upstream's last byte, and settled exactly once: with what the try came to, or as abandoned when the downstream
 * went away.
 */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connection: Connection
  /** The connection closes after this response. */
  isLast: boolean
  readonly #front: Front
  readonly #startedAt: number
  #tries: Tries | undefined
  #sending: Sending | undefined
  #host = ''
  #path = ''
  #hasBody = false
  /** The line that gives the downstream the session that begins with this request; empty where none does. */
  #setCookie = ''
  #status = 0
  #bytes = 0
  #interim = 0
  #reason = ''
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #deadline: NodeJS.Timeout | undefined
  #isSent = false
  #isOver = false
  #hasFlushed = false
  #hasEnded = false
  /** Declared length of the response body; −1 where none is. */
  #wholeLength = -1
  #hasDrain = false
  #isStalled = false
  #waitsSinceMs = 0

  constructor(front: Front, connection: Connection, request: IncomingMessage, response: ServerResponse) {
    this.#front = front
    this.connection = connection
    this.request = request
    this.response = response
    this.isLast = front.isDraining
    this.#startedAt = performance.now()
    connection.add(this)
  }

  /** What the access log calls it, and whether a body belongs to it; said before anything is answered. */
  name(host: string, path: string, hasBody: boolean): void {
    this.#host = host
    this.#path = path
    this.#hasBody = hasBody
  }

  /** Whether all of the request has arrived. Of one without a body it has, even if the parser has not said so yet. */
  get isWhole(): boolean {
    return !this.#hasBody || this.request.complete
  }

  /**
   * Sends it to an endpoint of this lane, and to further ones as long as that is safe and allowed. `isSecure` says that it
   * came over TLS.
   */
  begin(lane: Lane, sending: Sending, isSecure: boolean): void {
    this.#sending = sending
    if (lane.timeouts.request > 0) {
      this.#deadline = setTimeout(() => this.#onDeadline(), lane.timeouts.request)
    }
    let hash = lane.hashOf?.(this.request, sending.path, this.connection.remote) ?? 0
    if (hash === 0 && lane.cookie !== undefined) {
      const { id, line } = lane.cookie.begin(isSecure)
      hash = hashKey(id)
      this.#setCookie = line
    }
    const tries = new Tries(this.#front, lane, hash, this.#startedAt)
    this.#tries = tries
    const ticket = tries.first()
    if (ticket < 0) this.refuse(reasonOf(ticket))
    else this.#send(tries, sending)
  }

  #send(tries: Tries, sending: Sending): void {
    this.#isSent = false
    this.#abort = undefined
    const client = tries.connect()
    if (client === undefined) {
      this.refuse('overloaded')
      return
    }
    client.dispatch(sending as unknown as Dispatcher.DispatchOptions, this as unknown as Dispatcher.DispatchHandler)
  }

  /** undici: the connection stands, the request goes out now. */
  onConnect(abort: () => void): void {
    this.#abort = abort
    this.#isSent = true
    if (this.#isOver) abort()
  }

  /** undici: a response head, raw. False asks for a pause before the body. */
  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    if (status < 200) {
      if (++this.#interim > INTERIM_MAX) this.#fail('bad-response', 'error')
      else passInterim(this.request, this.response, status, raw)
      return true
    }
    this.#tries?.clock()
    const { response } = this
    const head = readResponseHead(raw, status !== 204)
    if (head.hasForeignCoding) {
      this.#fail('bad-response', 'error')
      return true
    }
    if (this.isLast || !this.isWhole) {
      this.connection.isClosing = true
      head.headers.push('Connection', 'close')
    }
    if (this.#setCookie !== '') head.headers.push('Set-Cookie', this.#setCookie)
    // What the request began may be kept there: its session goes along.
    if (status < 500) this.#tries?.keepSession()
    const text = statusText === STATUS_CODES[status] || /^[\t -~]*$/.test(statusText) ? statusText : ''
    response.writeHead(status, text, head.headers)
    this.#status = status
    this.#wholeLength = head.length
    this.#resume = resume
    this.#front.flushLater(this)
    return true
  }

  /** undici: a piece of the body. False asks for a pause. */
  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (chunk.length === this.#wholeLength && !this.#hasFlushed && this.isWhole) {
      // Most bodies come in one piece: head and body leave in one write, a small body as text beside the head's.
      this.#hasFlushed = true
      this.#hasEnded = true
      if (chunk.length > TEXT_BYTES_MAX) this.response.end(chunk)
      else this.response.end(chunk.toString('latin1'), 'latin1')
      return true
    }
    this.#hasFlushed = true
    if (this.response.write(chunk)) return true
    if (!this.#hasDrain) {
      this.#hasDrain = true
      this.response.on('drain', () => {
        this.#isStalled = false
        if (!this.#isOver) this.#resume?.()
      })
    }
    this.#isStalled = true
    this.#wait()
    return false
  }

  /** undici: the response is whole. */
  onComplete(trailers: Buffer[]): void {
    if (this.#isOver) return
    const { response } = this
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(readTrailers(trailers))
    if (this.isWhole) this.#tries?.release()
    this.#settle(outcomeOfStatus(this.#status))
    this.#hasFlushed = true
    if (!this.#hasEnded) {
      if (this.isWhole) response.end()
      else linger(this.request, response)
    }
    this.#end()
  }

  /** undici: this try has failed. */
  onError(error: unknown): void {
    if (this.#isOver) return
    if (this.#status !== 0) {
      this.#cut('upstream-broke', readBreak(error, this.#status))
      return
    }
    const { reason, outcome, retry } = readFailure(error, this.#isSent)
    this.#tries?.clock()
    this.#settle(outcome)
    if (retry === 'never' || (retry === 'idempotent' && !this.#isIdempotent()) || !this.#tryAgain(retry)) {
      this.refuse(reason)
    }
  }

  /** Another try elsewhere. False when there is none left, or nowhere to go. */
  #tryAgain(retry: 'always' | 'idempotent'): boolean {
    const tries = this.#tries as Tries
    const sending = this.#sending as Sending
    if (sending.body?.hasBegun || !tries.again(retry)) return false
    this.#send(tries, sending)
    return true
  }

  #isIdempotent(): boolean {
    const { method } = this.request
    return this.#sending?.body === null && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS')
  }

  /** Answers by itself. Where a response has begun already, there is nothing left but to cut it. */
  refuse(reason: Reason): void {
    if (this.#isOver) return
    if (this.response.headersSent) {
      this.#cut(reason, 'abandoned')
      return
    }
    const { status, headers, body } = replyFor(reason)
    this.#reason = reason
    this.#answer(status, headers, body)
  }

  /** Answers with no content, for requests that are meant for the proxy itself. */
  answerEmpty(): void {
    this.#answer(204, ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'], '')
  }

  #answer(status: number, headers: readonly string[], body: string): void {
    const { response, request } = this
    this.#settle('abandoned')
    this.#status = status
    this.#bytes = body.length
    this.#hasFlushed = true
    const { isWhole } = this
    const closes = this.isLast || !isWhole
    if (closes) this.connection.isClosing = true
    response.writeHead(status, closes ? [...headers, 'Connection', 'close'] : (headers as string[]))
    if (isWhole) {
      response.end(body)
    } else {
      response.write(body)
      linger(request, response)
    }
    this.#end()
    this.#abort?.()
  }

  /** The upstream's fault, found by us rather than by undici, before anything was answered. */
  #fail(reason: Reason, outcome: Outcome): void {
    this.#settle(outcome)
    this.refuse(reason)
  }

  /** Breaks a response off, so that the downstream sees that it is not whole. */
  #cut(reason: string, outcome: Outcome): void {
    this.#reason = reason
    this.#settle(outcome)
    this.#end()
    this.#abort?.()
    // To HTTP/1.0 a body may end with the connection: an orderly end would look like the end of it.
    if (this.request.httpVersionMinor === 0) this.connection.socket.resetAndDestroy()
    else this.connection.socket.destroy()
  }

  /** The downstream has gone, or is given up. */
  abandon(reason: string): void {
    if (this.#isOver) return
    this.#reason = reason
    this.#settle('abandoned')
    this.#end()
    this.#abort?.()
  }

  #settle(outcome: Outcome): void {
    this.#tries?.settle(outcome)
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#deadline)
    const front = this.#front
    if (this.#hasDrain || this.#sending?.body) front.waiting.delete(this)
    this.#sending?.body?.destroy()
    this.connection.remove(this, front.nowMs())
    front.counters[this.#status === 0 ? NO_RESPONSE : (this.#status / 100) | 0]++
    front.log?.write({
      method: this.request.method ?? '',
      host: this.#host,
      path: this.#path,
      status: this.#status,
      bytes: this.#bytes,
      durationMs: performance.now() - this.#startedAt,
      service: this.#tries?.lane.service ?? '',
      endpoint: this.#tries?.endpoint ?? '',
      attempts: this.#tries?.count ?? 0,
      reason: this.#reason,
      remote: this.connection.remote,
    })
  }

  /** Sends the head now if no piece of the body has taken it along. */
  flush(): void {
    if (this.#hasFlushed || this.#isOver) return
    this.#hasFlushed = true
    this.response.flushHeaders()
  }

  onBodyMoved(): void {
    this.#wait()
  }

  onBodyTooLong(): void {
    this.refuse('body-too-large')
  }

  #wait(): void {
    this.#waitsSinceMs = this.#front.nowMs()
    this.#front.waiting.add(this)
  }

  /** Gives up on a downstream that neither sends its body nor reads its response. `nowMs` on the cached clock. */
  checkPatience(nowMs: number): void {
    const waited = elapsedMs(nowMs, this.#waitsSinceMs)
    if (this.#isStalled) {
      const idle = this.#tries?.lane.timeouts.idle ?? 0
      if (idle > 0 && waited > idle) this.#cut('downstream-stalled', 'abandoned')
    } else if (this.#status !== 0 || this.request.complete) {
      this.#front.waiting.delete(this)
    } else if (this.#sending?.body?.isPaused !== true) {
      // While it is the upstream that does not read, undici's clock runs, not this one.
      const { bodyIdle } = this.#front.limits
      if (bodyIdle > 0 && waited > bodyIdle) this.refuse('body-timeout')
    }
  }

  #onDeadline(): void {
    if (this.#isOver) return
    this.#tries?.clock()
    if (this.#status !== 0) this.#cut('request-timeout', 'timeout')
    else this.#fail('request-timeout', 'timeout')
  }
}
