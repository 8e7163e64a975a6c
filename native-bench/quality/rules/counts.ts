import { below, type Chance } from '../chance.ts'
import type { Request } from '../world/request.ts'
import type { Surroundings } from './rule.ts'

/** What each process of a fleet has in flight on each machine: its threads share that, others do not know it. */
export class Counts {
  readonly #threads: number
  readonly #inflight: readonly Int32Array[]

  constructor({ fleet, machines }: Surroundings) {
    this.#threads = fleet.threads
    this.#inflight = Array.from({ length: fleet.nodes }, () => new Int32Array(machines.length))
  }

  /** Of the process a request came to. */
  of(request: Request): Int32Array {
    return this.#inflight[this.nodeOf(request)]!
  }

  nodeOf({ router }: Request): number {
    return Math.floor(router / this.#threads)
  }

  enter(request: Request, machine: number): number {
    this.of(request)[machine]!++
    return machine
  }

  leave(request: Request): void {
    this.of(request)[request.machine]!--
  }
}

/** The one that costs least of all; of equals one by chance. */
export function leastOf(count: number, costOf: (machine: number) => number, chance: Chance): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  let ties = 0
  for (let machine = 0; machine < count; machine++) {
    const cost = costOf(machine)
    if (cost > least) continue
    ties = cost < least ? 1 : ties + 1
    if (ties > 1 && below(chance, ties) > 0) continue
    best = machine
    least = cost
  }
  return best
}

/** Two different ones by chance, where there are two. */
export function twoOf(count: number, chance: Chance): readonly [number, number] {
  const first = below(chance, count)
  if (count === 1) return [first, first]
  const second = below(chance, count - 1)
  return [first, second >= first ? second + 1 : second]
}

/** What each router keeps to itself. */
export function forEachRouter<Kept>({ fleet }: Surroundings, begin: () => Kept): Kept[] {
  return Array.from({ length: fleet.nodes * fleet.threads }, begin)
}
