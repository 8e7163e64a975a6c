import type { Duplex, Readable } from 'node:stream'
import { type Outcome, outcomeOfStatus } from '../memory/outcomes.ts'
import { rowOfTicket } from '../memory/ticket.ts'
import type { Router } from '../router/router.ts'
import { type AnswerHeaders, hearLoad } from '../upstream/heard-load.ts'
import { outcomeOf } from './fault.ts'
import type { Tries } from './tries.ts'

/** Too many requests: another endpoint may have room. */
const TOO_MANY = 429

export interface AttemptStart {
  router: Router
  /** The key it was picked by; 0: none. */
  hash: number
  ticket: number
  tries: Tries
  /** What its further tries are known by. */
  request: object
  body: unknown
  isRetry: boolean
  /** Whether the dispatcher ended it, rather than anything that happened to it. */
  isDestroyed: () => boolean
}

/**
 * One request at one endpoint: holds the ticket from pick until the request is over, and settles it exactly once. The
 * two handler styles report to it what they see.
 */
export class Attempt {
  readonly #router: Router
  readonly #tries: Tries
  readonly #request: object
  /** It has a place in the budget of retries. */
  readonly #isRetry: boolean
  readonly #isDestroyed: () => boolean
  readonly #sentAt = performance.now()
  readonly #hash: number
  readonly #body: Readable | undefined
  #ticket: number
  #status = 0
  #latencyUs = 0
  #isConnected = false
  #isWithdrawn = false
  #isLate = false

  constructor({ router, hash, ticket, tries, request, body, isRetry, isDestroyed }: AttemptStart) {
    this.#router = router
    this.#hash = hash
    this.#ticket = ticket
    this.#tries = tries
    this.#request = request
    this.#isRetry = isRetry
    this.#isDestroyed = isDestroyed
    if (isStream(body)) {
      this.#body = body
      // undici passes the body's error on like one of the connection; but it hears of it after this listener.
      body.on('error', this.#onBodyError)
    }
  }

  /** The connection stands. */
  connect(): void {
    this.#isConnected = true
  }

  /**
   * The request was aborted, or its handler threw. A time limit of the caller's (`AbortSignal.timeout`) that passes
   * before anything was answered is the endpoint's timeout.
   */
  withdraw(reason: unknown): void {
    if (this.#isWithdrawn) return
    this.#isWithdrawn = true
    this.#isLate = this.#status === 0 && (reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
  }

  /** A response head has come; interim ones (1xx) do not count. */
  head(status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    hearLoad(this.#router, this.#ticket, headers)
    this.#status = status
    this.#latencyUs = this.#elapsedUs()
    // What a second try began may be kept there: its session goes along.
    const isSecond = this.#tries.of(this.#request) !== undefined
    if (isSecond && status < 500 && status !== TOO_MANY) this.#router.keep(this.#hash, this.#ticket)
  }

  /** The last byte has come. */
  complete(): void {
    this.#settle(outcomeOfStatus(this.#status))
  }

  /** The connection is the handler's from now on: in flight until it closes. */
  upgrade(status: number, socket: Duplex): void {
    this.#status = status
    this.#latencyUs = this.#elapsedUs()
    socket.once('close', () => this.complete())
  }

  /** undici gave it up. */
  fail(error: unknown): void {
    if (this.#status >= 500) this.#settle(outcomeOfStatus(this.#status))
    else if (this.#isLate) this.#settle('timeout')
    else if (this.#isWithdrawn || this.#isDestroyed()) this.#settle('abandoned')
    else this.#settle(outcomeOf(error, this.#isConnected, this.#status !== 0))
  }

  readonly #onBodyError = (error: unknown): void => this.withdraw(error)

  #settle(outcome: Outcome): void {
    const ticket = this.#ticket
    if (ticket < 0) return
    this.#ticket = -1
    this.#body?.off('error', this.#onBodyError)
    const hasFailed = outcome !== 'ok' && outcome !== 'abandoned'
    if (hasFailed || this.#status === TOO_MANY) this.#tries.add(this.#request, rowOfTicket(ticket))
    else this.#tries.forget(this.#request)
    if (hasFailed && this.#status === 0) this.#latencyUs = this.#elapsedUs()
    this.#router.settle(ticket, outcome, this.#latencyUs)
    if (this.#isRetry) this.#router.endRetry()
  }

  #elapsedUs(): number {
    return Math.round((performance.now() - this.#sentAt) * 1000)
  }
}

function isStream(body: unknown): body is Readable {
  const { pipe, on } = (body ?? {}) as Partial<Readable>
  return typeof pipe === 'function' && typeof on === 'function'
}
