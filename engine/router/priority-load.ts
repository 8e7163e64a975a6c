/** Priorities there are: 0 is taken first. */
export const PRIORITIES = 128

const PANIC_UNIT = 1e8

/** A panic threshold from 0 to 1 in units of 10^−8, a whole number. */
export function panicUnits(panicThreshold: number): number {
  return Math.round(panicThreshold * PANIC_UNIT) | 0
}

/**
 * How the requests of a service are spread over its priorities, in whole percent.
 *
 *   health(p)     = min(100, ⌊f × healthy(p) ÷ endpoints(p)⌋)        f = 140: a fifth may be gone before any load moves on
 *   available     = min(100, Σ health(p) + Σ degraded(p))
 *   load(p)       = min(what is left of 100, ⌊100 × health(p) ÷ available⌋), healthy ones by priority, then degraded ones;
 *                   what rounding leaves goes to the first that has any
 *   panic(p)      unless available = 100: less than the threshold of p's admitted endpoints is healthy or degraded. Then all
 *                   of them are used. Where every priority panics, load is spread by the number of admitted endpoints
 *
 * Source    Envoy, priority levels and panic thresholds, integer for integer. Deviation: what an operator keeps out
 *           (draining, quarantined) is missing where load is spread, so that it moves on, but does not count for panic:
 *           a decision is no sign that the checks are wrong.
 * Cost      a pass over the priorities in use; nothing is allocated.
 */
export class PriorityLoads {
  /** Endpoints of each priority, and of these the healthy, the degraded, and those that nobody decided to keep out. */
  readonly endpoints = new Int32Array(PRIORITIES)
  readonly healthy = new Int32Array(PRIORITIES)
  readonly degraded = new Int32Array(PRIORITIES)
  readonly admitted = new Int32Array(PRIORITIES)
  /** Percent of the requests that go to each priority, to its healthy and to its degraded ones; 100 together. */
  readonly healthyLoad = new Int32Array(PRIORITIES)
  readonly degradedLoad = new Int32Array(PRIORITIES)
  /** 1 where health is ignored. */
  readonly panic = new Uint8Array(PRIORITIES)
  /** One more than the highest priority in use. */
  count = 0
  readonly #health = new Int32Array(PRIORITIES)
  readonly #degradedHealth = new Int32Array(PRIORITIES)

  /** Forgets what was counted, before counting anew. */
  clear(): void {
    const end = this.count
    this.endpoints.fill(0, 0, end)
    this.healthy.fill(0, 0, end)
    this.degraded.fill(0, 0, end)
    this.admitted.fill(0, 0, end)
    this.count = 0
  }

  /** From the counts to loads and panics. `overprovisioning` in percent, `panicThreshold` from 0 to 1; 0: never. */
  derive(overprovisioning: number, panicThreshold: number): void {
    this.deriveBy(overprovisioning, panicUnits(panicThreshold))
  }

  /** The same with the threshold in whole units: V8 boxes a fraction that is handed on, and a pick may come by here. */
  deriveBy(overprovisioning: number, panicBelow: number): void {
    const { count } = this
    const available = this.#available(overprovisioning)
    this.panic.fill(0, 0, PRIORITIES)
    this.healthyLoad.fill(0, 0, PRIORITIES)
    this.degradedLoad.fill(0, 0, PRIORITIES)
    if (available > 0) this.#spread(available)
    else this.healthyLoad[0] = 100
    if (panicBelow === 0 || available === 100) return
    let isTotal = count > 0
    for (let p = 0; p < count; p++) {
      // Where nobody is admitted there is nothing to ignore, and nothing that speaks against a panic of all.
      if (this.admitted[p] === 0) continue
      this.panic[p] = (this.healthy[p] + this.degraded[p]) * PANIC_UNIT < panicBelow * this.admitted[p] ? 1 : 0
      isTotal = isTotal && this.panic[p] === 1
    }
    if (isTotal) this.#spreadInTotalPanic()
  }

  /** The priority that a roll from 0 to 99 falls on; below 0, as −1 − priority, where it falls on the degraded ones. */
  choose(roll: number): number {
    let sum = 0
    for (let p = 0; p < this.count; p++) if (roll < (sum += this.healthyLoad[p])) return p
    for (let p = 0; p < this.count; p++) if (roll < (sum += this.degradedLoad[p])) return -1 - p
    return 0
  }

  #available(overprovisioning: number): number {
    let sum = 0
    for (let p = 0; p < this.count; p++) {
      const all = this.endpoints[p]
      this.#health[p] = all === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * this.healthy[p]) / all))
      this.#degradedHealth[p] = all === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * this.degraded[p]) / all))
      sum += this.#health[p] + this.#degradedHealth[p]
    }
    return Math.min(100, sum)
  }

  #spread(available: number): void {
    let left = this.#give(this.healthyLoad, this.#health, 100, available)
    left = this.#give(this.degradedLoad, this.#degradedHealth, left, available)
    if (left === 0) return
    const firstHealthy = this.#first(this.#health)
    if (firstHealthy >= 0) this.healthyLoad[firstHealthy] += left
    else this.degradedLoad[this.#first(this.#degradedHealth)] += left
  }

  #give(loads: Int32Array, health: Int32Array, load: number, available: number): number {
    let left = load
    for (let p = 0; p < this.count; p++) {
      loads[p] = Math.min(left, Math.floor((health[p] * 100) / available))
      left -= loads[p]
    }
    return left
  }

  #spreadInTotalPanic(): void {
    let all = 0
    for (let p = 0; p < this.count; p++) all += this.admitted[p]
    if (all === 0) return
    this.degradedLoad.fill(0, 0, this.count)
    let left = 100
    for (let p = 0; p < this.count; p++) {
      this.healthyLoad[p] = Math.floor((100 * this.admitted[p]) / all)
      left -= this.healthyLoad[p]
    }
    this.healthyLoad[this.#first(this.admitted)] += left
  }

  #first(counts: Int32Array): number {
    for (let p = 0; p < this.count; p++) if (counts[p] > 0) return p
    return -1
  }
}
