import { below, type Chance } from '../chance.ts'
import type { Request } from '../world/request.ts'
import { forEachRouter, twoOf } from './counts.ts'
import type { Routing, Rule, Surroundings } from './rule.ts'

/**
 * Prequal: each request sends probes to machines by chance, aside; what they told is kept in a small pool, and the best of it is used.
 *
 *     hot  = inside above the Q-quantile of what probes told of late
 *     any cold: the cold one with the lowest latency;   none: the one with the least inside
 *
 * Source  Wydrowski et al., Prequal, NSDI 2024: pool 16, 3 probes a query, 1 removed a query, kept 1 s, Q = 2^−0.25.
 */
export const prequalProbes: Rule = {
  name: 'prequal-probes',
  source: 'hot and cold by probes, 3 a request into a pool of 16 (Wydrowski et al., Prequal, NSDI 2024)',
  begin: surroundings => probing(surroundings, hotCold),
}

/** Its rival in that paper: half latency, half what is inside, in ms of one request alone. */
export const linear: Rule = {
  name: 'linear',
  source: 'the same probes; lowest ½ latency + ½ inside × latency of one alone (Prequal, NSDI 2024: Linear)',
  begin: surroundings =>
    probing(surroundings, pool => {
      const cost = ({ inside, latencyMs, aloneMs }: Probe): number => latencyMs + inside * aloneMs
      return pool.reduce((best, each) => (cost(each) < cost(best) ? each : best))
    }),
}

interface Probe {
  readonly machine: number
  inside: number
  readonly latencyMs: number
  readonly aloneMs: number
  readonly atMs: number
  uses: number
}

type Choose = (pool: readonly Probe[], threshold: number) => Probe

const POOL = 16
const PROBES = 3
const REMOVED = 1
const AGE_MS = 1000
const HOT_QUANTILE = 2 ** -0.25
/** Of what was told is inside, so many are remembered. */
const TOLD = 128
/** How far more uses than probes may be. */
const DELTA = 1

function hotCold(pool: readonly Probe[], threshold: number): Probe {
  const cold = pool.filter(({ inside }) => inside <= threshold)
  if (cold.length > 0) return cold.reduce((best, each) => (each.latencyMs < best.latencyMs ? each : best))
  return pool.reduce((best, each) => (each.inside < best.inside ? each : best))
}

function probing(surroundings: Surroundings, choose: Choose): Routing {
  const { machines, chance } = surroundings
  const sights = machines.map(() => new Sight())
  const clients = forEachRouter(surroundings, () => new Client(surroundings, sights, choose))
  // How often a probe may be used, so that the pool neither runs dry nor grows old.
  const uses = Math.max(1, (1 + DELTA) / ((1 - POOL / Math.max(POOL + 1, machines.length)) * PROBES - REMOVED))
  return {
    pick(request) {
      const rounded = Math.floor(uses) + (chance() < uses % 1 ? 1 : 0)
      return clients[request.router]!.pick(rounded)
    },
    settle(request, outcome, tookMs) {
      // A machine that fails at once is not a good one.
      sights[request.machine]!.note(request, outcome === 'ok' ? request.servedMs : Math.max(tookMs, FAILED_MS))
    },
  }
}

const FAILED_MS = 5000

class Client {
  readonly #surroundings: Surroundings
  readonly #sights: readonly Sight[]
  readonly #choose: Choose
  readonly #told: number[] = []
  #pool: Probe[] = []
  #isOldestNext = true

  constructor(surroundings: Surroundings, sights: readonly Sight[], choose: Choose) {
    this.#surroundings = surroundings
    this.#sights = sights
    this.#choose = choose
  }

  pick(usesMax: number): number {
    const { machines, chance, nowMs } = this.#surroundings
    this.#pool = this.#pool.filter(each => each.atMs > nowMs() - AGE_MS)
    let machine: number
    if (this.#pool.length < 2) machine = below(chance, machines.length)
    else {
      const probe = this.#choose(this.#pool, this.#threshold())
      machine = probe.machine
      probe.inside++
      if (++probe.uses >= usesMax) this.#pool.splice(this.#pool.indexOf(probe), 1)
    }
    this.#removeOne()
    this.#probe(chance)
    return machine
  }

  #threshold(): number {
    const sorted = [...this.#told].sort((a, b) => a - b)
    return sorted[Math.floor(HOT_QUANTILE * (sorted.length - 1))] ?? 0
  }

  /** In turns the oldest and the worst. */
  #removeOne(): void {
    if (this.#pool.length <= 2) return
    const worst = (): Probe => this.#pool.reduce((found, each) => (each.inside > found.inside ? each : found))
    const removed = this.#isOldestNext ? this.#pool[0]! : worst()
    this.#isOldestNext = !this.#isOldestNext
    this.#pool.splice(this.#pool.indexOf(removed), 1)
  }

  #probe(chance: Chance): void {
    const { machines, ask } = this.#surroundings
    const [first, second] = twoOf(machines.length, chance)
    const third = below(chance, machines.length)
    for (const machine of new Set([first, second, third])) {
      ask(
        machine,
        (inside, atMs): Probe => ({ machine, inside, ...this.#sights[machine]!.at(inside), atMs, uses: 0 }),
        probe => this.#take(probe),
      )
    }
  }

  #take(probe: Probe): void {
    this.#told.push(probe.inside)
    if (this.#told.length > TOLD) this.#told.shift()
    this.#pool.push(probe)
    if (this.#pool.length > POOL) this.#pool.shift()
  }
}

/** What a machine knows of itself: how long requests took of late, by how many were there when they came. */
class Sight {
  readonly #byInside: number[][] = []

  note({ insideThen }: Request, servedMs: number): void {
    this.#byInside[insideThen] ??= []
    const level = this.#byInside[insideThen]!
    level.push(servedMs)
    if (level.length > LEVEL) level.shift()
  }

  /** The median at the nearest level that anything is known of; nothing known: no time at all. */
  at(inside: number): { readonly latencyMs: number; readonly aloneMs: number } {
    return { latencyMs: this.#nearest(inside), aloneMs: this.#nearest(0) }
  }

  #nearest(inside: number): number {
    for (let distance = 0; distance < this.#byInside.length + inside; distance++) {
      const level = this.#byInside[inside - distance] ?? this.#byInside[inside + distance]
      if (level !== undefined) return [...level].sort((a, b) => a - b)[level.length >> 1]!
    }
    return 0
  }
}

/** More of them are older, and a better median for it: of 24 of late whatever met them p99 was a fifth worse. */
const LEVEL = 16
