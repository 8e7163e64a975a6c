import { chanceOf } from '../chance.ts'
import { draw } from '../scenario/law.ts'
import type { MachineSpec } from '../scenario/scenario.ts'
import type { Agenda } from './agenda.ts'
import type { Machine } from './machine.ts'
import { Queue } from './queue.ts'
import type { Request } from './request.ts'
import { SharedCores } from './shared-cores.ts'
import { Unlimited } from './unlimited.ts'

/** A machine with its place in the agenda: it is woken when its next request is over, and calls `onDone` with each. */
export class Site {
  readonly machine: Machine
  readonly spec: MachineSpec
  readonly #agenda: Agenda
  readonly #onDone: (request: Request) => void
  #wakesMs = Number.POSITIVE_INFINITY

  constructor(spec: MachineSpec, agenda: Agenda, onDone: (request: Request) => void) {
    const { cores, slots, speed } = spec
    this.spec = spec
    this.machine =
      cores !== undefined
        ? new SharedCores(cores, speed)
        : slots !== undefined
          ? new Queue(slots, speed)
          : new Unlimited(speed)
    this.#agenda = agenda
    this.#onDone = onDone
  }

  /** How much work a request is here. */
  workOf({ seed }: Pick<Request, 'seed'>): number {
    return draw(this.spec.work, chanceOf(seed))
  }

  begin(request: Request, nowMs: number): void {
    request.arrivedMs = nowMs
    request.insideThen = this.machine.inside
    request.state = 'inside'
    this.machine.begin(request, this.workOf(request), nowMs)
    this.#wake()
  }

  withdraw(request: Request, nowMs: number): void {
    this.machine.withdraw(request, nowMs)
    this.#wake()
  }

  /** `speed` times its own. */
  setSpeed(speed: number, nowMs: number): void {
    this.machine.setSpeed(speed * this.spec.speed, nowMs)
    this.#wake()
  }

  /** An entry that has become too early wakes it for nothing, one that is too late is preceded by another. */
  #wake(): void {
    const { nextMs } = this.machine
    if (nextMs >= this.#wakesMs) return
    this.#wakesMs = nextMs
    this.#agenda.at(nextMs, atMs => this.#awake(atMs))
  }

  #awake(atMs: number): void {
    if (atMs !== this.#wakesMs) return
    this.#wakesMs = Number.POSITIVE_INFINITY
    while (this.machine.nextMs <= atMs) {
      const request = this.machine.finish(atMs)
      request.servedMs = atMs - request.arrivedMs
      request.insideAfter = this.machine.inside
      this.#onDone(request)
    }
    this.#wake()
  }
}
