import { Heap } from './heap.ts'
import type { Machine } from './machine.ts'
import type { Request } from './request.ts'

/** Each request takes its work, whatever else is there: what simulations assume that know latencies and no queues. */
export class Unlimited implements Machine {
  failing = 0
  speed: number
  inside = 0
  readonly #requests = new Heap<Request>((a, b) => a.until < b.until)

  constructor(speed: number) {
    this.speed = speed
  }

  get nextMs(): number {
    while (this.#requests.first !== undefined && this.#requests.first.state !== 'inside') this.#requests.take()
    return this.#requests.first?.until ?? Number.POSITIVE_INFINITY
  }

  /** Of requests that come from then on. */
  setSpeed(speed: number): void {
    this.speed = speed
  }

  begin(request: Request, work: number, nowMs: number): void {
    request.until = this.whenDone(work, nowMs)
    this.inside++
    this.#requests.add(request)
  }

  finish(): Request {
    this.inside--
    return this.#requests.take()!
  }

  withdraw(): void {
    this.inside--
  }

  whenDone(work: number, nowMs: number): number {
    return nowMs + work / this.speed
  }

  takeUtilisation(): number {
    return 0
  }
}
