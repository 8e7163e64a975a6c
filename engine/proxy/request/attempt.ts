import type { Socket } from 'node:net'
import type { Outcome } from '../../memory/outcomes.ts'
import { rowOfTicket } from '../../memory/ticket.ts'
import { hearLoad } from '../../upstream/heard-load.ts'
import type { Front, Lane } from '../front.ts'
import type { Dispatching, Link, Taker, Upstream } from '../upstreams/link.ts'
import type { Exchange, Sending } from './exchange.ts'
import { isStale } from './failure.ts'
import { IDEMPOTENT, type Tries } from './tries.ts'

/** What is left of an answer nobody wants is read up to here, to keep its connection; beyond, the connection is closed. In bytes. */
const UNWANTED_BYTES_MAX = 64 * 1024
/** A body that is shorter comes as fast as its first packets do, and says little of what its endpoint can carry. In bytes. */
const TIMED_BYTES_MIN = 64 * 1024
/** What took less was there before it was asked for: how fast it came nobody can say. */
const TIMED_MS_MIN = 1

/**
 * One try of a request at one endpoint: the ticket, the connection, and what comes of it there.
 *
 *   send ──▶ onSent ──▶ onHead ──▶ onPiece … ──▶ onWhole      told to Tries until it answers, then to Exchange
 *     │        │          │
 *     └────────┴──────────┴─▶ onBroken
 *
 * It is who a link tells. A connection that turns out closed, for it was idle for long, is no failure: the request goes out again at
 * once, on a new one, within the same try. A request may have more than one under way, where it is hedged. The ticket is settled
 * exactly once, by what the try came to.
 */
export class Attempt implements Taker {
  /** Id of the endpoint; empty until the request was sent. */
  endpoint = ''
  readonly row: number
  readonly ticket: number
  /** From sending to the answer's first byte, or to what ended the try, in µs. */
  latencyUs = 0
  /** The connection stood and the request went out on it. */
  isSent = false
  /** A response head has come. */
  isAnswered = false
  readonly #tries: Tries
  readonly #exchange: Exchange
  readonly #front: Front
  readonly #lane: Lane
  /** It holds a place in the budget of second tries. */
  readonly #isRetry: boolean
  #sentAt: number
  #upstream: Upstream | undefined
  #link: Link | undefined
  #sending: Sending | undefined
  #isSecondLink = false
  #deadline: NodeJS.Timeout | undefined
  #isSettled = false
  /** Nobody asks any more what comes of it. */
  #isDismissed = false
  #unwantedBytes = 0

  /** `sentAt`: when its time began, on the clock of performance.now. */
  constructor(tries: Tries, exchange: Exchange, front: Front, ticket: number, isRetry: boolean, sentAt: number) {
    this.#tries = tries
    this.#exchange = exchange
    this.#front = front
    this.#lane = tries.lane
    this.ticket = ticket
    this.row = rowOfTicket(ticket)
    this.#isRetry = isRetry
    this.#sentAt = sentAt
  }

  /** Sends the request. False: the service may have no more connections, and the ticket is given back. */
  send(sending: Sending): boolean {
    const endpoint = this.#lane.router.endpoint(this.ticket)
    this.endpoint = endpoint.id
    const upstream = this.#front.upstreams.of(endpoint, this.#lane)
    const link = upstream.take(this, false)
    if (link === undefined) {
      this.settle('abandoned')
      return false
    }
    this.#upstream = upstream
    this.#link = link
    this.#sending = sending
    const { perTry } = this.#lane.retry
    if (perTry > 0) this.#deadline = setTimeout(() => this.#tries.onTryTimeout(this), perTry)
    this.#dispatch(link, sending)
    return true
  }

  #dispatch(link: Link, sending: Sending): void {
    link.dispatch(sending.body === null ? (sending as Dispatching) : { ...sending, body: sending.body.open() }, this)
  }

  onMoved(link: Link): void {
    this.#link = link
  }

  onSent(): void {
    this.isSent = true
  }

  onHead(status: number, fields: string[], text: string): void {
    if (this.#isDismissed) return
    if (status < 200) {
      this.#exchange.onInterim(this, status, fields)
      return
    }
    clearTimeout(this.#deadline)
    this.isAnswered = true
    this.clock()
    hearLoad(this.#lane.router, this.ticket, fields)
    this.#tries.onHead(this, status, fields, text)
  }

  onUpgrade(fields: string[], socket: Socket): void {
    if (this.#isDismissed) {
      socket.destroy()
      return
    }
    clearTimeout(this.#deadline)
    this.isAnswered = true
    this.clock()
    this.#exchange.onUpgrade(this, fields, socket)
  }

  onPiece(piece: Buffer): boolean {
    if (!this.#isDismissed) return this.#exchange.onPiece(piece)
    this.#unwantedBytes += piece.length
    if (this.#unwantedBytes > UNWANTED_BYTES_MAX) this.#drop()
    return true
  }

  onWhole(trailers: string[]): void {
    if (this.#isDismissed) this.release()
    else this.#exchange.onWhole(this, trailers)
  }

  onBroken(error: unknown): void {
    if (this.#isDismissed) this.#drop()
    else if (this.isAnswered) this.#exchange.onBroken(error)
    else if (!this.#sendAgain(error)) this.#tries.onBroken(this, error)
  }

  /** Sends it once more, on a new connection, where the old one was all that was wrong. */
  #sendAgain(error: unknown): boolean {
    const link = this.#link
    const sending = this.#sending
    if (this.#isSecondLink || link === undefined || sending === undefined) return false
    if (sending.body?.isRepeatable === false) return false
    if (!isStale(error, link.isReused, link.isBegun, IDEMPOTENT.has(sending.method))) return false
    this.#drop()
    const fresh = this.#upstream?.take(this, true)
    if (fresh === undefined) return false
    this.#isSecondLink = true
    this.isSent = false
    this.#link = fresh
    this.#dispatch(fresh, sending)
    return true
  }

  /** When it began to wait for a response head, on the clock of performance.now; infinity when it does not, or no more. */
  get waitsSince(): number {
    return this.isAnswered || this.#isDismissed ? Number.POSITIVE_INFINITY : this.#sentAt
  }

  /** Its endpoint was taken out while it waits for an answer. */
  rescue(): void {
    if (!this.isAnswered && !this.#isDismissed) this.#tries.hedge()
  }

  /** Asks for more of a body that was paused. */
  resume(): void {
    this.#link?.resume()
  }

  /** Now is when it was answered, or given up. */
  clock(): void {
    this.latencyUs = Math.round((performance.now() - this.#sentAt) * 1000)
  }

  /** The response has come whole: so many bytes to a request of so many, and for so long it waited for who reads it. */
  carried(sent: number, received: number, stalledMs: number): void {
    let tookUs = 0
    if (received >= TIMED_BYTES_MIN) {
      const headAt = this.#sentAt + this.latencyUs / 1000
      tookUs = Math.round(Math.max(TIMED_MS_MIN, performance.now() - headAt - stalledMs) * 1000)
    }
    this.#front.traffic.carry(this.row, sent, received, tookUs)
  }

  /** The response has come whole: its connection serves others. */
  release(): void {
    this.#link?.release()
    this.#link = undefined
  }

  /** Says what the try came to. A link that was not released is dropped. */
  settle(outcome: Outcome): void {
    this.#end(outcome)
    this.#drop()
  }

  /** The same for a try that is under way: the upstream sees its connection close. */
  cancel(outcome: Outcome): void {
    this.#isDismissed = true
    this.#end(outcome)
    this.#drop()
  }

  /** The same for one whose answer nobody wants: what is left of it is read and forgotten, and its connection serves others. */
  dismiss(outcome: Outcome): void {
    this.#isDismissed = true
    this.#end(outcome)
  }

  #end(outcome: Outcome): void {
    clearTimeout(this.#deadline)
    if (this.#isSettled) return
    this.#isSettled = true
    const { router, line } = this.#lane
    router.settle(this.ticket, outcome, this.latencyUs)
    if (this.#isRetry) router.endRetry()
    line?.serve()
  }

  #drop(): void {
    this.#link?.drop()
    this.#link = undefined
  }
}
