import { Affinity } from '../memory/affinity.ts'
import { Breaker } from '../memory/breaker.ts'
import { Candidates } from '../memory/candidates.ts'
import { Gauges } from '../memory/gauges.ts'
import { GENERATION, ROW_WORDS } from '../memory/layout.ts'
import type { Region } from '../memory/region.ts'
import { Tally } from '../memory/tally.ts'
import { ticketOf } from '../memory/ticket.ts'
import type { Tried } from '../memory/tried.ts'
import type { Attachment } from './attachment.ts'
import { Router } from './router.ts'
import type { Traces } from './traces.ts'

/**
 * What the next pick would answer, without picking: a router whose traces go nowhere. No turn is taken, nothing is in flight, no probe is
 * claimed, no session placed or prolonged.
 *
 *   Router ──▶ Candidates, Gauges, Tally, Breaker     a pick        reads and writes
 *          └─▶ the quiet ones below                   a rehearsal   reads
 *
 * It is the very code of picks, so for a policy that throws no dice it is the very answer of the next pick of any thread. One that throws
 * some has dice of its own: then it is one answer a pick may give.
 */
export class Rehearsal {
  readonly #attachment: Attachment
  readonly #routers = new Map<string, Router>()

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  /** A ticket that nobody holds, or a PICK reason below zero. Throws SBX_SERVICE_UNKNOWN. */
  pick(service: string, hash: number, requestClass: number): number {
    let router = this.#routers.get(service)
    if (router === undefined || router.isLost) {
      for (const [name, each] of this.#routers) if (each.isLost) this.#routers.delete(name)
      router = new Router(this.#attachment, service, {}, quietTraces(this.#attachment))
      this.#routers.set(service, router)
    }
    const ticket = router.pick(hash, undefined, requestClass)
    // Given back at once, for a router remembers in which tick it last looked for a probe to make.
    if (ticket >= 0) router.settle(ticket, 'abandoned')
    return ticket
  }
}

function quietTraces({ region, seat }: Attachment): Traces {
  return {
    tally: new QuietTally(region, seat),
    candidates: (...of) => new QuietCandidates(...of),
    gauges: (...of) => new QuietGauges(...of),
    breaker: (...of) => new QuietBreaker(...of),
  }
}

class QuietCandidates extends Candidates {
  override readonly affinity: Affinity
  /** Turns that this rehearsal would have taken. */
  #ahead = 0

  constructor(region: Region, service: number, scope: number) {
    super(region, service, scope)
    this.affinity = new QuietAffinity(region, service, scope)
  }

  override begin(tried: Tried | undefined): void {
    super.begin(tried)
    this.#ahead = 0
  }

  override nextTurn(): number {
    return this.turnAhead(this.#ahead++)
  }

  override setPeak(): void {}
  override setSettledAt(): void {}
  override setLevelUs(): void {}
}

class QuietAffinity extends Affinity {
  override find(hash: number): number {
    return this.peek(hash)
  }

  override keep(): void {}
}

class QuietGauges extends Gauges {
  override enter(): void {}
  override leave(): void {}
  override tryEnter(gauge: number, limit: number): boolean {
    return this.sum(gauge) < limit
  }
}

class QuietTally extends Tally {
  readonly #region: Region

  constructor(region: Region, seat: number) {
    super(region, seat)
    this.#region = region
  }

  override enter(row: number): number {
    const { words, layout } = this.#region
    return ticketOf(row, words[layout.endpointsAt + row * ROW_WORDS + GENERATION])
  }

  override tryEnter(row: number, limit: number): number {
    return this.inflight(row) < limit ? this.enter(row) : -1
  }

  override holds(): boolean {
    return true
  }

  override leave(): boolean {
    return false
  }
}

class QuietBreaker extends Breaker {
  override tryProbe(row: number): boolean {
    return this.isDue(row)
  }

  override withdraw(): void {}
  override settle(): void {}
}
