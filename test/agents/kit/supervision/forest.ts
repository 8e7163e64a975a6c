import assert from 'node:assert/strict'
import { rollDie } from '../../../../agents/kit/dice.ts'
import {
  nextDueMs,
  plant,
  type Supervision,
  step,
  type Tidings,
  type TreeEvent,
  type TreeOrder,
} from '../../../../agents/kit/supervision/supervision.ts'
import type { Spec, SupervisorSpec, ThreadSpec } from '../../../../agents/kit/supervision/supervision-tree.ts'

export function thread(id: string, more: Partial<ThreadSpec> = {}): ThreadSpec {
  return { kind: 'thread', id, restart: 'permanent', stopMsMax: 1_000, ...more }
}

export function supervisor(id: string, children: readonly Spec[], more: Partial<SupervisorSpec> = {}): SupervisorSpec {
  const intensity = { restarts: 3, withinMs: 5_000, backOffMsMax: 10_000 }
  return { kind: 'supervisor', id, strategy: 'one-for-one', ...intensity, onGiveUp: 'escalate', children, ...more }
}

export function root(children: readonly Spec[], more: Partial<SupervisorSpec> = {}): SupervisorSpec {
  return supervisor('root', children, { onGiveUp: 'rest', ...more })
}

/** Threads as a test has them: how long they take to start and to stop, and what they were asked to. */
interface World {
  startMs(id: string): number
  stopMs(id: string): number
  /** What a start comes to instead of running. */
  startFault?(id: string): string | undefined
  /** Called when one is started, to look at how the others stand then. */
  onStart?(id: string): void
}

/**
 * A tree in virtual time, with threads that do as they are told. After every step it is checked that nobody runs twice,
 * nobody is ended or stopped who is not there, and that there is something to wait for.
 */
export class Forest {
  now = 0
  state: Supervision
  /** `start a`, `stop b`, `end c` and what was told, as they came. */
  readonly log: string[] = []
  readonly restarts: { atMs: number; id: string; delayMs: number }[] = []
  readonly alive = new Map<string, 'starting' | 'running' | 'stopping'>()
  readonly #world: World
  readonly #later: { atMs: number; order: number; event: TreeEvent; life: number }[] = []
  readonly #lives = new Map<string, number>()
  #seed: number
  #count = 0

  constructor(spec: SupervisorSpec, world: Partial<World> = {}, seed = 1) {
    this.#world = { startMs: () => 30, stopMs: () => 5, ...world }
    this.#seed = seed
    this.state = plant(spec)
  }

  /** Takes an event now, and does what is ordered. */
  take(event: TreeEvent): this {
    if (event.event === 'ended') this.alive.delete(event.id)
    if (event.event === 'started') this.alive.set(event.id, 'running')
    const { state, orders } = step(this.state, event, this.now, this.roll())
    this.state = state
    for (const order of orders) this.#perform(order)
    for (const [id, node] of state.nodes) {
      if (node.kind === 'thread') assert.equal(this.alive.has(id), node.phase !== 'down', `${id} is ${node.phase}`)
    }
    return this
  }

  crash(id: string, isFault = true): this {
    return this.#end(id, isFault, 'it crashed')
  }

  /** Lets so many ms pass, with everything that falls due. */
  pass(ms: number): this {
    const until = this.now + ms
    for (;;) {
      const dueMs = nextDueMs(this.state, this.now) ?? Number.POSITIVE_INFINITY
      const [next] = this.#later.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)
      const atMs = Math.min(dueMs, next?.atMs ?? Number.POSITIVE_INFINITY)
      if (atMs > until) break
      this.now = atMs
      if (next !== undefined && next.atMs === atMs) {
        this.#later.splice(this.#later.indexOf(next), 1)
        const { id } = next.event as { id: string }
        if (this.#lives.get(id) === next.life && this.alive.has(id)) this.take(next.event)
      } else this.take({ event: 'due' })
    }
    this.now = until
    return this
  }

  roll(): number {
    const { value, seed } = rollDie(this.#seed)
    this.#seed = seed
    return value
  }

  get running(): string[] {
    return [...this.alive].flatMap(([id, phase]) => (phase === 'running' ? [id] : []))
  }

  /** The log since it was last asked for. */
  news(): string[] {
    return this.log.splice(0)
  }

  #end(id: string, isFault: boolean, reason: string): this {
    assert.ok(this.alive.has(id), `${id} is there to end`)
    return this.take({ event: 'ended', id, isFault, reason })
  }

  #perform(order: TreeOrder): void {
    switch (order.order) {
      case 'start': {
        const { id } = order
        assert.ok(!this.alive.has(id), `${id} runs once`)
        this.alive.set(id, 'starting')
        const life = (this.#lives.get(id) ?? 0) + 1
        this.#lives.set(id, life)
        const fault = this.#world.startFault?.(id)
        const event: TreeEvent =
          fault === undefined ? { event: 'started', id } : { event: 'ended', id, isFault: true, reason: fault }
        this.#say(`start ${id}`)
        this.#world.onStart?.(id)
        this.#in(this.#world.startMs(id), event)
        break
      }
      case 'stop':
        assert.ok(this.alive.has(order.id), `${order.id} is there to stop`)
        this.alive.set(order.id, 'stopping')
        this.#say(`stop ${order.id}`)
        this.#in(this.#world.stopMs(order.id), { event: 'ended', id: order.id, isFault: false, reason: 'it stopped' })
        break
      case 'end':
        assert.ok(this.alive.has(order.id), `${order.id} is there to end`)
        this.#say(`end ${order.id}`)
        this.#in(2, { event: 'ended', id: order.id, isFault: true, reason: 'it was ended' })
        break
      case 'tell':
        this.#say(this.#sentence(order.tidings))
        break
      case 'orphan':
        this.#say(`orphan ${order.id}${order.isTold ? ' is told' : ''}`)
        break
      case 'boot-failed':
        this.#say(`boot failed at ${order.id}: ${order.reason}`)
        break
      default:
        this.#say(order.order)
    }
  }

  #sentence(tidings: Tidings): string {
    if (tidings.what === 'restart') {
      this.restarts.push({ atMs: this.now, id: tidings.id, delayMs: tidings.delayMs })
      return `restart ${tidings.id}`
    }
    if (tidings.what === 'gave-up') return `${tidings.id} gave up${tidings.restMs === undefined ? '' : ' and rests'}`
    return `${tidings.what} ${tidings.id}`
  }

  #in(ms: number, event: TreeEvent & { id: string }): void {
    const life = this.#lives.get(event.id)!
    this.#later.push({ atMs: this.now + ms, order: this.#count++, event, life })
  }

  #say(line: string): void {
    this.log.push(line)
  }
}
