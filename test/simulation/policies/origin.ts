/** What is under way at an endpoint. */
export interface Job {
  readonly ticket: number
  readonly row: number
  readonly sentMs: number
  /** Work done on each job of the endpoint until this one is over: where its clock of work stands then. */
  until: number
  isOver: boolean
}

/**
 * A machine behind an endpoint: some cores that all jobs on it share evenly, as an operating system has them share.
 *
 *   each of n jobs gets       speed × min(1, cores ÷ n)       of a core
 *
 * Speed 1 is the machine by itself; less is what others on it leave. A job is over when it has had the work it came with, so that a job that
 * is on its way when the machine slows down takes longer too.
 *
 * Source  processor sharing; all jobs there at a moment have had the same work since, so one clock of work serves all (Kleinrock).
 */
export class Origin {
  readonly cores: number
  speed = 1
  /** Share of requests it answers at once, with an error. */
  failing = 0
  #jobs = 0
  /** Work that a job has had that was there from the beginning, ms of a core. */
  #done = 0
  #atMs = 0
  #busyMs = 0
  readonly #heap: Job[] = []

  constructor(cores: number) {
    this.cores = cores
  }

  /** Used share of its cores since this was last asked, so many ms ago, with what others on the machine take. */
  takeUtilisation(sinceMs: number): number {
    const used = this.#busyMs / sinceMs
    this.#busyMs = 0
    return Math.min(1, used)
  }

  /** When its next job is over, if nothing changes; never: infinite. */
  get nextMs(): number {
    this.#dropOver()
    const first = this.#heap[0]
    return first === undefined ? Number.POSITIVE_INFINITY : this.#atMs + (first.until - this.#done) / this.#rate
  }

  /** A job with so much work comes, ms of a core. */
  begin(job: Job, workMs: number, nowMs: number): void {
    this.moveTo(nowMs)
    job.until = this.#done + workMs
    this.#jobs++
    push(this.#heap, job)
  }

  /** The job that is over at `nextMs`. */
  finish(nowMs: number): Job {
    this.moveTo(nowMs)
    const job = pop(this.#heap)
    job.isOver = true
    this.#jobs--
    return job
  }

  /** Nobody waits for it any more, and it does not go on. */
  withdraw(job: Job, nowMs: number): void {
    this.moveTo(nowMs)
    job.isOver = true
    this.#jobs--
  }

  setSpeed(speed: number, nowMs: number): void {
    this.moveTo(nowMs)
    this.speed = speed
  }

  moveTo(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    this.#done += passedMs * this.#rate
    this.#busyMs += passedMs * (1 - this.speed + this.speed * Math.min(1, this.#jobs / this.cores))
    this.#atMs = nowMs
  }

  get #rate(): number {
    return this.#jobs === 0 ? 0 : this.speed * Math.min(1, this.cores / this.#jobs)
  }

  #dropOver(): void {
    while (this.#heap[0]?.isOver) pop(this.#heap)
  }
}

function push(heap: Job[], job: Job): void {
  let at = heap.push(job) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]!.until <= job.until) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = job
}

function pop(heap: Job[]): Job {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]!.until < heap[child]!.until) child++
    if (last.until <= heap[child]!.until) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
