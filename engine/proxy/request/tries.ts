import { type Outcome, outcomeOfStatus } from '../../memory/outcomes.ts'
import { Tried } from '../../memory/tried.ts'
import { PICK } from '../../router/router.ts'
import type { Front, Lane } from '../front.ts'
import { type Reason, reasonOf } from '../message/reply.ts'
import { retryAfterMs } from '../message/retry-after.ts'
import { RETRIES } from '../telling/counters.ts'
import { Attempt } from './attempt.ts'
import { backOffMs } from './back-off.ts'
import type { Exchange, Sending } from './exchange.ts'
import { readFailure } from './failure.ts'
import type { Line } from './line.ts'

/** Methods that may be sent twice to the same effect (RFC 9110 9.2.2). */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Beside what a pick answers below 0: the budget of second tries has no room now. */
const NO_BUDGET = -100

/**
 * Where one request is tried, until one endpoint answers or none is left.
 *
 *   begin ──▶ pick ──▶ Attempt ──▶ onHead ──▶ the exchange answers
 *     │        ▲          │           │
 *     │        │          │           └─ a status that is worth another try ─┐
 *     │        │          └─ onBroken, onTryTimeout ─────────────────────────┤
 *     │        ├── at once elsewhere ◀───────────────────────────────────────┤   never where it was tried, while another is usable
 *     │        └── where it was, after a while ◀─────────────────────────────┘   when nobody else is
 *     └─ line: waits for room where a limit is reached
 *
 * Mostly one Attempt is under way. Where it is hedged, or its endpoint was taken out while it waited, there are two, and the
 * first to answer wins.
 */
export class Tries {
  readonly lane: Lane
  /** The try that is under way, and from its head on the one that answers. */
  attempt: Attempt | undefined
  /** How often the request was sent. */
  count = 0
  /** Id of the endpoint it was sent to last; empty before the first. */
  endpoint = ''
  readonly #exchange: Exchange
  readonly #front: Front
  readonly #sending: Sending
  readonly #hash: number
  readonly #startedAt: number
  readonly #isIdempotent: boolean
  /** A second try beside the first. */
  #other: Attempt | undefined
  #tried: Tried | undefined
  /** Its turn has not come: it waits in the line of its service. */
  #isWaiting = false
  #hedge: NodeJS.Timeout | undefined
  #pause: NodeJS.Timeout | undefined
  /** How long it has waited between tries, all in all. */
  #waitedMs = 0

  /** `startedAt`: when the request came, on the clock of performance.now. */
  constructor(exchange: Exchange, front: Front, lane: Lane, sending: Sending, hash: number, startedAt: number) {
    this.lane = lane
    this.#exchange = exchange
    this.#front = front
    this.#sending = sending
    this.#hash = hash
    this.#startedAt = startedAt
    this.#isIdempotent = IDEMPOTENT.has(sending.method)
  }

  begin(): void {
    const { line, retry, requestClass, protocol } = this.lane
    const { body } = this.#sending
    // HTTP/2 tells of a request that it was not begun with: then any may be sent again.
    const mayRepeat = this.#isIdempotent || protocol === 'http2'
    if (body !== null && mayRepeat && retry.attempts > 0 && retry.bodyBytes > 0) body.keep(retry.bodyBytes)
    if (line?.isBefore(requestClass) === true) {
      this.#wait(line)
      return
    }
    const ticket = this.#first()
    if (ticket >= 0 && this.#send(ticket, false)) return
    const isFull = ticket >= 0 || ticket === PICK.OVERLOADED
    if (isFull && line !== undefined) this.#wait(line)
    else this.#exchange.refuse(isFull ? 'overloaded' : reasonOf(ticket))
  }

  #first(): number {
    return this.lane.router.pick(this.#hash, undefined, this.lane.requestClass)
  }

  /** Sends the request with this ticket. False: the service may have no more connections. */
  #send(ticket: number, isRetry: boolean): boolean {
    // Of the first try all that the request waited for is part of its time.
    const sentAt = this.count === 0 ? this.#startedAt : performance.now()
    const attempt = new Attempt(this, this.#exchange, this.#front, ticket, isRetry, sentAt)
    if (!attempt.send(this.#sending)) return false
    this.count++
    this.endpoint = attempt.endpoint
    if (this.attempt === undefined) this.attempt = attempt
    else this.#other = attempt
    const { hedge } = this.lane.retry
    if (isRetry) this.#front.counters[RETRIES]++
    else if (hedge > 0 && this.#isHedgeable) this.#hedge = setTimeout(() => this.hedge(), hedge)
    return true
  }

  #wait(line: Line): void {
    if (line.enter(this)) this.#isWaiting = true
    else this.#exchange.refuse('overloaded')
  }

  get requestClass(): number {
    return this.lane.requestClass
  }

  /** Line: there may be room. False: there is not. */
  onTurn(): boolean {
    const ticket = this.#first()
    if (ticket === PICK.OVERLOADED || (ticket >= 0 && !this.#send(ticket, false))) return false
    this.#isWaiting = false
    if (ticket < 0) this.#exchange.refuse(reasonOf(ticket))
    return true
  }

  /** Line: it has waited as long as it may. */
  onWaitedTooLong(): void {
    this.#isWaiting = false
    this.#exchange.refuse('queue-timeout')
  }

  /** A response head, raw: the answer, unless another try may bring a better one. */
  onHead(attempt: Attempt, status: number, fields: string[], text: string): void {
    if (status >= 400 && this.lane.retry.statuses.includes(status) && this.#tryInstead(attempt, status, fields)) return
    this.#exchange.onHead(attempt, status, fields, text)
  }

  /** This one answers: another that is under way is given up, and no further one will be made. */
  choose(attempt: Attempt): void {
    clearTimeout(this.#hedge)
    this.#sending.body?.forget()
    if (this.#other === undefined) return
    const loser = attempt === this.attempt ? this.#other : this.attempt
    this.attempt = attempt
    this.#other = undefined
    loser?.clock()
    loser?.cancel('abandoned')
  }

  /** What the request began may be kept where it was answered: its session goes along. */
  keepSession(attempt: Attempt): void {
    if (this.count > 1) this.lane.router.keep(this.#hash, attempt.ticket)
  }

  /** A try has failed before it answered. */
  onBroken(attempt: Attempt, error: unknown): void {
    const { reason, outcome, retry } = readFailure(error, attempt.isSent)
    attempt.clock()
    if (retry === 'never' || (retry === 'idempotent' && !this.#isIdempotent)) this.giveUp(attempt, reason, outcome)
    else this.#tryAfter(attempt, reason, outcome)
  }

  /** A try has had its time and has not answered. */
  onTryTimeout(attempt: Attempt): void {
    attempt.clock()
    if (this.#isIdempotent) this.#tryAfter(attempt, 'first-byte-timeout', 'timeout')
    else this.giveUp(attempt, 'first-byte-timeout', 'timeout')
  }

  /** The endpoint may answer too late or not at all: a second one is asked as well, if there is one and it is safe. */
  hedge(): void {
    const { attempt } = this
    if (attempt === undefined || attempt.isAnswered || this.#other !== undefined) return
    if (!this.#isHedgeable || !this.#isLeft) return
    const ticket = this.#elsewhere(attempt.row)
    if (ticket >= 0) this.#send(ticket, true)
  }

  get #isHedgeable(): boolean {
    return this.#sending.body === null && this.#sending.upgrade === undefined && this.#isIdempotent
  }

  /** No further try for this one; while another is under way, that decides. */
  giveUp(attempt: Attempt, reason: Reason, outcome: Outcome): void {
    attempt.cancel(outcome)
    if (!this.#forget(attempt)) this.#exchange.refuse(reason)
  }

  /** After a failure: the other try that is under way, or another one, at once elsewhere or a little later where it was. */
  #tryAfter(attempt: Attempt, reason: Reason, outcome: Outcome): void {
    attempt.cancel(outcome)
    if (this.#forget(attempt)) return
    if (this.#isRepeatable && this.#isLeft) {
      const ticket = this.#elsewhere(attempt.row)
      if (ticket >= 0 && this.#send(ticket, true)) return
      if ((ticket === PICK.NO_ENDPOINT || ticket === NO_BUDGET) && this.#later(reason)) return
    }
    this.#exchange.refuse(reason)
  }

  /**
   * Instead of an answer of this status: another try elsewhere, or where the endpoint said how soon to come back (Retry-After),
   * there. False: this answer will have to do.
   */
  #tryInstead(attempt: Attempt, status: number, fields: string[]): boolean {
    if (!this.#isIdempotent || !this.#isRepeatable || !this.#isLeft) return false
    if (this.#other !== undefined) {
      attempt.dismiss(outcomeOfStatus(status))
      return this.#forget(attempt)
    }
    const ticket = this.#elsewhere(attempt.row)
    if (ticket < 0) {
      const afterMs = ticket === PICK.NO_ENDPOINT ? retryAfterMs(fields) : undefined
      if (afterMs === undefined || !this.#later('no-endpoint', afterMs)) return false
    }
    attempt.dismiss(outcomeOfStatus(status))
    this.#forget(attempt)
    if (ticket >= 0 && !this.#send(ticket, true)) this.#exchange.refuse('overloaded')
    return true
  }

  get #isRepeatable(): boolean {
    const { body } = this.#sending
    return body === null || body.isRepeatable
  }

  /** This try is out of the race. True when another is still in it. */
  #forget(attempt: Attempt): boolean {
    if (this.attempt === attempt) this.attempt = this.#other
    this.#other = undefined
    return this.attempt !== undefined
  }

  /** A ticket for one more try, at an endpoint that was not tried, with a place in the budget; below 0 when there is none. */
  #elsewhere(row: number): number {
    const { router, requestClass } = this.lane
    const tried = (this.#tried ??= new Tried())
    tried.add(row)
    if (!router.tryRetry()) return NO_BUDGET
    const ticket = router.pick(this.#hash, tried, requestClass)
    if (ticket < 0) router.endRetry()
    return ticket
  }

  /** The same, and where nobody else is usable, at one that was tried. */
  #anywhere(): number {
    const { router, requestClass } = this.lane
    if (!router.tryRetry()) return NO_BUDGET
    let ticket = router.pick(this.#hash, this.#tried, requestClass)
    if (ticket === PICK.NO_ENDPOINT) ticket = router.pick(this.#hash, undefined, requestClass)
    if (ticket < 0) router.endRetry()
    return ticket
  }

  /**
   * Waits, and then tries wherever it can; where it cannot, the request is refused for this reason. For room in the budget it waits
   * again: when an endpoint dies with many requests, they go on a few at a time instead of failing. `afterMs`: what the endpoint
   * asked for, if it did. False, and nothing will happen, where that or what it has waited already is too long.
   */
  #later(reason: Reason, afterMs = 0): boolean {
    const { retry } = this.lane
    if (afterMs > retry.maxBackOff || this.#waitedMs >= retry.maxBackOff) return false
    const waitMs = Math.max(afterMs, backOffMs(this.count, retry, this.#front.roll()))
    this.#waitedMs += waitMs
    this.#pause = setTimeout(() => {
      const ticket = this.#anywhere()
      if (ticket >= 0 && this.#send(ticket, true)) return
      if (ticket === NO_BUDGET && this.#later(reason)) return
      this.#exchange.refuse(reason)
    }, waitMs)
    return true
  }

  get #isLeft(): boolean {
    return this.count <= this.lane.retry.attempts
  }

  /** Ends all that is under way. */
  cancel(outcome: Outcome): void {
    clearTimeout(this.#hedge)
    if (this.#isWaiting) this.lane.line?.leave(this)
    this.#isWaiting = false
    clearTimeout(this.#pause)
    this.attempt?.cancel(outcome)
    this.#other?.cancel('abandoned')
    this.#other = undefined
  }
}
