import type { Machine } from './machine.ts'
import type { Request } from './request.ts'

/**
 * Some slots, each with one request at a time; the others wait in the order they came. A slot does `speed` of work in a ms; of a request that
 * is being worked on when the speed changes the rest takes accordingly.
 */
export class Queue implements Machine {
  failing = 0
  #speed: number
  readonly #slots: number
  /** Being worked on; `until` is the work that is left. */
  readonly #working: Request[] = []
  readonly #waiting: Request[] = []
  /** Work of those that wait, and where in the list the first of them is. */
  #waitingWork = 0
  #head = 0
  #atMs = 0
  #busyMs = 0

  constructor(slots: number, speed: number) {
    this.#slots = slots
    this.#speed = speed
  }

  get inside(): number {
    return this.#working.length + this.#waiting.length - this.#head
  }

  get speed(): number {
    return this.#speed
  }

  get nextMs(): number {
    if (this.#working.length === 0 || this.#speed === 0) return Number.POSITIVE_INFINITY
    return this.#atMs + this.#nearest().until / this.#speed
  }

  setSpeed(speed: number, nowMs: number): void {
    this.#moveTo(nowMs)
    this.#speed = speed
  }

  begin(request: Request, work: number, nowMs: number): void {
    this.#moveTo(nowMs)
    request.until = work
    if (this.#working.length < this.#slots) this.#working.push(request)
    else {
      this.#waiting.push(request)
      this.#waitingWork += work
    }
  }

  finish(nowMs: number): Request {
    this.#moveTo(nowMs)
    const request = this.#nearest()
    this.#leave(request)
    return request
  }

  withdraw(request: Request, nowMs: number): void {
    this.#moveTo(nowMs)
    if (this.#working.includes(request)) {
      this.#leave(request)
      return
    }
    this.#waiting.splice(this.#waiting.indexOf(request, this.#head), 1)
    this.#waitingWork -= request.until
  }

  whenDone(work: number, nowMs: number, coming: readonly number[]): number {
    this.#moveTo(nowMs)
    if (this.#speed === 0) return Number.POSITIVE_INFINITY
    const ahead = this.#waitingWork + coming.reduce((sum, each) => sum + each, 0)
    if (this.#slots === 1) return nowMs + ((this.#working[0]?.until ?? 0) + ahead + work) / this.#speed
    // Each that waits goes to the slot that is free first.
    const free = Array.from({ length: this.#slots }, (_, slot) => this.#working[slot]?.until ?? 0)
    for (const each of [...this.#waiting.slice(this.#head).map(({ until }) => until), ...coming, work]) {
      const first = free.indexOf(Math.min(...free))
      free[first]! += each
      work = free[first]!
    }
    return nowMs + work / this.#speed
  }

  takeUtilisation(sinceMs: number, nowMs: number): number {
    this.#moveTo(nowMs)
    const used = this.#busyMs / sinceMs / this.#slots
    this.#busyMs = 0
    return Math.min(1, used)
  }

  #moveTo(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    for (const each of this.#working) each.until -= passedMs * this.#speed
    this.#busyMs += passedMs * this.#working.length
    this.#atMs = nowMs
  }

  #nearest(): Request {
    return this.#working.reduce((nearest, each) => (each.until < nearest.until ? each : nearest))
  }

  #leave(request: Request): void {
    this.#working.splice(this.#working.indexOf(request), 1)
    const next = this.#waiting[this.#head]
    if (next === undefined) return
    this.#head++
    this.#waitingWork -= next.until
    this.#working.push(next)
    if (this.#head > 4096 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
  }
}
