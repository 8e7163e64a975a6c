import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { elapsedMs } from '../../memory/clock.ts'
import { hashKey } from '../../memory/hash-key.ts'
import { type Outcome, outcomeOfStatus } from '../../memory/outcomes.ts'
import type { Connection } from '../downstream/connection.ts'
import { atEndOfTurn, type Waiting } from '../end-of-turn.ts'
import type { Front, Lane } from '../front.ts'
import { type RequestHead, readResponseHead, readTrailers, readUpgradeHead } from '../message/headers.ts'
import { INTERIM_MAX, passInterim } from '../message/interim.ts'
import { printHead } from '../message/print-head.ts'
import type { Reason, Reply } from '../message/reply.ts'
import { classOf, NO_RESPONSE } from '../telling/counters.ts'
import { Telling } from '../telling/telling.ts'
import type { Attempt } from './attempt.ts'
import { readBreak } from './failure.ts'
import { Pace } from './pace.ts'
import type { RequestBody } from './request-body.ts'
import { Tries } from './tries.ts'
import { Tunnel } from './tunnel.ts'

/** Up to here a body is cheaper to send as text than as a buffer of its own, in bytes. */
const TEXT_BYTES_MAX = 4096

/** What is sent, the same for every try. */
export interface Sending {
  path: string
  method: string
  headers: string[]
  body: RequestBody | null
  /** The protocol that is asked for; undefined as a rule. */
  upgrade: string | undefined
}

/**
 * One request and its response: what the downstream sees, whoever answers.
 *
 *   begin ──▶ Tries ──▶ onHead ──▶ onPiece … ──▶ onWhole ──▶ over
 *               │          │          │
 *               ▼          └──────────┴─ onBroken ──▶ cut: the downstream sees that it is not whole
 *             refuse
 */
export class Exchange implements Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connection: Connection
  readonly telling: Telling
  /** The connection closes after this response. */
  isLast: boolean
  readonly #front: Front
  readonly #limits: Front['limits']
  #tries: Tries | undefined
  #tunnel: Tunnel | undefined
  /** What the downstream said already in the protocol it asked for. */
  #early: Buffer | undefined
  #sending: Sending | undefined
  #hasBody = false
  /** The line that gives the downstream the session that begins with this request; empty where none does. */
  #setCookie = ''
  #status = 0
  #bytes = 0
  #interim = 0
  #reason = ''
  #deadline: NodeJS.Timeout | undefined
  #isOver = false
  #hasFlushed = false
  #hasEnded = false
  /** Declared length of the response body; −1 where none is. */
  #wholeLength = -1
  #hasDrain = false
  #isStalled = false
  /** Since when its answer waits for who reads it, and how long it has before, on the clock of performance.now. */
  #stalledAt = 0
  #stalledMs = 0
  #waitsSinceMs = 0
  /** How fast its body comes; undefined until it has not come at once. */
  #pace: Pace | undefined

  constructor(front: Front, connection: Connection, request: IncomingMessage, response: ServerResponse) {
    this.#front = front
    this.#limits = front.limits
    this.connection = connection
    this.request = request
    this.response = response
    this.isLast = front.isDraining
    this.telling = new Telling(front, connection, request)
    connection.add(this)
  }

  /** What it says of itself, and whether a body belongs to it; said before anything is answered. */
  name(head: RequestHead, path: string, hasBody: boolean): void {
    this.#hasBody = hasBody
    this.telling.begin(head, path)
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
    let hash = lane.hashOf?.(this.request, sending.path, this.telling) ?? 0
    if (hash === 0 && lane.cookie !== undefined) {
      const { id, line } = lane.cookie.begin(isSecure)
      hash = hashKey(id)
      this.#setCookie = line
    }
    this.#tries = new Tries(this, this.#front, lane, sending, hash, this.telling.startedAt)
    this.#tries.begin()
  }

  /** An interim response. */
  onInterim(attempt: Attempt, status: number, fields: string[]): void {
    if (status >= 100 && ++this.#interim <= INTERIM_MAX) passInterim(this.request, this.response, status, fields)
    else this.#tries?.giveUp(attempt, 'bad-response', 'error')
  }

  /** Once it goes on in this protocol: what the downstream has said in it already. */
  takeEarly(early: Buffer): void {
    this.#early = early
  }

  /** The endpoint goes on in the protocol that was asked for: from now on bytes are passed, and it is over when either side ends. */
  onUpgrade(attempt: Attempt, fields: string[], upstream: Socket): void {
    const protocol = this.#sending?.upgrade ?? ''
    const { socket } = this.connection
    const headers = readUpgradeHead(fields, protocol)
    const tries = this.#tries as Tries
    if (headers === undefined) {
      upstream.destroy()
      tries.giveUp(attempt, 'bad-response', 'error')
      return
    }
    tries.choose(attempt)
    clearTimeout(this.#deadline)
    if (this.#setCookie !== '') headers.push('Set-Cookie', this.#setCookie)
    this.telling.answered(headers, attempt.latencyUs)
    tries.keepSession(attempt)
    this.#status = 101
    this.connection.isClosing = true
    this.response.detachSocket(socket as Socket)
    // node:http writes none for it: it has let go of the socket.
    socket.write(printHead(101, headers), 'latin1')
    if (this.#early !== undefined && this.#early.length > 0) upstream.write(this.#early)
    this.#tunnel = new Tunnel(socket, upstream, {
      isWebSocket: protocol.toLowerCase() === 'websocket',
      idleMs: tries.lane.timeouts.upgradeIdle,
      nowMs: this.#front.nowMs(),
      onEnd: () => this.abandon(''),
    })
    this.#front.waiting.add(this)
    if (this.#front.isDraining) this.#tunnel.drain()
  }

  /** Ends as soon as what has begun is over. True: it sees to its connection itself. */
  drain(): boolean {
    this.#tunnel?.drain()
    return this.#tunnel !== undefined
  }

  /** The head of the answer, raw. */
  onHead(attempt: Attempt, status: number, fields: string[], reason: string): void {
    const { response } = this
    const tries = this.#tries as Tries
    const head = readResponseHead(fields, status !== 204)
    if (status > this.connection.statusMax) {
      tries.giveUp(attempt, 'bad-response', 'error')
      return
    }
    tries.choose(attempt)
    tries.lane.responseEdits?.apply(head.headers)
    if (this.isLast || !this.isWhole) this.connection.announceEnd(head.headers, this.isLast)
    if (this.#setCookie !== '') head.headers.push('Set-Cookie', this.#setCookie)
    this.telling.answered(head.headers, attempt.latencyUs)
    if (status < 500) tries.keepSession(attempt)
    const text = reason === STATUS_CODES[status] || /^[\t -~]*$/.test(reason) ? reason : ''
    response.writeHead(status, text, head.headers)
    this.#status = status
    this.#wholeLength = head.length
    atEndOfTurn(this)
  }

  /** A piece of the answer's body, valid during the call alone. False asks for a pause. */
  onPiece(piece: Buffer): boolean {
    this.#bytes += piece.length
    if (piece.length === this.#wholeLength && !this.#hasFlushed && this.isWhole) {
      this.#hasFlushed = true
      this.#hasEnded = true
      this.#endWith(piece.length > TEXT_BYTES_MAX ? Buffer.from(piece) : piece.toString('latin1'))
      return true
    }
    this.#hasFlushed = true
    if (this.response.write(Buffer.from(piece))) return true
    if (!this.#hasDrain) {
      this.#hasDrain = true
      this.response.on('drain', () => {
        this.#endStall()
        if (!this.#isOver) this.#tries?.attempt?.resume()
      })
    }
    if (!this.#isStalled) this.#stalledAt = performance.now()
    this.#isStalled = true
    this.#watch()
    return false
  }

  #endStall(): void {
    if (this.#isStalled) this.#stalledMs += performance.now() - this.#stalledAt
    this.#isStalled = false
  }

  /**
   * Most bodies come in one piece: head and body leave in one write, a small body as text beside the head's. Where node:http ends a
   * response with its body it adds an empty piece, and two pieces cost a tenth of all a request takes; so the end comes by itself.
   */
  #endWith(body: Buffer | string): void {
    const { response } = this
    const { socket } = response
    if (!socket || body.length === 0) {
      // Its turn has not come, or it is a stream of HTTP/2.
      response.end(body, 'latin1')
      return
    }
    socket.cork()
    response.write(body, 'latin1')
    socket.uncork()
    response.end()
  }

  /** The answer is whole. */
  onWhole(attempt: Attempt, trailers: string[]): void {
    const { response } = this
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(readTrailers(trailers))
    if (this.isWhole) attempt.release()
    this.#endStall()
    attempt.carried(this.#sending?.body?.bytes ?? 0, this.#bytes, this.#stalledMs)
    attempt.settle(outcomeOfStatus(this.#status))
    this.#hasFlushed = true
    if (!this.#hasEnded) {
      if (this.isWhole) response.end()
      else this.connection.linger(this)
    }
    this.#end()
  }

  /** The answer has broken off. */
  onBroken(error: unknown): void {
    if (this.#isOver) return
    this.#cut('upstream-broke', readBreak(error, this.#status))
  }

  /** Answers by itself. Where a response has begun already, there is nothing left but to cut it. */
  refuse(reason: Reason): void {
    if (this.#isOver) return
    if (this.response.headersSent) {
      this.#cut(reason, 'abandoned')
      return
    }
    this.answer(this.connection.refusal(this, reason))
  }

  /** Answers with what a route, or a reason to refuse, says. Nothing must have been answered before. */
  answer({ reason, status, headers, body, sentStatus }: Reply): void {
    this.#reason = reason
    this.#answer(status, headers, this.request.method === 'HEAD' ? '' : body, sentStatus)
  }

  /** Answers with no content, for requests that are meant for the proxy itself. */
  answerEmpty(): void {
    this.#answer(204, ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'], '')
  }

  #answer(status: number, headers: readonly string[], body: string, sentStatus = status): void {
    const { response } = this
    this.#tries?.cancel('abandoned')
    this.#status = status
    this.#bytes = body.length
    this.#hasFlushed = true
    const { isWhole } = this
    const own = [...this.telling.ownAnswer(headers)]
    if (this.isLast || !isWhole) this.connection.announceEnd(own, this.isLast)
    response.writeHead(sentStatus, own)
    if (isWhole) {
      this.#endWith(body)
    } else {
      response.write(body, 'latin1')
      this.connection.linger(this)
    }
    this.#end()
  }

  /** Breaks a response off, so that the downstream sees that it is not whole. */
  #cut(reason: string, outcome: Outcome): void {
    this.#reason = reason
    this.#tries?.cancel(outcome)
    this.#end()
    this.connection.cut(this, reason)
  }

  /** The downstream has gone, or is given up. */
  abandon(reason: string): void {
    if (this.#isOver) return
    if (this.#tunnel !== undefined) {
      this.#bytes = this.#tunnel.bytesDown
      this.#tunnel.destroy()
      this.#tries?.cancel('ok')
    } else {
      this.#reason = reason
      this.#tries?.cancel('abandoned')
    }
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#deadline)
    const front = this.#front
    if (this.#hasDrain || this.#sending?.body || this.#tunnel) front.waiting.delete(this)
    this.#sending?.body?.destroy()
    this.connection.remove(this, front.nowMs())
    front.counters[this.#status === 0 ? NO_RESPONSE : classOf(this.#status)]++
    this.telling.end(this.#status, this.#bytes, this.#sending?.body?.bytes ?? 0, this.#reason, this.#tries)
  }

  /** Sends the head if no piece of the body has taken it along: an event stream may have nothing to say for long. */
  onEndOfTurn(): void {
    if (this.#hasFlushed || this.#isOver) return
    this.#hasFlushed = true
    this.response.flushHeaders()
  }

  onBodyMoved(): void {
    this.#watch()
  }

  onBodyTooLong(): void {
    this.refuse('body-too-large')
  }

  #watch(): void {
    this.#waitsSinceMs = this.#front.nowMs()
    this.#front.waiting.add(this)
  }

  /** Gives up on a downstream that neither sends its body nor reads its response. `nowMs` on the cached clock. */
  checkPatience(nowMs: number): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.checkPatience(nowMs)
      return
    }
    const waited = elapsedMs(nowMs, this.#waitsSinceMs)
    const body = this.#sending?.body ?? null
    if (this.#isStalled) {
      const idle = this.#tries?.lane.timeouts.idle ?? 0
      if (idle > 0 && waited > idle) this.#cut('downstream-stalled', 'abandoned')
      // An endpoint that cannot send on may not read on either: no time for the body to come in.
      else if (body !== null) this.#pace?.sample(nowMs, body.bytes, true)
    } else if (body === null || this.request.complete || (this.#status !== 0 && this.#isConversation)) {
      this.#front.waiting.delete(this)
    } else {
      const { bodyIdle, bodyRate } = this.#limits
      // While it is the upstream that does not read, the clock of its link runs, not this one.
      if (!body.isPaused && bodyIdle > 0 && waited > bodyIdle) this.refuse('body-timeout')
      else if (bodyRate > 0) {
        this.#pace ??= new Pace(bodyRate, bodyIdle, nowMs)
        if (!this.#pace.sample(nowMs, body.bytes, body.isPaused)) this.refuse('body-too-slow')
      }
    }
  }

  /**
   * Once such an endpoint has answered, body and answer may be messages that wait for each other, as those of gRPC: silence is bounded
   * by `timeouts.idle` then. Over HTTP/1.1 a body that is still coming is an upload.
   */
  get #isConversation(): boolean {
    return this.#tries?.lane.protocol === 'http2'
  }

  #onDeadline(): void {
    if (this.#isOver) return
    this.#tries?.attempt?.clock()
    if (this.#status !== 0) {
      this.#cut('request-timeout', 'timeout')
      return
    }
    this.#tries?.cancel('timeout')
    this.refuse('request-timeout')
  }
}
