import { SignalboxError } from '../errors.ts'
import { HARD_BARS } from '../memory/bars.ts'
import { Candidates, type Tried } from '../memory/candidates.ts'
import { type Outcome, outcomeCode } from '../memory/outcomes.ts'
import { peekPublished, serviceCount, serviceRevision, serviceStart, serviceText } from '../memory/slots.ts'
import type { ServiceText } from '../memory/table-writer.ts'
import { createDice } from '../policies/dice.ts'
import { type Learn, NO_ENDPOINT, type PickRow } from '../policies/policy.ts'
import { completeOptions } from '../policies/policy-options.ts'
import { findPolicy } from '../policies/registry.ts'
import type { Attachment } from './attachment.ts'
import type { Endpoint } from './endpoint.ts'

/** What `pick` answers instead of a ticket: always below zero. */
export const PICK = {
  /** No endpoint may be picked: none there, all barred, all of weight 0, or all tried. */
  NO_ENDPOINT,
} as const

/**
 * Routes one service from one thread.
 *
 *   pick ──▶ ticket ──▶ endpoint(ticket) ──▶ … your request … ──▶ settle(ticket, outcome, latencyUs)
 *
 * Every ticket ≥ 0 must be settled once, by the router that gave it. `pick` and `settle` never allocate, throw, log,
 * block or read a clock.
 */
export class Router {
  readonly service: string
  readonly #attachment: Attachment
  readonly #index: number
  readonly #candidates: Candidates
  #pickRow: PickRow
  #learn: Learn | undefined
  #revision = 0
  #mayPanic = true
  /** The last pick had to ignore opinions. */
  #isDesperate = false
  #seen = 0

  constructor(attachment: Attachment, service: string) {
    this.service = service
    this.#attachment = attachment
    const { index } = attachment.findService(service)
    this.#index = index
    this.#candidates = new Candidates(attachment.region, index)
    this.#pickRow = () => NO_ENDPOINT
    this.#bind()
  }

  /**
   * Picks an endpoint and counts the request as in flight on it. `hash` is for policies that keep a key at one
   * endpoint, see hashKey; `tried` holds endpoints this request shall not get again, not even when only doubtful ones
   * are left beside them.
   *
   * Returns a ticket ≥ 0, or a PICK reason below zero.
   *
   * writes    this thread's in-flight and total of the row; the service's sequence, if the policy takes turns
   * reads     PUBLISHED; bars, pull and in flight of the candidates
   * ordering  Unordered loads and stores of words that are true on their own; what other threads write is seen by the
   *           next pick. Only a change of structure costs atomics (movePin)
   * progress  wait-free: steps bounded by the number of candidates, whatever writers do
   */
  pick(hash = 0, tried?: Tried): number {
    const attachment = this.#attachment
    if (attachment.isClosed) return NO_ENDPOINT
    if (peekPublished(attachment.region) !== this.#seen) this.#bind()
    const candidates = this.#candidates
    candidates.begin(tried)
    // Where the last pick found opinions against all, ask first: a policy that takes turns shall take one a pick.
    if (this.#isDesperate && !candidates.hasOpen()) candidates.mask = HARD_BARS
    let row = this.#pickRow(candidates, hash)
    this.#isDesperate = false
    if (row < 0) {
      // All are barred by opinion before the load balancer could call panic: better a doubtful endpoint than none.
      if (!this.#mayPanic || candidates.mask === HARD_BARS || this.#hasTriedAllOpen()) return row
      candidates.mask = HARD_BARS
      row = this.#pickRow(candidates, hash)
      if (row < 0) return row
    }
    if (this.#mayPanic && candidates.mask === HARD_BARS) this.#isDesperate = true
    return attachment.tally.enter(row)
  }

  /** Nothing is left only because this request tried it: then it is for the caller to say whether to ask again. */
  #hasTriedAllOpen(): boolean {
    const candidates = this.#candidates
    if (candidates.tried === undefined) return false
    const { tried } = candidates
    candidates.tried = undefined
    const hasOpen = candidates.hasOpen()
    candidates.tried = tried
    return hasOpen
  }

  /**
   * Ends what `pick` began; once per ticket. A ticket whose endpoint has left and whose row has a new tenant changes
   * nothing, nor does one more settle than this thread has in flight on the endpoint.
   *
   * latencyUs: microseconds from sending to the first byte of the answer; 0…2^31 − 1, anything else counts as 0.
   *
   * writes    this thread's in-flight and totals of the row; one record of its outcome ring
   * ordering  Unordered, and one SeqCst store to publish the record
   * progress  wait-free
   */
  settle(ticket: number, outcome: Outcome, latencyUs = 0): void {
    const attachment = this.#attachment
    if (attachment.isClosed) return
    const code = outcomeCode(outcome)
    const latency = latencyUs > 0 && latencyUs <= 0x7fffffff ? latencyUs | 0 : 0
    if (!attachment.tally.leave(ticket, code, latency)) return
    if (this.#learn !== undefined) this.#learn(this.#candidates, ticket & 0xffff, code, latency)
    attachment.outcomes.report(ticket, code, latency)
  }

  /** The endpoint of a ticket that is not settled yet: { id, url, zone, metadata, row }. Throws for what is no ticket. */
  endpoint(ticket: number): Endpoint {
    if (this.#attachment.endpoints.rowOf(ticket) < 0) {
      throw new SignalboxError(
        'SBX_ENDPOINT_UNKNOWN',
        `Cannot give the endpoint of ${ticket}: it is no ticket that is held, look whether pick() answered below 0 first`,
      )
    }
    return this.#attachment.endpoint(ticket & 0xffff)
  }

  /** Follows the structure: which rows the service has. Allocates only when its policy was replaced. */
  #bind(): void {
    const attachment = this.#attachment
    const pinned = attachment.catchUp()
    if (pinned === this.#seen) return
    this.#seen = pinned
    const { region, slot } = attachment
    this.#candidates.bind(serviceStart(region, slot, this.#index), serviceCount(region, slot, this.#index))
    const revision = serviceRevision(region, slot, this.#index)
    if (revision !== this.#revision) this.#adopt(JSON.parse(serviceText(region, slot, this.#index)) as ServiceText)
    this.#revision = revision
  }

  #adopt({ policy, panicThreshold }: ServiceText): void {
    this.#mayPanic = panicThreshold > 0
    // A policy this build does not know (a newer writer's) leaves the one in use: a pick must not throw.
    const found = findPolicy(policy.name)
    if (found === undefined) return
    // Every thread and service throws dice of its own, the same ones in every run.
    const seed = Math.imul(this.#attachment.seat + 1, 0x9e3779b1) ^ Math.imul(this.#index + 1, 0x85ebca6b)
    const { pickRow, learn } = found.create(createDice(seed), completeOptions(found.options, policy))
    this.#pickRow = pickRow
    this.#learn = learn
  }
}
