import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  actorAt,
  boardOf,
  createControl,
  DEAD,
  GRANT,
  LOG,
  OPERATIONS,
  ORDER,
  ORDER_BEGIN,
  ORDER_DIE,
  ORDER_GO_ON,
  STATE,
  STATE_DEAD,
  STATE_DONE,
  STATE_FAILED,
  STATE_READY,
  STATE_SLEEPS,
  STATE_STOPPED,
  STEPS,
  STOPS,
  TEXT,
  TEXT_BYTES,
  TURN,
  WAIT_INDEX,
  WAIT_VALUE,
} from './control.ts'
import type { Scenario, Taken } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import type { ActorTask } from './thread.ts'

/** A stretch of a schedule: an actor takes so many steps, or dies where it stands. */
export type Stretch = { readonly actor: number; readonly steps: number } | { readonly dies: number }

export interface Run {
  /** False when the schedule asks for a step that the actor cannot take: it sleeps at a word that has not changed. */
  readonly isFeasible: boolean
  readonly taken: readonly Taken[]
  /** Per actor the number of steps, of all, after which it had ended; Infinity when it never did. */
  readonly endedAt: readonly number[]
  /** The actor that died and the number of steps after which it did. */
  readonly death?: { readonly actor: number; readonly at: number }
  readonly wrong?: string
}

/** An actor that takes more steps at a stretch spins, and the others are let on. */
const STRETCH_MAX = 300
/** How often all may find that there is nothing to do but let a sleep time out. */
const TIMEOUTS_MAX = 50
const STOP_WITHIN_MS = 10_000

/** Stages one scenario: starts its actors once and plays it by as many schedules as are asked for. */
export class Director {
  readonly scenario: Scenario
  readonly #control: Int32Array
  readonly #board: Int32Array
  readonly #world: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #beginning: Int32Array
  readonly #workers: Worker[] = []
  #stops = 0
  #taken: Taken[] = []
  #endedAt: number[] = []
  #death: Run['death']

  private constructor(scenario: Scenario) {
    this.scenario = scenario
    this.#control = createControl(scenario.roles.length)
    this.#board = boardOf(this.#control, scenario.roles.length)
    this.#world = scenario.make()
    this.#words = new Int32Array(this.#world, 0, this.#world.byteLength >> 2)
    this.#beginning = this.#words.slice()
  }

  static async stage(name: string, fault?: string): Promise<Director> {
    const director = new Director(SCENARIOS[name]!)
    const actors = director.scenario.roles.length
    for (let actor = 0; actor < actors; actor++) {
      const workerData: ActorTask = {
        scenario: name,
        fault,
        actor,
        actors,
        control: director.#control,
        world: director.#world,
      }
      const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData })
      director.#workers.push(worker)
      await once(worker, 'online')
      director.#awaitStop()
    }
    return director
  }

  /** Plays the scenario by a schedule and, where that ends, lets everyone go on to the end, one after the other. */
  run(schedule: readonly Stretch[]): Run {
    this.#words.set(this.#beginning)
    this.#board.fill(0)
    this.#taken = []
    this.#endedAt = this.scenario.roles.map(() => Number.POSITIVE_INFINITY)
    this.#death = undefined
    this.#control[DEAD] = 0
    for (let actor = 0; actor < this.scenario.roles.length; actor++) {
      this.#control[actorAt(actor) + STATE] = STATE_READY
      this.#control[actorAt(actor) + STEPS] = 0
    }
    let last = 0
    for (const stretch of schedule) {
      if ('dies' in stretch) this.#kill(stretch.dies)
      else {
        last = stretch.actor
        if (!this.#mayGoOn(last) || this.#go(last, stretch.steps) !== stretch.steps) return this.#end(false)
      }
    }
    return this.#end(true, this.#letAllEnd(last))
  }

  /** Ends the actors, which stand in Atomics.wait and would for ever. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  #end(isFeasible: boolean, wrong?: string): Run {
    // Whoever stands in the middle of its role goes home, so that the next run finds everyone ready.
    for (let actor = 0; actor < this.scenario.roles.length; actor++) {
      const state = this.#state(actor)
      if (state === STATE_STOPPED || state === STATE_SLEEPS) this.#turn(actor, ORDER_DIE, 0)
    }
    return { isFeasible, taken: this.#taken, endedAt: this.#endedAt, death: this.#death, wrong }
  }

  #letAllEnd(first: number): string | undefined {
    const actors = this.scenario.roles.length
    for (let at = first, timeouts = 0; ; ) {
      const failed = this.#failure()
      if (failed !== undefined) return failed
      const next = this.#next(at)
      if (next >= 0) {
        const spins = this.#go(next, STRETCH_MAX) === STRETCH_MAX
        at = spins ? (next + 1) % actors : next
        continue
      }
      const sleeper = this.scenario.roles.findIndex((_, actor) => this.#state(actor) === STATE_SLEEPS)
      if (sleeper < 0) break
      if (++timeouts > TIMEOUTS_MAX) return 'everybody sleeps for ever'
      this.#go(sleeper, STRETCH_MAX)
    }
    return this.scenario.check(this.#world, this.#board, this.#death?.actor ?? -1)
  }

  #failure(): string | undefined {
    const failed = this.scenario.roles.findIndex((_, actor) => this.#state(actor) === STATE_FAILED)
    if (failed < 0) return undefined
    const at = actorAt(failed)
    const text = Buffer.from(this.#control.buffer, (at + TEXT) * 4, this.#control[at + TEXT_BYTES]!).toString('utf8')
    return `${this.scenario.roles[failed]!.name}: ${text}`
  }

  /** The actor itself while it can go on, then the next one that can; −1: nobody. */
  #next(actor: number): number {
    const actors = this.scenario.roles.length
    for (let turn = 0; turn < actors; turn++) {
      const next = (actor + turn) % actors
      if (this.#mayGoOn(next)) return next
    }
    return -1
  }

  #mayGoOn(actor: number): boolean {
    const state = this.#state(actor)
    if (state === STATE_STOPPED) return true
    if (state === STATE_READY) return this.#death !== undefined || this.scenario.roles[actor]!.isSupervisor !== true
    if (state !== STATE_SLEEPS) return false
    const at = actorAt(actor)
    return this.#words[this.#control[at + WAIT_INDEX]!] !== this.#control[at + WAIT_VALUE]
  }

  /** Lets an actor take `steps` steps, or as many as it can; returns how many. */
  #go(actor: number, steps: number): number {
    const at = actorAt(actor)
    const before = this.#control[at + STEPS]!
    this.#turn(actor, this.#state(actor) === STATE_READY ? ORDER_BEGIN : ORDER_GO_ON, steps)
    const after = this.#control[at + STEPS]!
    for (let step = before; step < after; step++) {
      const entry = this.#control[at + LOG + step]!
      this.#taken.push({ actor, operation: OPERATIONS[entry >>> 24]!, word: entry & 0xffffff })
    }
    const state = this.#state(actor)
    if (state === STATE_DONE || state === STATE_FAILED) this.#endedAt[actor] = this.#taken.length
    return after - before
  }

  #kill(actor: number): void {
    this.#turn(actor, ORDER_DIE, 0)
    this.#endedAt[actor] = this.#taken.length
    this.#death = { actor, at: this.#taken.length }
    this.#control[DEAD] = actor + 1
    if (this.#state(actor) !== STATE_DEAD) throw new Error('Cannot direct: an actor was told to die and lives')
  }

  #turn(actor: number, order: number, grant: number): void {
    const at = actorAt(actor)
    this.#control[at + ORDER] = order
    this.#control[at + GRANT] = grant
    Atomics.add(this.#control, at + TURN, 1)
    Atomics.notify(this.#control, at + TURN)
    this.#awaitStop()
  }

  #awaitStop(): void {
    const until = performance.now() + STOP_WITHIN_MS
    while (Atomics.load(this.#control, STOPS) === this.#stops) {
      if (performance.now() > until) throw new Error('Cannot direct: an actor does not give the turn back')
      Atomics.wait(this.#control, STOPS, this.#stops, 1000)
    }
    this.#stops++
  }

  #state(actor: number): number {
    return this.#control[actorAt(actor) + STATE]!
  }
}
