import type { IncomingMessage } from 'node:http'
import { CLASS } from '../../memory/classes.ts'
import { type Outcome, outcomeOfStatus } from '../../memory/outcomes.ts'
import { type Dice, wins } from '../../policies/dice.ts'
import type { Router } from '../../router/router.ts'
import type { Sending } from '../request/exchange.ts'
import { readFailure } from '../request/failure.ts'
import { MIRRORED, MIRRORS_FAILED, MIRRORS_SKIPPED } from '../telling/counters.ts'
import type { Dispatching, Link, Taker, Upstream } from '../upstreams/link.ts'
import type { Supply } from '../upstreams/supply.ts'
import type { Upstreams } from '../upstreams/upstreams.ts'
import type { HashOf } from './request-key.ts'

/** Copies of one thread that may be under way, over all its routes: enough for any steady traffic, too few to fill it. */
const UNDER_WAY_MAX = 64

/** A copy is given up after this, in ms, whatever the timeouts of its service allow: it holds one of few places. */
const COPY_MS_MAX = 30_000

/** Of an answer so much is read, in bytes; what is longer is cut off, or a flood of it would take the thread's time. */
const ANSWER_BYTES_MAX = 1024 * 1024

const INTERIM_MAX = 16

/** What the copies of one thread share. */
export interface MirrorPlace {
  readonly upstreams: Upstreams
  readonly counters: Int32Array
  /** Copies under way. */
  readonly underWay: { count: number }
}

/** The service that gets copies, as copies see it. */
export interface MirrorTarget extends Supply {
  readonly router: Router
  readonly hashOf: HashOf | undefined
  /** Share of the requests that is copied, 0 to 1. */
  readonly share: number
}

/**
 * Copies of the requests of a route for another service. A copy is picked and settled like a request, but nobody waits for
 * it: it begins when the request has been sent, its answer is thrown away, it is tried once, it is the first to be
 * shed, and where it cannot begin at once it does not begin.
 *
 * Requests with a body are not copied: when they are sent their bodies have not come yet, and a copy that waited for one
 * would hold it in memory, or hold the request up. What goes on in another protocol is not copied either.
 */
export class Mirror {
  readonly #target: MirrorTarget
  readonly #place: MirrorPlace
  readonly #dice: Dice

  constructor(target: MirrorTarget, place: MirrorPlace, dice: Dice) {
    this.#target = target
    this.#place = place
    this.#dice = dice
  }

  /** Sends a copy of what has just been sent, if it is this request's turn. */
  copy(
    { path, method, headers, body, upgrade }: Sending,
    request: IncomingMessage,
    sender: { readonly client: string },
  ): void {
    const { router, hashOf, share } = this.#target
    if (body !== null || upgrade !== undefined || !wins(this.#dice, share, 1)) return
    const { counters, underWay, upstreams } = this.#place
    if (underWay.count >= UNDER_WAY_MAX) {
      counters[MIRRORS_SKIPPED]++
      return
    }
    const ticket = router.pick(hashOf?.(request, path, sender) ?? 0, undefined, CLASS.SHEDDABLE)
    if (ticket < 0) {
      counters[MIRRORS_SKIPPED]++
      return
    }
    const copied = new Copy(router, ticket, upstreams.of(router.endpoint(ticket), this.#target), this.#place)
    if (!copied.send({ path, method, headers, body: null, upgrade })) counters[MIRRORS_SKIPPED]++
  }
}

/** One copy under way. */
class Copy implements Taker {
  readonly #router: Router
  readonly #ticket: number
  readonly #upstream: Upstream
  readonly #place: MirrorPlace
  readonly #sentAt = performance.now()
  #link: Link | undefined
  #deadline: NodeJS.Timeout | undefined
  #isSent = false
  #status = 0
  #interim = 0
  #bytes = 0
  #latencyUs = 0
  #isOver = false

  constructor(router: Router, ticket: number, upstream: Upstream, place: MirrorPlace) {
    this.#router = router
    this.#ticket = ticket
    this.#upstream = upstream
    this.#place = place
  }

  /** False: its service may have no more connections, and the ticket is given back. */
  send(sending: Sending): boolean {
    const link = this.#upstream.take(this, false)
    if (link === undefined) {
      this.#router.settle(this.#ticket, 'abandoned')
      return false
    }
    this.#link = link
    const { underWay, counters } = this.#place
    underWay.count++
    counters[MIRRORED]++
    this.#deadline = setTimeout(() => this.#giveUp('timeout'), COPY_MS_MAX)
    this.#deadline.unref()
    link.dispatch(sending as Dispatching, this)
    return true
  }

  /** Nobody waits for it, so it speaks against nobody. */
  readonly waitsSince = Number.POSITIVE_INFINITY

  /** It is tried once: what becomes of it, it waits to see. */
  rescue(): void {}

  onMoved(link: Link): void {
    this.#link = link
  }

  onSent(): void {
    this.#isSent = true
  }

  onHead(status: number): void {
    if (status >= 200) {
      this.#status = status
      this.#clock()
    } else if (++this.#interim > INTERIM_MAX) {
      this.#giveUp('error')
    }
  }

  /** Not asked for, so never told. */
  onUpgrade(): void {}

  onPiece(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    // It has answered, and how: the rest tells nothing more.
    if (this.#bytes > ANSWER_BYTES_MAX) this.#giveUp(outcomeOfStatus(this.#status))
    return true
  }

  onWhole(): void {
    if (this.#end(outcomeOfStatus(this.#status))) this.#link?.release()
  }

  onBroken(error: unknown): void {
    if (this.#status === 0) this.#clock()
    const outcome = readFailure(error, this.#isSent).outcome
    if (this.#end(outcome)) this.#link?.drop()
  }

  #giveUp(outcome: Outcome): void {
    if (this.#status === 0) this.#clock()
    if (!this.#end(outcome)) return
    this.#link?.drop()
  }

  /** False where it is over already. */
  #end(outcome: Outcome): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#deadline)
    this.#place.underWay.count--
    if (outcome !== 'ok') this.#place.counters[MIRRORS_FAILED]++
    this.#router.settle(this.#ticket, outcome, this.#latencyUs)
    return true
  }

  #clock(): void {
    this.#latencyUs = Math.round((performance.now() - this.#sentAt) * 1000)
  }
}
