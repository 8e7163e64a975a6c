import { SignalboxError } from '../errors.ts'
import { POLICY_OFF } from '../memory/agent-switches.ts'
import type { Candidates } from '../memory/candidates.ts'
import { CLASS } from '../memory/classes.ts'
import { GAUGE_CONNECTIONS, GAUGE_INFLIGHT, GAUGE_PENDING, GAUGE_RETRIES, type Gauges } from '../memory/gauges.ts'
import { avalanche } from '../memory/hash-key.ts'
import { type Outcome, outcomeCode } from '../memory/outcomes.ts'
import { type Load, reportLoad } from '../memory/reported-load.ts'
import type { ServiceText } from '../memory/service-text.ts'
import {
  peekPublished,
  serviceCount,
  serviceRevision,
  serviceStart,
  serviceTable,
  serviceText,
} from '../memory/slots.ts'
import { rowOfTicket } from '../memory/ticket.ts'
import type { Tried } from '../memory/tried.ts'
import { createDice, type Dice, seedOf } from '../policies/dice.ts'
import { type Keep, type Learn, NO_ENDPOINT, type PickRow } from '../policies/policy.ts'
import type { Attachment } from './attachment.ts'
import type { Endpoint } from './endpoint.ts'
import { Guard } from './guard.ts'
import { hasTriedAllOpen, PICK, whyNobody } from './nobody.ts'
import { choose } from './policy-in-force.ts'
import { tryRetry } from './retry-budget.ts'
import { type SubsetOptions, scopeOf, subsetOf, subsettingOf } from './subset.ts'
import { DEGRADED_TIER, HEALTHY_TIER, PANIC_TIER, Tiers } from './tiers.ts'
import { type Traces, tracesOf } from './traces.ts'

export { PICK } from './nobody.ts'

/** Rows that are chosen again because they filled up in the instant between choice and ticket. */
export const CHOICES_MAX = 4

/** Beyond every class. */
const SHED_NONE = 0x7fffffff

export type RouterOptions = SubsetOptions

/**
 * Routes one service from one thread.
 *
 *   pick ──▶ ticket ──▶ endpoint(ticket) ──▶ … your request … ──▶ settle(ticket, outcome, latencyUs)
 *
 * Every ticket ≥ 0 must be settled once, by the router that gave it. `pick` and `settle` never allocate, throw, log, block or read a clock; only
 * the first pick after a change of structure or policy may allocate, where a service has priorities, zones or subsets to sort its rows by, or a
 * choice table whose members are to be found among its rows, and the first after an agent has changed how many requests are let in.
 */
export class Router {
  readonly service: string
  readonly #attachment: Attachment
  readonly #index: number
  readonly #options: RouterOptions
  readonly #traces: Traces
  readonly #candidates: Candidates
  readonly #tiers: Tiers
  readonly #gauges: Gauges
  readonly #tally: Traces['tally']
  #text: ServiceText = { name: '', policy: { name: '' }, panicThreshold: 0 }
  #pickRow: PickRow = () => NO_ENDPOINT
  #learn: Learn | undefined
  #keep: Keep | undefined
  /** The number of the policy these follow from; 0: that of the config. */
  #policy = UNCHOSEN
  #isKeyed = false
  #readsTable = false
  #guard: Guard | undefined
  #dice: Dice
  #revision = 0
  /** REVISION of the service as loads were last derived from. */
  #revisionSeen = 0
  /** Requests of this class and cheaper ones are turned away. */
  #shedFrom = SHED_NONE
  /** Requests that may be in flight, as this process can bear; 0: any number. */
  #admitted = 0
  /** The candidates are aimed at all rows, as they are while it is calm. */
  #isWhole = false
  /** The service was removed, and its place may be another's by now. */
  #isLost = false
  #seen = 0

  /** Throws SBX_SERVICE_UNKNOWN. */
  constructor(attachment: Attachment, service: string, options: RouterOptions = {}, traces = tracesOf(attachment)) {
    this.service = service
    this.#attachment = attachment
    this.#options = options
    const { index } = attachment.findService(service)
    const { region, seat } = attachment
    this.#index = index
    this.#traces = traces
    this.#tally = traces.tally
    this.#candidates = traces.candidates(region, index, scopeOf(options))
    this.#tiers = new Tiers(attachment, index)
    this.#gauges = traces.gauges(region, seat, index)
    this.#dice = createDice(seedOf(region, seat, index) ^ 0x2545f491)
    this.#bind()
  }

  /**
   * Picks an endpoint and counts the request as in flight on it. `hash` is for policies that keep a key at one endpoint, see hashKey, 0 for a
   * request without a key; `tried` holds endpoints this request shall not get again, not even when only doubtful ones are left beside them;
   * `requestClass` says how dear it is, see CLASS. Returns a ticket ≥ 0, or a PICK reason below zero.
   *
   * writes    this thread's in-flight, gauge and total; the service's sequence, if the policy takes turns; where there
   *           are breakers, the probe of a row; where sessions are kept, an entry of the affinity table
   * reads     PUBLISHED, REVISION of the service; bars, pull and in flight of the candidates
   * ordering  Unordered loads and stores of words that are true on their own; what other threads write is seen by the next pick. Only a change
   *           of structure (movePin), limits and probes cost atomics
   * progress  wait-free, whatever writers do: with n rows in p priorities at most n + CHOICES_MAX × (27n + 240p + 80) rows are looked up and as
   *           many weighed, and the facts are counted 1 + CHOICES_MAX times. As a rule it is one choice, and one look at each row considered
   */
  pick(hash = 0, tried?: Tried, requestClass: number = CLASS.CRITICAL): number {
    const attachment = this.#attachment
    if (attachment.isClosed) return NO_ENDPOINT
    if (peekPublished(attachment.region) !== this.#seen) this.#bind()
    const candidates = this.#candidates
    candidates.begin(tried)
    if (candidates.revision() !== this.#revisionSeen) this.#follow()
    if (requestClass >= this.#shedFrom) return PICK.SHED
    if (this.#guard !== undefined) return this.#pickGuarded(this.#guard, hash, requestClass)
    if (!this.#isWhole && !this.#aim(hash)) return NO_ENDPOINT
    let row = this.#pickRow(candidates, hash)
    if (row < 0 && (row = this.#pickElsewhere(hash)) < 0) return row
    this.#gauges.enter(GAUGE_INFLIGHT)
    return this.#tally.enter(row)
  }

  /** Some fact of the service has changed: what follows from the facts is derived anew, unless that was done this very tick. */
  #follow(): void {
    const tiers = this.#tiers
    this.#heedAdmission()
    if (tiers.isDue) this.#revisionSeen = tiers.derive()
    else tiers.heed()
    this.#isWhole = false
    if (this.#policyInForce() !== this.#policy) this.#bindTo(this.#seen)
  }

  /** The number of the policy that replaces that of the config; 0: none does. */
  #policyInForce(): number {
    return (this.#tiers.off & POLICY_OFF) === 0 ? this.#attachment.services.policy(this.#index) : 0
  }

  /** Who is to be turned away, and how many may be let in. */
  #heedAdmission(): void {
    const { services } = this.#attachment
    this.#shedFrom = services.shedFrom(this.#index) || SHED_NONE
    const admitted = services.admitted(this.#index)
    if (admitted === this.#admitted) return
    this.#admitted = admitted
    this.#guard = this.#guardOf(this.#text)
  }

  /** Narrows the choice to the tier whose turn it is. False where the service panics and is to fail then. */
  #aim(hash: number): boolean {
    if (this.#tiers.isCalm) {
      this.#tiers.aimAtAll(this.#candidates)
      this.#isWhole = true
      return true
    }
    // Requests without a key are spread by dice: they are many, and no one of them.
    if (!this.#isKeyed || hash === 0) return this.#tiers.aim(this.#candidates, this.#dice(), this.#dice(), this.#dice())
    // A key stays in its tier and its zone as long as loads stand.
    const roll = avalanche(hash ^ 0x5851f42d) >>> 1
    return this.#tiers.aim(this.#candidates, roll, avalanche(roll) >>> 1, avalanche(~roll) >>> 1)
  }

  #pickGuarded(guard: Guard, hash: number, requestClass: number): number {
    const candidates = this.#candidates
    if (!guard.enterService(requestClass)) return PICK.OVERLOADED
    if (this.#tiers.tripped > 0) {
      const probe = this.#probe(guard)
      if (probe >= 0) return probe
    }
    if (!this.#isWhole && !this.#aim(hash)) {
      guard.leaveService()
      return NO_ENDPOINT
    }
    candidates.uncounted = 0
    for (let choice = 0; choice < CHOICES_MAX; choice++) {
      let row = this.#pickRow(candidates, hash)
      if (row < 0 && (row = this.#pickElsewhere(hash)) < 0) {
        guard.leaveService()
        return row
      }
      const ticket = guard.enterRow(candidates, row)
      if (ticket >= 0) return ticket
    }
    guard.leaveService()
    return PICK.OVERLOADED
  }

  /** A ticket for a probe that is due, whichever tier its row is of. */
  #probe(guard: Guard): number {
    this.#isWhole = false
    this.#tiers.aimAtAll(this.#candidates)
    return guard.probe(this.#candidates)
  }

  /**
   * The tier that was aimed at has no row left: it was barred, filled up or tried since loads were derived. Any other that
   * has one will do, the better ones first; doubtful endpoints only when it is not for this request having tried the rest.
   */
  #pickElsewhere(hash: number): number {
    const tiers = this.#tiers
    const candidates = this.#candidates
    const { panicThreshold, failOnPanic } = this.#text
    this.#isWhole = false
    this.#revisionSeen = tiers.derive()
    let row = this.#pickInOrder(HEALTHY_TIER, hash)
    if (row < 0) row = this.#pickInOrder(DEGRADED_TIER, hash)
    const isDesperate = row < 0 && panicThreshold > 0 && failOnPanic !== true && !candidates.sawFull
    if (isDesperate && !hasTriedAllOpen(candidates, tiers)) row = this.#pickInOrder(PANIC_TIER, hash)
    return row < 0 ? whyNobody(this.#attachment, candidates, tiers, this.#text) : row
  }

  #pickInOrder(tier: number, hash: number): number {
    const { loads } = this.#tiers
    for (let priority = 0; priority < loads.count; priority++) {
      if (loads.endpoints[priority] === 0) continue
      this.#tiers.aimAt(this.#candidates, priority, tier)
      const row = this.#pickRow(this.#candidates, hash)
      if (row >= 0) return row
    }
    return NO_ENDPOINT
  }

  /**
   * Ends what `pick` began; once per ticket. A ticket whose endpoint has left and whose row has a new tenant changes nothing, nor does one more
   * settle than this thread has in flight on the endpoint.
   * outcome: 'ok', 'error', 'timeout' or 'abandoned'; 'gateway' and 'unreachable' are finer words for 'error', see OUTCOMES.
   * latencyUs: microseconds from sending to the first byte of the answer; 0…2^31 − 1, anything else counts as 0.
   *
   * writes    this thread's in-flight, gauge and totals; one record of its outcome ring; where there are breakers, theirs
   * ordering  Unordered, and one SeqCst store to publish the record; breakers add
   * progress  wait-free
   */
  settle(ticket: number, outcome: Outcome, latencyUs = 0): void {
    const attachment = this.#attachment
    if (attachment.isClosed) return
    const code = outcomeCode(outcome)
    const latency = latencyUs > 0 && latencyUs <= 0x7fffffff ? latencyUs | 0 : 0
    // Before the ticket is given back: from then on the row may have another tenant, with a breaker of its own.
    if (this.#guard !== undefined && this.#tally.holds(ticket)) this.#guard.settle(ticket, code)
    if (!this.#tally.leave(ticket, code, latency)) return
    this.#gauges.leave(GAUGE_INFLIGHT)
    if (this.#learn !== undefined) this.#learn(this.#candidates, rowOfTicket(ticket), code, latency)
    attachment.outcomes.report(ticket, code, latency)
  }

  /**
   * Asks for a second try of a request that failed, within the service's budget of retries. True: make it, and say
   * `endRetry` when it is over, however it ended. False: too many are under way.
   */
  tryRetry(): boolean {
    if (this.#attachment.isClosed) return false
    const { retryBudget, limits } = this.#text
    return tryRetry(retryBudget, limits?.retries ?? 0, this.#gauges)
  }

  endRetry(): void {
    if (this.#attachment.isClosed) return
    this.#gauges.leave(GAUGE_RETRIES)
  }

  /** Counts one more connection to the service's endpoints; false, and nothing is counted, when it may have no more. */
  tryConnect(): boolean {
    if (this.#attachment.isClosed) return false
    const limit = this.#text.limits?.connections ?? 0
    if (limit > 0) return this.#gauges.tryEnter(GAUGE_CONNECTIONS, limit)
    this.#gauges.enter(GAUGE_CONNECTIONS)
    return true
  }

  endConnection(): void {
    // The seat is another thread's by then, and so are its gauges.
    if (this.#attachment.isClosed) return
    this.#gauges.leave(GAUGE_CONNECTIONS)
  }

  /** Counts one more request that waits for room; false, and nothing is counted, when so many wait that no more may. */
  tryWait(): boolean {
    const limit = this.#text.limits?.pending ?? 0
    return limit > 0 && !this.#attachment.isClosed && this.#gauges.tryEnter(GAUGE_PENDING, limit)
  }

  endWait(): void {
    if (this.#attachment.isClosed) return
    this.#gauges.leave(GAUGE_PENDING)
  }

  /**
   * A second try of a key's request went well: from now on the key is at the ticket's endpoint. Say it before the ticket is settled; a first try
   * needs no such word. Where the policy remembers no keys it does nothing.
   */
  keep(hash: number, ticket: number): void {
    if (this.#keep === undefined || hash === 0 || this.#attachment.isClosed) return
    const row = this.#attachment.endpoints.rowOf(ticket)
    if (row >= 0) this.#keep(this.#candidates, hash, row)
  }

  /** Whether its endpoints say how loaded they are, in the header of load-report.ts. */
  get hearsLoad(): boolean {
    return this.#text.hearsLoad === true
  }

  /** Notes what the endpoint of a ticket has said of its load. Say it before the ticket is settled; of a ticket that is none nothing is. */
  reportLoad(ticket: number, load: Load): void {
    const { isClosed, endpoints, region } = this.#attachment
    const row = isClosed ? -1 : endpoints.rowOf(ticket)
    if (row >= 0) reportLoad(region, row, load, this.#tally.inflight(row))
  }

  /** The endpoint of a ticket that is not settled yet: { id, url, zone, metadata, row }. Throws for what is no ticket. */
  endpoint(ticket: number): Endpoint {
    if (this.#attachment.endpoints.rowOf(ticket) < 0) {
      throw new SignalboxError(
        'SBX_ENDPOINT_UNKNOWN',
        `Cannot give the endpoint of ${ticket}: it is no ticket that is held, look whether pick() answered below 0 first`,
      )
    }
    return this.#attachment.endpoint(rowOfTicket(ticket))
  }

  /** Whether the service was removed; then nobody is picked, unless it comes back. */
  get isLost(): boolean {
    this.#bind()
    return this.#isLost
  }

  /** Follows the structure: which rows the service has, and how they are sorted. */
  #bind(): void {
    const attachment = this.#attachment
    const pinned = attachment.catchUp()
    if (pinned !== this.#seen) this.#bindTo(pinned)
  }

  #bindTo(pinned: number): void {
    const attachment = this.#attachment
    this.#seen = pinned
    const { region, slot } = attachment
    const revision = serviceRevision(region, slot, this.#index)
    if (revision !== this.#revision) this.#adopt(JSON.parse(serviceText(region, slot, this.#index)) as ServiceText)
    this.#revision = revision
    const start = serviceStart(region, slot, this.#index)
    const count = this.#isLost ? 0 : serviceCount(region, slot, this.#index)
    const rows = this.#chosenRows(start, count)
    this.#revisionSeen = this.#tiers.bind(this.#text, start, count, rows)
    if (this.#policyInForce() !== this.#policy) this.#choose(this.#policyInForce())
    this.#tiers.lead(this.#candidates, this.#readsTable ? serviceTable(region, slot, this.#index) : 0)
    this.#heedAdmission()
    if (this.#keep !== undefined) this.#candidates.affinity.list(rows ?? region.words.subarray(start, start + count))
    this.#isWhole = false
  }

  /** The rows this router keeps to, where they are not all of the service. */
  #chosenRows(start: number, count: number): number[] | undefined {
    const { subset } = this.#options
    const { subsetting } = this.#text
    if (subset === undefined && subsetting === undefined) return undefined
    const endpointOf = (row: number): Endpoint => this.#attachment.endpoint(row)
    let rows = Array.from(this.#attachment.region.words.subarray(start, start + count))
    if (subset !== undefined) rows = subsetOf(rows, endpointOf, this.#options)
    return subsetting === undefined ? rows : subsettingOf(rows, endpointOf, subsetting)
  }

  #adopt(text: ServiceText): void {
    this.#isLost = text.isGone === true || text.name !== this.service
    // What is in flight is settled by what the service was.
    if (this.#isLost) return
    const { limits } = text
    this.#text = text
    const candidates = this.#candidates
    candidates.limit = limits?.endpointRequests ?? 0
    candidates.isLimited = candidates.limit > 0 || text.isAdaptive === true
    this.#guard = this.#guardOf(text)
    this.#policy = UNCHOSEN
  }

  #guardOf(text: ServiceText): Guard | undefined {
    return Guard.of(this.#attachment, this.#traces, this.#gauges, text, this.#admitted)
  }

  #choose(policy: number): void {
    this.#policy = policy
    const { region, seat } = this.#attachment
    const chosen = choose(this.#text, policy, seedOf(region, seat, this.#index))
    // A policy this build does not know (a newer writer's) leaves the one in use: a pick must not throw.
    if (chosen === undefined) return
    this.#pickRow = chosen.pickRow
    this.#learn = chosen.learn
    this.#keep = chosen.keep
    this.#isKeyed = chosen.isKeyed
    this.#readsTable = chosen.readsTable
  }
}

/** The number of no policy: it is chosen anew. */
const UNCHOSEN = -1
