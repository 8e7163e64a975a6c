import type { Client } from 'undici'
import { Tried } from '../memory/candidates.ts'
import type { Outcome } from '../memory/outcomes.ts'
import { rowOfTicket } from '../memory/ticket.ts'
import { RETRIES } from './counters.ts'
import type { Front, Lane } from './front.ts'
import type { Upstream } from './upstreams.ts'

/**
 * Where one request is tried: the endpoint, the connection to it, and what each try came to.
 *
 *   first ──▶ connect ──▶ … ──▶ release, settle
 *     ▲                          │
 *     └── again, elsewhere ◀─────┘ failed, and the budget of retries has room
 *
 * A ticket is held from the pick on and settled exactly once; so is the place in the budget that a second try takes.
 */
export class Tries {
  readonly lane: Lane
  /** Id of the last endpoint; empty before the first. */
  endpoint = ''
  /** How often it was sent. */
  count = 0
  /** From sending to the answer's first byte, or to what ended the try, in µs. */
  latencyUs = 0
  readonly #front: Front
  readonly #hash: number
  readonly #startedAt: number
  #ticket = -1
  /** Row of the last try. */
  #row = -1
  #upstream: Upstream | undefined
  #client: Client | undefined
  #tried: Tried | undefined
  #isRetry = false
  #sentAt = 0

  /** `startedAt`: when the request came, on the clock of performance.now. */
  constructor(front: Front, lane: Lane, hash: number, startedAt: number) {
    this.#front = front
    this.lane = lane
    this.#hash = hash
    this.#startedAt = startedAt
  }

  /** Picks where it goes first. Below 0: the reason why nowhere. */
  first(): number {
    return (this.#ticket = this.lane.router.pick(this.#hash, undefined, this.lane.requestClass))
  }

  /** Picks another endpoint. False: there is none, or no second try is allowed. */
  again(retry: 'always' | 'idempotent'): boolean {
    const { router, retries, requestClass } = this.lane
    if (this.count > retries) return false
    const tried = (this.#tried ??= new Tried())
    tried.add(this.#row)
    if (!router.tryRetry()) return false
    this.#isRetry = true
    this.#ticket = router.pick(this.#hash, tried, requestClass)
    // An idle connection may have been closed just as the request went out on it: then the same endpoint, on a new
    // connection, is better than nobody.
    if (this.#ticket < 0 && retry === 'idempotent' && this.count === 1) {
      this.#ticket = router.pick(this.#hash, undefined, requestClass)
    }
    if (this.#ticket < 0) this.#endRetry()
    else this.#front.counters[RETRIES]++
    return this.#ticket >= 0
  }

  /** A connection to the endpoint that was picked. Undefined: the service may have no more of them. */
  connect(): Client | undefined {
    const endpoint = this.lane.router.endpoint(this.#ticket)
    this.endpoint = endpoint.id
    this.#sentAt = this.count++ === 0 ? this.#startedAt : performance.now()
    this.#upstream = this.#front.upstreams.of(endpoint, this.lane)
    return (this.#client = this.#upstream.take())
  }

  /** Now is when it was answered, or given up. */
  clock(): void {
    this.latencyUs = Math.round((performance.now() - this.#sentAt) * 1000)
  }

  /** An answer that its session may follow: one below 500, at an endpoint that was not the first choice. */
  keepSession(): void {
    if (this.count > 1) this.lane.router.keep(this.#hash, this.#ticket)
  }

  /** The response has come whole: its connection serves others. */
  release(): void {
    if (this.#client !== undefined) this.#upstream?.giveBack(this.#client)
    this.#client = undefined
  }

  /** Ends the try, if one is under way. A connection that was not released is closed. */
  settle(outcome: Outcome): void {
    if (this.#ticket < 0) return
    this.#row = rowOfTicket(this.#ticket)
    this.lane.router.settle(this.#ticket, outcome, this.latencyUs)
    this.#ticket = -1
    this.#endRetry()
    if (this.#client !== undefined) this.#upstream?.discard(this.#client)
    this.#client = undefined
  }

  #endRetry(): void {
    if (this.#isRetry) this.lane.router.endRetry()
    this.#isRetry = false
  }
}
