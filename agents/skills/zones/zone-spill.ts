/** A zone as load is spread over zones. */
export interface ZoneLoad {
  readonly zone: string
  /** Of its open endpoints together. */
  readonly weight: number
  /** How much of its weight it should keep, for what it is. */
  readonly factor: number
  /** Share of its capacity that is used; undefined: not known. */
  readonly used: number | undefined
}

/**
 * How much of its weight each zone keeps so that none is filled beyond its headroom: what would go beyond goes to the best one that has room.
 *
 *   wanted    z1 ██████████▒▒▒    z2 █          ▒ beyond 1 − headroom
 *   spread    z1 ██████████       z2 █▒▒▒
 *
 * Capacity is taken to be in proportion to weight. Where a zone does not know how much of it is used, or all are too full, factors stay as
 * they are, or are even.
 */
export function spillZones(zones: readonly ZoneLoad[], headroom: number): ReadonlyMap<string, number> {
  const load = zones.reduce((sum, { weight, used }) => sum + weight * (used ?? Number.NaN), 0)
  const asTheyAre = new Map(zones.map(({ zone, factor }) => [zone, factor]))
  // Not known where any is not, and where nothing is used there is nothing to spill.
  if (!(load > 0)) return asTheyAre
  const rooms = zones.map(({ weight }) => (1 - headroom) * weight)
  if (rooms.reduce((sum, room) => sum + room, 0) <= load) return new Map(zones.map(({ zone }) => [zone, 1]))
  const pull = zones.reduce((sum, { weight, factor }) => sum + weight * factor, 0)
  const wanted = zones.map(({ weight, factor }) => (load * weight * factor) / pull)
  const taken = wanted.map((each, i) => Math.min(each, rooms[i]!))
  let beyond = load - taken.reduce((sum, each) => sum + each, 0)
  if (beyond <= 0) return asTheyAre
  const bestFirst = zones.map((_, i) => i).sort((a, b) => zones[b]!.factor - zones[a]!.factor)
  for (const i of bestFirst) {
    const more = Math.min(beyond, rooms[i]! - taken[i]!)
    taken[i]! += more
    beyond -= more
  }
  const kept = zones.map(({ weight }, i) => (weight === 0 ? 0 : taken[i]! / weight))
  const most = kept.reduce((a, b) => Math.max(a, b), 0)
  return new Map(zones.map(({ zone }, i) => [zone, kept[i]! / most]))
}
