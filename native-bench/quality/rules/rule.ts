import type { Chance } from '../chance.ts'
import type { Fleet, MachineSpec } from '../scenario/scenario.ts'
import type { Request } from '../world/request.ts'
import type { Site } from '../world/site.ts'

export type Outcome = 'ok' | 'error' | 'timeout'

/** What a rule may know and ask; what it may not, is not here. */
export interface Surroundings {
  readonly fleet: Fleet
  readonly machines: readonly Pick<MachineSpec, 'weight'>[]
  readonly chance: Chance
  readonly nowMs: () => number
  /** Asks a machine something aside from requests; the answer comes after the network, there and back. */
  ask<Answer>(machine: number, ask: (inside: number, nowMs: number) => Answer, onAnswer: (answer: Answer) => void): void
  /** Used share of a machine since it was last asked, so many ms ago. */
  utilisation(machine: number, sinceMs: number): number
  /** Calls every so often, ms. */
  repeat(everyMs: number, call: () => void): void
}

/** Who routes, at work: all routers of a fleet, each with what it knows by itself. */
export interface Routing {
  /** The machine a request goes to, by its router; below zero: none. */
  pick(request: Request): number
  /** The router of the request hears how it went. */
  settle(request: Request, outcome: Outcome, tookMs: number): void
  /** Where something lives beside it in the same time, like agents: time has come so far. */
  moveTo?(nowMs: number): Promise<void>
  close?(): Promise<void>
}

/** How others choose. */
export interface Rule {
  readonly name: string
  /** Where its formula is from, and who knows what. */
  readonly source: string
  /** The sites are for who knows everything, and for nobody else. */
  begin(surroundings: Surroundings, sites: readonly Site[]): Routing
}
