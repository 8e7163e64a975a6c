import { below, type Chance, chanceOf } from '../chance.ts'
import type { Outcome, Routing, Surroundings } from '../rules/rule.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { Agenda } from './agenda.ts'
import { Arrivals } from './arrivals.ts'
import { type Course, courseOf } from './course.ts'
import type { Request } from './request.ts'
import { Site } from './site.ts'
import { Weather } from './weather.ts'

/** What whoever begins to route is given. */
export type BeginRouting = (surroundings: Surroundings, sites: readonly Site[]) => Routing | Promise<Routing>

/** How far time goes until those that live beside it have their turn, ms. */
const STEP_MS = 1
/** Where nobody does: how far it goes between two signs of progress. */
const STRIDE_MS = 1000

/** A failure costs who asked as much as the longest wait; a machine that fails does so at once. */
const FAILS_MS = 0.5

/**
 * A service in virtual time: requests come by chance, routers pick, machines work, answers come back.
 *
 *     arrivals ──▶ pick ──network──▶ site ── work ──network──▶ settle ──▶ course
 *                                     ▲
 *                                  weather
 *
 * With the same seed the same requests come at the same moments, with the same work on a machine, whoever routes them.
 */
export async function live(
  scenario: Scenario,
  seed: number,
  begin: BeginRouting,
  onProgress: (share: number) => void = () => {},
): Promise<Course> {
  const world = new World(scenario, seed)
  const routing = await world.begin(begin)
  const untilMs = scenario.warmUpMs + scenario.spanMs
  const stepMs = routing.moveTo === undefined ? STRIDE_MS : STEP_MS
  try {
    for (let nowMs = stepMs; !world.isOver; nowMs += stepMs) {
      world.moveTo(nowMs)
      await routing.moveTo?.(nowMs)
      if (nowMs % STRIDE_MS === 0) onProgress(Math.min(1, nowMs / untilMs))
    }
    return world.course()
  } finally {
    await routing.close?.()
  }
}

class World {
  readonly #scenario: Scenario
  readonly #seed: number
  readonly #agenda = new Agenda()
  readonly #sites: readonly Site[]
  readonly #arrivals: Arrivals
  readonly #weather: Weather
  readonly #toRouter: Chance
  readonly #fails: Chance
  readonly #routers: number
  #routing: Routing | undefined
  #sent = 0
  /** In the order they were sent: who is out of patience first. */
  readonly #patience: Request[] = []
  #impatient = 0
  /** Of those that count: under way, failed, and how long the others took. */
  #open = 0
  #failed = 0
  readonly #tookMs: number[] = []

  constructor(scenario: Scenario, seed: number) {
    const { machines, load, rate, fleet } = scenario
    this.#scenario = scenario
    this.#seed = Math.imul(seed, 0x9e3779b1)
    this.#sites = machines.map(spec => new Site(spec, this.#agenda, request => this.#answer(request)))
    const send = (caller: number, nowMs: number): void => this.#send(caller, nowMs)
    this.#arrivals = new Arrivals(load, rate, this.#agenda, chanceOf(this.#seed ^ 1), send)
    this.#weather = new Weather(this.#sites, this.#agenda, this.#seed ^ 2)
    this.#toRouter = chanceOf(this.#seed ^ 3)
    this.#fails = chanceOf(this.#seed ^ 4)
    this.#routers = fleet.nodes * fleet.threads
  }

  /** All that counts has come, and is answered. */
  get isOver(): boolean {
    const { warmUpMs, spanMs } = this.#scenario
    return this.#agenda.nowMs >= warmUpMs + spanMs && this.#open === 0
  }

  async begin(begin: BeginRouting): Promise<Routing> {
    const { machines, fleet, networkMs, changes, disturbances } = this.#scenario
    const agenda = this.#agenda
    const repeat = (everyMs: number, call: () => void): void =>
      agenda.at(agenda.nowMs + everyMs, () => {
        call()
        repeat(everyMs, call)
      })
    const surroundings: Surroundings = {
      ...{ fleet, machines, repeat },
      chance: chanceOf(this.#seed ^ 5),
      nowMs: () => agenda.nowMs,
      ask: (index, ask, onAnswer) => {
        const { machine } = this.#sites[index]!
        agenda.at(agenda.nowMs + networkMs, nowMs => {
          const answer = ask(machine.inside, nowMs)
          agenda.at(nowMs + networkMs, () => onAnswer(answer))
        })
      },
      utilisation: (index, sinceMs) => this.#sites[index]!.machine.takeUtilisation(sinceMs, agenda.nowMs),
    }
    this.#routing = await begin(surroundings, this.#sites)
    this.#weather.begin(changes, disturbances)
    this.#arrivals.begin()
    return this.#routing
  }

  moveTo(nowMs: number): void {
    this.#agenda.moveTo(nowMs)
  }

  course(): Course {
    return courseOf(this.#tookMs, this.#failed)
  }

  #send(caller: number, nowMs: number): void {
    const number = this.#sent++
    const seed = this.#seed ^ Math.imul(number + 1, 0x85ebca6b)
    const { callers, concurrency } = this.#scenario.load
    const isOwn = callers !== undefined || concurrency !== undefined
    // Written out: spread together it takes a fifth of a run.
    const request: Request = {
      number,
      router: isOwn ? caller % this.#routers : below(this.#toRouter, this.#routers),
      sentMs: nowMs,
      caller,
      seed,
      key: Math.imul(seed, 0x9e3779b1) ^ (seed >>> 15),
      ticket: -1,
      machine: -1,
      until: 0,
      insideThen: 0,
      insideAfter: 0,
      servedMs: 0,
      arrivedMs: nowMs,
      state: 'sent',
    }
    if (this.#counts(request)) this.#open++
    request.machine = this.#routing!.pick(request)
    if (request.machine < 0) {
      // Nobody was asked: there is nothing to settle, and who asks again at once would do nothing else.
      this.#agenda.at(nowMs + FAILS_MS, atMs => this.#over(request, false, atMs))
      return
    }
    this.#awaitPatience(request)
    this.#agenda.at(nowMs + this.#scenario.networkMs, atMs => this.#arrive(request, atMs))
  }

  #arrive(request: Request, nowMs: number): void {
    if (request.state !== 'sent') return
    const site = this.#sites[request.machine]!
    const luck = this.#fails()
    if (luck < site.machine.failing) this.#back(request, 'error', nowMs + FAILS_MS)
    else site.begin(request, nowMs)
  }

  #answer(request: Request): void {
    this.#back(request, 'ok', this.#agenda.nowMs)
  }

  #back(request: Request, outcome: Outcome, leavesMs: number): void {
    request.state = 'answering'
    this.#agenda.at(leavesMs + this.#scenario.networkMs, nowMs => {
      if (request.state === 'over') return
      this.#routing!.settle(request, outcome, nowMs - request.sentMs)
      this.#over(request, outcome === 'ok', nowMs)
    })
  }

  #giveUp(request: Request, nowMs: number): void {
    if (request.state === 'over') return
    const isInside = request.state === 'inside'
    request.state = 'over'
    if (isInside) this.#sites[request.machine]!.withdraw(request, nowMs)
    this.#routing!.settle(request, 'timeout', nowMs - request.sentMs)
    this.#over(request, false, nowMs)
  }

  #over(request: Request, isGood: boolean, nowMs: number): void {
    request.state = 'over'
    if (this.#counts(request)) {
      this.#open--
      if (!isGood) this.#failed++
      this.#tookMs.push(isGood ? nowMs - request.sentMs : this.#scenario.patienceMs)
    }
    this.#arrivals.free(request.caller, nowMs)
  }

  #counts({ sentMs }: Request): boolean {
    const { warmUpMs, spanMs } = this.#scenario
    return sentMs >= warmUpMs && sentMs < warmUpMs + spanMs
  }

  /** One entry of the agenda for the first of them, for all are as patient. */
  #awaitPatience(request: Request): void {
    this.#patience.push(request)
    if (this.#patience.length - this.#impatient === 1) this.#watchFirst()
  }

  #watchFirst(): void {
    while (this.#patience[this.#impatient]?.state === 'over') this.#impatient++
    if (this.#impatient > 65_536) {
      this.#patience.splice(0, this.#impatient)
      this.#impatient = 0
    }
    const first = this.#patience[this.#impatient]
    if (first === undefined) return
    this.#agenda.at(first.sentMs + this.#scenario.patienceMs, nowMs => {
      this.#giveUp(first, nowMs)
      this.#watchFirst()
    })
  }
}
