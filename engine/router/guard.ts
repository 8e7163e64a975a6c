import type { Breaker } from '../memory/breaker.ts'
import type { Candidates } from '../memory/candidates.ts'
import { GAUGE_INFLIGHT, type Gauges } from '../memory/gauges.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { isProbe, PROBE_TICKET, rowOfTicket } from '../memory/ticket.ts'
import type { Attachment } from './attachment.ts'
import type { Traces } from './traces.ts'

/** What a class may use of a service's request limit: the dearer ones find room when the sheddable are turned away. */
const CLASS_SHARES = [1, 1, 0.9, 0.8]

/**
 * What stands between the choice of a row and a ticket where a service has limits or breakers, or this process can bear no more.
 *
 *   room in the service ──▶ a probe that is due, else the row of the policy ──▶ room at the endpoint ──▶ ticket
 *            └── what was taken is given back when a later one is missing
 */
export class Guard {
  readonly #tally: Traces['tally']
  readonly #gauges: Gauges
  readonly #breaker: Breaker | undefined
  readonly #requests: number
  #probedAtMs = -1

  /** The guard of a service, where one is needed. `admitted`: requests that may be in flight as this process can bear; 0: any number. */
  static of(
    attachment: Attachment,
    traces: Traces,
    gauges: Gauges,
    text: ServiceText,
    admitted: number,
  ): Guard | undefined {
    const { limits, breaker, isAdaptive } = text
    const isFree = limits === undefined && breaker === undefined && isAdaptive !== true && admitted === 0
    return isFree ? undefined : new Guard(attachment, traces, gauges, text, admitted)
  }

  private constructor(
    { region, seat }: Attachment,
    { tally, breaker: breakerOf }: Traces,
    gauges: Gauges,
    { limits, breaker }: ServiceText,
    admitted: number,
  ) {
    this.#tally = tally
    this.#gauges = gauges
    this.#requests = stricter(limits?.requests ?? 0, admitted)
    this.#breaker = breaker === undefined ? undefined : breakerOf(region, seat, breaker)
  }

  /** Takes a place among the requests of the service. False: there is none for this class. */
  enterService(requestClass: number): boolean {
    if (this.#requests === 0) {
      this.#gauges.enter(GAUGE_INFLIGHT)
      return true
    }
    const share = CLASS_SHARES[requestClass] ?? 1
    return this.#gauges.tryEnter(GAUGE_INFLIGHT, Math.max(1, Math.floor(this.#requests * share)))
  }

  leaveService(): void {
    this.#gauges.leave(GAUGE_INFLIGHT)
  }

  /** A ticket for the row, or −1: it has filled up since it was chosen. */
  enterRow(candidates: Candidates, row: number): number {
    const limit = candidates.isLimited ? candidates.limitOf(row) : 0
    return limit === 0 ? this.#tally.enter(row) : this.#tally.tryEnter(row, limit)
  }

  /**
   * A ticket for a probe of one of the rows whose breaker is open and due, or −1: there is none. It goes over the rows, and
   * therefore looks once a tick.
   */
  probe(candidates: Candidates): number {
    const breaker = this.#breaker
    const now = candidates.nowMs()
    if (breaker === undefined || now === this.#probedAtMs) return -1
    this.#probedAtMs = now
    for (let position = 0; position < candidates.count; position++) {
      const row = candidates.at(position)
      if (!breaker.isDue(row, candidates.heeds) || candidates.tried?.has(row) || !candidates.hasWeight(row)) continue
      if (!breaker.tryProbe(row)) continue
      const ticket = this.enterRow(candidates, row)
      if (ticket >= 0) return ticket | PROBE_TICKET
      breaker.withdraw(row)
    }
    return -1
  }

  settle(ticket: number, outcome: number): void {
    // The next probe may go out as soon as this one has told.
    if (isProbe(ticket)) this.#probedAtMs = -1
    this.#breaker?.settle(rowOfTicket(ticket), isProbe(ticket), outcome)
  }
}

/** Of two limits, 0 being none. */
function stricter(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b)
}
