import type { Socket } from 'node:net'
import { readClock } from '../memory/clock.ts'
import { Traffic } from '../memory/traffic.ts'
import { createDice, type Dice, seedOf } from '../policies/dice.ts'
import type { Attachment } from '../router/attachment.ts'
import { Clients } from './downstream/clients.ts'
import type { Connection } from './downstream/connection.ts'
import { inSlices } from './in-slices.ts'
import { Lanes } from './lanes.ts'
import type { RulesPlan, ThreadPlan } from './plan.ts'
import type { MirrorPlace } from './routes/mirror.ts'
import { Rules } from './rules.ts'
import { AccessLog } from './telling/access-log.ts'
import { Durations } from './telling/durations.ts'
import type { Tracing } from './telling/tracing.ts'
import { Upstreams } from './upstreams/upstreams.ts'

export type { Lane } from './lanes.ts'

/** What a downstream is waited for. */
export interface Patient {
  /** Gives up where it was waited for too long. `nowMs` on the cached clock. */
  checkPatience(nowMs: number): void
}

/** Between two looks at requests whose endpoint was taken out, in ms: short beside the time it takes to find that out. */
export const RESCUE_MS = 20
/** A look that comes later than this after the one before, in ms, comes from a loop that was busy. */
const LATE_MS = 60

/**
 * All that the requests of one thread share. What is here lives as long as the thread; what lives as long as a config is in
 * its rules, which `adopt` replaces.
 */
export class Front {
  rules: Rules
  readonly upstreams: Upstreams
  /** What was carried to and from each endpoint. */
  readonly traffic: Traffic
  readonly counters: Int32Array
  readonly durations: Durations
  /** Undefined where requests are not traced; loaded before the first one comes. */
  tracing: Tracing | undefined
  /** Undefined while no access log is wanted. */
  log: AccessLog | undefined
  readonly connections = new Set<Connection>()
  readonly clients = new Clients()
  /** Sockets at the door, whose TLS handshake or PROXY header is not over. */
  readonly arriving = new Set<Socket>()
  /** Exchanges that wait for a downstream to go on: to send its body, or to read; HTTP/2 sessions. Swept for those that wait too long. */
  readonly waiting = new Set<Patient>()
  isDraining = false
  readonly #attachment: Attachment
  readonly #lanes: Lanes
  readonly #place: MirrorPlace
  /** Stays when no more lines are wanted: those that were handed over are still to be taken. */
  readonly #lines: AccessLog
  #rescuedAt = 0
  #isSweeping = false
  readonly #givenUp: (() => void)[] = []
  /** 31 random bits, for what shall not happen at the same moment everywhere. */
  readonly roll: Dice

  constructor(plan: ThreadPlan, attachment: Attachment, hand: (lines: Uint8Array<ArrayBuffer>) => void) {
    this.counters = plan.counters
    this.durations = new Durations(plan.durations)
    this.#attachment = attachment
    this.#lanes = new Lanes(attachment)
    this.traffic = new Traffic(attachment.region, attachment.seat)
    this.roll = createDice(seedOf(attachment.region, attachment.seat, 0) ^ 0x6a09e667)
    this.#lines = new AccessLog(hand, plan.counters)
    this.upstreams = new Upstreams(attachment, this.roll)
    this.#place = { upstreams: this.upstreams, counters: plan.counters, underWay: { count: 0 } }
    this.rules = new Rules(plan, this.#lanes, this.#place)
    this.#settleIn()
    this.#logAs(plan)
  }

  /** Requests that begin from now on, on whichever connection, follow this plan. */
  adopt(plan: RulesPlan): void {
    this.rules = new Rules(plan, this.#lanes, this.#place)
    this.#settleIn()
    this.#logAs(plan)
  }

  /** What outlives a config follows the services of this one. */
  #settleIn(): void {
    const { supplies } = this.rules
    this.upstreams.adopt(supplies)
    for (const name of supplies.keys()) this.durations.settleIn(this.#attachment.findService(name).index, name)
  }

  #logAs({ access }: RulesPlan): void {
    if (access === undefined) this.#lines.flush()
    else this.#lines.config = access
    this.log = access === undefined ? undefined : this.#lines
  }

  get limits(): Rules['limits'] {
    return this.rules.limits
  }

  get trusted(): Rules['trusted'] {
    return this.rules.trusted
  }

  get forwarded(): Rules['forwarded'] {
    return this.rules.forwarded
  }

  get requestId(): Rules['requestId'] {
    return this.rules.requestId
  }

  get routes(): Rules['routes'] {
    return this.rules.routes
  }

  /** So many bytes of the access log have been taken by who writes them. */
  linesTaken(bytes: number): void {
    this.#lines.taken(bytes)
  }

  flushLines(): void {
    this.#lines.flush()
  }

  /** Milliseconds on the cached clock, one tick old at most. Costs no system call. */
  nowMs(): number {
    return readClock(this.#attachment.region)
  }

  /** Every RESCUE_MS: tells how long endpoints keep requests waiting, and asks elsewhere for what waits at those that were taken out. */
  rescue(): void {
    const now = performance.now()
    // Answers may lie in the sockets that this turn of the loop has not read yet.
    this.upstreams.tellWaiting(this.nowMs(), now - this.#rescuedAt > LATE_MS)
    this.#rescuedAt = now
    this.upstreams.rescue()
  }

  /** Looks after what takes too long, and after endpoints that have left. */
  sweep(): void {
    this.upstreams.sweep()
    if (this.#isSweeping) return
    this.#isSweeping = true
    const patients = this.waiting.values()
    inSlices(() => {
      const { value, done } = patients.next()
      if (done === true) this.#isSweeping = false
      if (value === undefined) return false
      value.checkPatience(this.nowMs())
      return true
    })
  }

  /** Gives somebody up, soon: see `inSlices`. */
  giveUpSoon(giveUp: () => void): void {
    const given = this.#givenUp
    if (given.push(giveUp) > 1) return
    inSlices(() => {
      given[0]()
      given.shift()
      return given.length > 0
    })
  }
}
