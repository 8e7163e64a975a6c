import { Heap } from './heap.ts'
import type { Machine } from './machine.ts'
import type { Request } from './request.ts'

/**
 * Some cores that all requests on them share evenly, as an operating system has them share.
 *
 *   each of n requests gets       speed × min(1, cores ÷ n)       of a core
 *
 * A request is over when it has had the work it came with, so that one that is on its way when the machine slows down takes longer too.
 *
 * Source  processor sharing; all requests there at a moment have had the same work since, so one clock of work serves all (Kleinrock).
 */
export class SharedCores implements Machine {
  failing = 0
  inside = 0
  #speed: number
  readonly #cores: number
  /** Work that a request has had that was there from the beginning, ms of a core. */
  #done = 0
  #atMs = 0
  #busyMs = 0
  readonly #requests = new Heap<Request>((a, b) => a.until < b.until)

  constructor(cores: number, speed: number) {
    this.#cores = cores
    this.#speed = speed
  }

  get speed(): number {
    return this.#speed
  }

  get nextMs(): number {
    const first = this.#first()
    return first === undefined
      ? Number.POSITIVE_INFINITY
      : this.#atMs + (first.until - this.#done) / this.#rate(this.inside)
  }

  setSpeed(speed: number, nowMs: number): void {
    this.#moveTo(nowMs)
    this.#speed = speed
  }

  begin(request: Request, work: number, nowMs: number): void {
    this.#moveTo(nowMs)
    request.until = this.#done + work
    this.inside++
    this.#requests.add(request)
  }

  finish(nowMs: number): Request {
    this.#moveTo(nowMs)
    this.#first()
    this.inside--
    return this.#requests.take()!
  }

  withdraw(_request: Request, nowMs: number): void {
    this.#moveTo(nowMs)
    this.inside--
  }

  whenDone(work: number, nowMs: number, coming: readonly number[]): number {
    this.#moveTo(nowMs)
    if (this.#speed === 0) return Number.POSITIVE_INFINITY
    // One after the other of those that end before goes, and the rest become faster.
    const until = this.#done + work
    const before = [...this.#requests].filter(each => each.state === 'inside' && each.until < until)
    const ends = [
      ...before.map(each => each.until),
      ...coming.map(each => this.#done + each).filter(each => each < until),
    ]
    ends.sort((a, b) => a - b)
    let there = this.inside + coming.length + 1
    let atMs = nowMs
    let done = this.#done
    for (const end of [...ends, until]) {
      atMs += (end - done) / this.#rate(there--)
      done = end
    }
    return atMs
  }

  takeUtilisation(sinceMs: number, nowMs: number): number {
    this.#moveTo(nowMs)
    const used = this.#busyMs / sinceMs
    this.#busyMs = 0
    return Math.min(1, used)
  }

  #moveTo(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    this.#done += passedMs * this.#rate(this.inside)
    const taken = Math.max(0, 1 - this.#speed)
    this.#busyMs += passedMs * Math.min(1, taken + (1 - taken) * Math.min(1, this.inside / this.#cores))
    this.#atMs = nowMs
  }

  #rate(inside: number): number {
    return inside === 0 ? 0 : this.#speed * Math.min(1, this.#cores / inside)
  }

  /** Those that were withdrawn stay in the heap until they are first. */
  #first(): Request | undefined {
    while (this.#requests.first !== undefined && this.#requests.first.state !== 'inside') this.#requests.take()
    return this.#requests.first
  }
}
