import { createTestControlPlane, defineAgent, ROSTER, stay } from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import type { AnyAgent } from '../../../agents/kit/grammar/agent.ts'
import { writeService } from '../../../agents/kit/grammar/directive.ts'
import { capacityReported, sheddingRequested } from '../../../agents/signals.ts'
import { CLASS, createSignalbox, PICK } from '../../../engine/index.ts'
import type { Router } from '../../../engine/router/router.ts'

/** What became of the requests of a replay. */
export interface Replay {
  readonly sent: number
  /** Turned away before they were sent: those that may be, and others. */
  readonly shed: number
  readonly shedDear: number
  /** Answered with 5xx, as an endpoint does that has neither a worker nor room to wait. */
  readonly failed: number
  /** Picks that came to nothing for any other reason. */
  readonly unrouted: number
  /** The longest queue of any endpoint. */
  readonly queueMax: number
}

const ENDPOINTS = 8
const WORKERS = 12
const QUEUE = 60
const SERVICE_MS = 100
const USUAL = 200
const SURGE = 1_000
const SHEDDABLE = 0.3
const STEP_MS = 10

/** Does as it is bidden: turns requests of a class away, and lets them in again. */
const shedder: AnyAgent = defineAgent({
  name: 'shedder',
  role: 'shedder',
  listens: [sheddingRequested],
  writes: ['shedFrom'],
  start: () => stay(null),
  decide: (state, { data }) => ({
    state,
    directives: [writeService('shedFrom', 0, data.forMs > 0 ? CLASS.SHEDDABLE : 0)],
  }),
})

/** An endpoint: some workers, each at one request for as long as that takes, and some room to wait. */
class Server {
  busy = 0
  readonly waiting: number[] = []
}

interface Departure {
  readonly atMs: number
  readonly ticket: number
  readonly server: Server
}

/**
 * A service of eight endpoints that can bear 960 requests a second, at 200, and then at 1,000 for some seconds: all by one die, through the
 * real router, with the agents in virtual time; or without the load balancer.
 */
export async function replaySurge(seed: number, isBalanced: boolean, surgeMs: number): Promise<Replay> {
  let die = seed
  const roll = (): number => {
    const next = rollDie(die)
    die = next.seed
    return next.value
  }
  const names = isBalanced ? ['failure-detector', 'load-balancer'] : ['failure-detector']
  const plane = createTestControlPlane({
    seed,
    roster: [
      ...ROSTER.filter(({ name }) => names.includes(name)),
      { name: 'shedder', group: 'prediction', module: import.meta.url, restart: 'permanent' },
    ],
    agents: { shedder },
  })
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => ({ id: `e${i}`, url: `http://127.0.0.1:${i + 1}` }))
  const outlier = { consecutive5xx: 0, consecutiveGateway: 0 }
  const box = await createSignalbox(
    { services: { api: { policy: 'round-robin', outlier, endpoints } } },
    { control: plane },
  )
  try {
    const router = box.router('api')
    const rows = box.explain('api').endpoints.map(({ row }) => row)
    const servers = new Map(rows.map(row => [row, new Server()]))
    await plane.advance(1_000)
    const nothing = { cpu: null, memory: null, network: null, utilisation: null }
    plane.hear(
      capacityReported.of({
        by: 'agent',
        rows: rows.map((row, i) => {
          return { row, generation: 1, service: 'api', id: `e${i}`, ...nothing, maxConnections: WORKERS }
        }),
      }),
    )
    const world = new SurgeWorld(router, servers, roll)
    for (let nowMs = 0; nowMs < 15_000 + surgeMs; nowMs += STEP_MS) {
      world.step(nowMs, nowMs < 15_000 ? USUAL : SURGE)
      await plane.advance(STEP_MS)
    }
    return world.replay
  } finally {
    await box.close()
  }
}

class SurgeWorld {
  readonly replay = { sent: 0, shed: 0, shedDear: 0, failed: 0, unrouted: 0, queueMax: 0 }
  readonly #router: Router
  readonly #servers: ReadonlyMap<number, Server>
  readonly #roll: () => number
  #departures: Departure[] = []
  #nextMs = 0

  constructor(router: Router, servers: ReadonlyMap<number, Server>, roll: () => number) {
    this.#router = router
    this.#servers = servers
    this.#roll = roll
  }

  /** All that happens within one step, in its order. */
  step(fromMs: number, perSecond: number): void {
    while (this.#nextMs < fromMs + STEP_MS) {
      this.#departUntil(this.#nextMs)
      this.#arrive(this.#nextMs)
      this.#nextMs += (-Math.log(1 - this.#roll()) * 1_000) / perSecond
    }
    this.#departUntil(fromMs + STEP_MS)
  }

  #arrive(nowMs: number): void {
    const isCheap = this.#roll() < SHEDDABLE
    const ticket = this.#router.pick(0, undefined, isCheap ? CLASS.SHEDDABLE : CLASS.CRITICAL)
    if (ticket === PICK.SHED) {
      if (isCheap) this.replay.shed++
      else this.replay.shedDear++
      return
    }
    if (ticket < 0) {
      this.replay.unrouted++
      return
    }
    this.replay.sent++
    const server = this.#servers.get(this.#router.endpoint(ticket).row)!
    if (server.busy < WORKERS) this.#begin(server, ticket, nowMs)
    else if (server.waiting.length < QUEUE) {
      server.waiting.push(ticket)
      this.replay.queueMax = Math.max(this.replay.queueMax, server.waiting.length)
    } else {
      this.replay.failed++
      this.#router.settle(ticket, 'error', 1_000)
    }
  }

  #begin(server: Server, ticket: number, nowMs: number): void {
    server.busy++
    this.#departures.push({ atMs: nowMs - Math.log(1 - this.#roll()) * SERVICE_MS, ticket, server })
  }

  #departUntil(nowMs: number): void {
    const over = this.#departures.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)
    if (over.length === 0) return
    this.#departures = this.#departures.filter(({ atMs }) => atMs > nowMs)
    for (const { atMs, ticket, server } of over) {
      server.busy--
      this.#router.settle(ticket, 'ok', SERVICE_MS * 1_000)
      const next = server.waiting.shift()
      if (next !== undefined) this.#begin(server, next, atMs)
    }
  }
}
