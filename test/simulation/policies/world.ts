import { createTestControlPlane, ROSTER } from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import { createSignalbox, type Router } from '../../../engine/index.ts'
import { type Attachment, attach } from '../../../engine/writer.ts'
import { type Job, Origin } from './origin.ts'

/** Something that happens in a scenario. */
export interface Change {
  readonly atMs: number
  /** Requests per second from now on. */
  readonly rate?: number
  /** Which origin the rest is about. */
  readonly origin?: number
  readonly speed?: number
  readonly failing?: number
}

/** For how long figures do not count yet, and for how long they do. */
export interface Span {
  readonly warmUpMs: number
  readonly forMs: number
}

/** What befalls a service; one seed, one course of events. */
export interface Scenario {
  readonly name: string
  /** Cores of each machine. */
  readonly cores: readonly number[]
  /** Mean work of a request in ms of a core, and its coefficient of variation; log-normal. */
  readonly workMs: number
  readonly cv: number
  /** Requests per second at the beginning; they come by chance (Poisson). */
  readonly rate: number
  changes(chance: () => number, untilMs: number): readonly Change[]
}

/** How it went for who asked, ms. */
export interface Course {
  readonly requests: number
  readonly failed: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Nobody waits longer for an answer; a failure costs whoever asked as much. */
export const PATIENCE_MS = 1000

/** Which agents run beside a policy: those that see how requests go, and those that forecast. The others would blur what is the policy's. */
const AGENTS = ['failure-detector', 'predictor']

/** Endpoints report once a second how much of their machine is used. */
const REPORT_MS = 1000

/**
 * A service in virtual time: requests come by chance, the real router picks, machines of our own answer, outcomes are settled, and the real
 * agents watch. The region's clock is put forward in whole ms.
 */
export async function live(scenario: Scenario, policy: string, seed: number, span: Span): Promise<Course> {
  const left = ROSTER.filter(({ name }) => !AGENTS.includes(name)).map(({ name }) => [name, null] as const)
  const plane = createTestControlPlane({ seed, agents: Object.fromEntries(left) })
  const endpoints = scenario.cores.map((_, i) => ({ id: `o${i}`, url: `http://127.0.0.1:${i + 1}` }))
  const api = { policy, endpoints, panicThreshold: 0, outlier: { maxEjected: '50%', baseEjection: '5s' } }
  const box = await createSignalbox({ services: { api } }, { control: plane, capacity: { outcomes: 1 << 14 } })
  const attachment = attach(box.handle)
  try {
    const world = new World(scenario, box.router('api'), attachment, seed, span)
    for (let nowMs = 1; nowMs <= span.warmUpMs + span.forMs; nowMs++) {
      world.moveTo(nowMs)
      if (nowMs % REPORT_MS === 0) world.report()
      await plane.advance(1)
    }
    return world.course()
  } finally {
    attachment.close()
    await box.close()
  }
}

/** Requests on their way, and the machines they are on. */
class World {
  readonly #router: Router
  readonly #attachment: Attachment
  readonly #chance: () => number
  readonly #changes: Change[]
  readonly #origins: readonly Origin[]
  readonly #originOf: ReadonlyMap<number, Origin>
  readonly #span: Span
  /** Of the logarithm of a request's work. */
  readonly #work: { readonly mean: number; readonly sigma: number }
  /** In the order they were sent: who is out of patience first. */
  readonly #waiting: Job[] = []
  #oldest = 0
  #rate: number
  #arrivalMs = 0
  #failed = 0
  readonly #tookMs: number[] = []

  constructor(scenario: Scenario, router: Router, attachment: Attachment, seed: number, span: Span) {
    let die = seed ^ 0x9e3779b9
    this.#chance = () => {
      const rolled = rollDie(die)
      die = rolled.seed
      return rolled.value
    }
    this.#router = router
    this.#attachment = attachment
    this.#span = span
    this.#changes = [...scenario.changes(this.#chance, span.warmUpMs + span.forMs)].sort((a, b) => a.atMs - b.atMs)
    this.#origins = scenario.cores.map(cores => new Origin(cores))
    const { rows } = attachment.serviceTexts()[0]!
    this.#originOf = new Map(rows.map((row, i) => [row, this.#origins[i]!]))
    const sigma = Math.sqrt(Math.log(1 + scenario.cv ** 2))
    this.#work = { mean: Math.log(scenario.workMs) - sigma ** 2 / 2, sigma }
    this.#rate = scenario.rate
    this.#arrivalMs = this.#gapMs()
  }

  /** Lets all happen that does before then, in its order. */
  moveTo(untilMs: number): void {
    for (;;) {
      let atMs = this.#arrivalMs
      let happen = (): void => this.#send(atMs)
      for (const origin of this.#origins) {
        if (origin.nextMs >= atMs) continue
        atMs = origin.nextMs
        happen = () => this.#answer(origin, atMs)
      }
      const late = this.#longestWaiting()
      if (late !== undefined && late.sentMs + PATIENCE_MS < atMs) {
        atMs = late.sentMs + PATIENCE_MS
        happen = () => this.#giveUp(late, atMs)
      }
      const change = this.#changes[0]
      if (change !== undefined && change.atMs <= atMs) {
        atMs = change.atMs
        happen = () => this.#change(this.#changes.shift()!)
      }
      if (atMs >= untilMs) return
      happen()
    }
  }

  report(): void {
    for (const [row, origin] of this.#originOf) {
      this.#attachment.endpoints.setUtilisation(row, origin.takeUtilisation(REPORT_MS))
    }
  }

  course(): Course {
    const took = Float64Array.from(this.#tookMs).sort()
    const at = (share: number): number => took[Math.ceil(share * took.length) - 1]!
    return {
      requests: took.length,
      failed: this.#failed,
      meanMs: took.reduce((sum, ms) => sum + ms, 0) / took.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }
  }

  #send(nowMs: number): void {
    this.#arrivalMs = nowMs + this.#gapMs()
    const ticket = this.#router.pick(Math.floor(this.#chance() * 2 ** 32) | 0)
    const work = Math.exp(this.#work.mean + this.#work.sigma * gauss(this.#chance))
    const luck = this.#chance()
    if (ticket < 0) {
      this.#fail(nowMs)
      return
    }
    const row = this.#attachment.endpoints.rowOf(ticket)
    const origin = this.#originOf.get(row)!
    if (luck < origin.failing) {
      this.#fail(nowMs)
      this.#router.settle(ticket, 'error', 500)
      return
    }
    const job: Job = { ticket, row, sentMs: nowMs, until: 0, isOver: false }
    origin.begin(job, work, nowMs)
    this.#waiting.push(job)
  }

  #answer(origin: Origin, nowMs: number): void {
    const { ticket, sentMs } = origin.finish(nowMs)
    this.#note(sentMs, nowMs - sentMs)
    this.#router.settle(ticket, 'ok', Math.max(1, Math.round((nowMs - sentMs) * 1000)))
  }

  #giveUp(job: Job, nowMs: number): void {
    this.#originOf.get(job.row)!.withdraw(job, nowMs)
    this.#fail(job.sentMs)
    this.#router.settle(job.ticket, 'timeout', PATIENCE_MS * 1000)
  }

  #change({ atMs, rate, origin: index, speed, failing }: Change): void {
    this.#rate = rate ?? this.#rate
    const origin = index === undefined ? undefined : this.#origins[index]!
    origin?.setSpeed(speed ?? origin.speed, atMs)
    if (origin !== undefined) origin.failing = failing ?? origin.failing
  }

  #longestWaiting(): Job | undefined {
    while (this.#waiting[this.#oldest]?.isOver) this.#oldest++
    if (this.#oldest > 65_536) {
      this.#waiting.splice(0, this.#oldest)
      this.#oldest = 0
    }
    return this.#waiting[this.#oldest]
  }

  #fail(sentMs: number): void {
    if (sentMs >= this.#span.warmUpMs) this.#failed++
    this.#note(sentMs, PATIENCE_MS)
  }

  #note(sentMs: number, tookMs: number): void {
    if (sentMs >= this.#span.warmUpMs) this.#tookMs.push(tookMs)
  }

  #gapMs(): number {
    return (-Math.log(1 - this.#chance()) * 1000) / this.#rate
  }
}

/** A normal number (Box and Muller's). */
export function gauss(chance: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance())
}
