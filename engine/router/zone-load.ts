/** Zones of a service that are told apart; the endpoints of further ones count as one zone together. */
export const ZONES = 64

/**
 * Which zone a request goes to, so that it stays in its own as long as that is fair to all.
 *
 *   u(z), l(z)    share of the healthy endpoints, and of our nodes, that are in zone z, in 1/10,000, rounded down
 *   u(0) ≥ l(0)   own zone 0 has its share of endpoints: all stays
 *   else          u(0) × 10,000 ÷ l(0) of 10,000 stay; the rest goes to zones with more endpoints than nodes, in proportion
 *                 to c(z) = max(0, u(z) − l(z)); where there are none, to any zone
 *
 * Used where there are two zones of each at least, our own has a node, and `minEndpoints` are healthy: with fewer the
 * shares are too coarse.
 *
 * Source    Envoy, zone aware routing. Deviation: Envoy's search gives the first unit of each share to the zone before.
 * Cost      deriving: a pass over the zones; choosing: a die, and a pass over the zones for what does not stay.
 */
export class ZoneLoads {
  /** Healthy endpoints and nodes of ours by zone; our own zone is the first. */
  readonly endpoints = new Int32Array(ZONES)
  readonly nodes = new Int32Array(ZONES)
  count = 0
  /** False where the rule does not apply: then all zones are one. */
  isUsed = false
  /** Of 10,000 requests, those that stay. */
  stay = 0
  readonly #residual = new Int32Array(ZONES)

  derive(minEndpoints: number): void {
    let endpoints = 0
    let nodes = 0
    let nodeZones = 0
    for (let z = 0; z < this.count; z++) {
      endpoints += this.endpoints[z]
      nodes += this.nodes[z]
      if (this.nodes[z] > 0) nodeZones++
    }
    this.isUsed = this.count >= 2 && nodeZones >= 2 && this.nodes[0] > 0 && endpoints >= Math.max(1, minEndpoints)
    if (!this.isUsed) return
    const upstream = share(this.endpoints[0], endpoints)
    const local = share(this.nodes[0], nodes)
    const hasEnough = upstream > 0 && upstream >= local
    this.stay = hasEnough ? 10_000 : local === 0 ? 0 : Math.floor((upstream * 10_000) / local)
    let sum = 0
    for (let z = 1; z < this.count; z++) {
      sum += Math.max(0, share(this.endpoints[z], endpoints) - share(this.nodes[z], nodes))
      this.#residual[z] = sum
    }
  }

  /** The zone of a request, from a roll of 31 bits for whether it stays and one for where it goes. */
  choose(rollStay: number, rollZone: number): number {
    if (rollStay % 10_000 < this.stay) return 0
    const all = this.#residual[this.count - 1]
    if (all === 0) return rollZone % this.count
    const at = rollZone % all
    for (let z = 1; z < this.count; z++) if (at < this.#residual[z]) return z
    return 0
  }
}

function share(part: number, all: number): number {
  return all === 0 ? 0 : Math.floor((10_000 * part) / all)
}
