import { heeded, switchedOff } from '../memory/agent-switches.ts'
import { DEGRADED, FIRM_BARS, TIER_BITS, TRIAL_BARS, TRIPPED } from '../memory/bars.ts'
import type { Candidates } from '../memory/candidates.ts'
import { readClock } from '../memory/clock.ts'
import { zoneWord } from '../memory/endpoint-table.ts'
import { type LocalityText, OVERPROVISIONING, type ServiceText } from '../memory/service-text.ts'
import { ignoredOfTrial } from '../memory/trial.ts'
import type { Attachment } from './attachment.ts'
import { LocalityWeights } from './locality-weight.ts'
import { countInto } from './panic.ts'
import { PRIORITIES, PriorityLoads, panicUnits } from './priority-load.ts'
import { RowGroups } from './row-groups.ts'
import { ZONES, ZoneLoads } from './zone-load.ts'

/** Up to so many rows, what follows from the facts is derived with the change of a fact; beyond, once a tick at most. */
const ROWS_AT_ONCE = 256

/** Which rows of a priority a pick is aimed at. */
export const HEALTHY_TIER = 0
export const DEGRADED_TIER = 1
export const PANIC_TIER = 2

/**
 * Which of a service's rows a pick may choose from: which priority, healthy or degraded, which zone, and whether health
 * counts at all.
 *
 *   facts (bars, health, weights) ──REVISION──▶ counts ──▶ loads of priorities and zones ──▶ aim: one window of rows
 *
 * Derived by each thread for itself from the words all threads share, when one has changed, so that it needs no agent and
 * no message. The bars of a row are read by the pick itself: what was derived a moment ago says how load is spread, never
 * that a barred row is open. While all that matters is healthy and of one priority, a pick comes by here with a
 * comparison.
 */
export class Tiers {
  readonly loads = new PriorityLoads()
  readonly zones = new ZoneLoads()
  /** Rows whose breaker is open. */
  tripped = 0
  /** What did not count when this was derived: words of agents that are off (agent-switches.ts), a bar of a trial (trial.ts). */
  off = 0
  /** The candidates of the picks that go by this. */
  #led: Candidates | undefined
  /** True while one window, that of all rows, takes everything and health counts. */
  isCalm = true
  readonly #attachment: Attachment
  readonly #service: number
  #text: TierText = { panicThreshold: 0.5 }
  #panicBelow = panicUnits(0.5)
  #groups: RowGroups | undefined
  #weights: LocalityWeights[] = []
  /** Where the rows are listed: a slot's words, or the groups' own list. */
  #list: Int32Array
  #start = 0
  #count = 0
  #derivedAtMs = 0
  /** Windows of zones: start by priority × ZONES + zone, and the end of the last. */
  #zoneStarts: Int32Array | undefined

  constructor(attachment: Attachment, service: number) {
    this.#attachment = attachment
    this.#service = service
    this.#list = attachment.region.words
  }

  /** Follows the structure, and derives. `rows` is given where not all rows of the slot are meant: a subset of them. */
  bind(text: TierText, start: number, count: number, rows: readonly number[] | undefined): number {
    const { region, endpoints } = this.#attachment
    this.#text = text
    this.#panicBelow = panicUnits(text.panicThreshold)
    const { locality } = text
    const listed = rows ?? region.words.subarray(start, start + count)
    if (rows === undefined && locality === undefined && isOfOnePriority(listed, endpoints.priority)) {
      this.#list = region.words
      this.#start = start
      this.#count = count
      this.#groups = undefined
    } else {
      const groups = (this.#groups ??= new RowGroups(region.layout.rows))
      groups.group(listed, endpoints, locality === undefined ? undefined : zoneWord(locality.zone))
      this.#list = groups.rows
      this.#start = 0
      this.#count = groups.count
      if (locality !== undefined) this.#bindZones(groups, locality)
    }
    return this.derive()
  }

  /** Tells the candidates of the rows there are, and of the choice table (0: none). May allocate, as `bind` does. */
  lead(candidates: Candidates, table: number): void {
    candidates.follow(this.#start, this.#count, this.#list, table)
    this.#led = candidates
    candidates.heed(this.off)
  }

  /** Goes by what agents wrote as far as they are switched on now. Aim anew after it. */
  heed(): void {
    const { region, seat, pinned } = this.#attachment
    this.off = switchedOff(region) | ignoredOfTrial(region, seat, pinned)
    this.#led?.heed(this.off)
  }

  /** Whether a change of facts is to be followed now: of many rows once a tick is enough. */
  get isDue(): boolean {
    return this.#count <= ROWS_AT_ONCE || readClock(this.#attachment.region) !== this.#derivedAtMs
  }

  /** Counts the rows, and from that the loads; returns the REVISION it counted at. A pass over the rows; nothing is allocated. */
  derive(): number {
    const { endpoints, services, region } = this.#attachment
    // First: a change that comes while rows are counted calls for another count.
    const revision = services.revisionOfFacts(this.#service)
    this.#derivedAtMs = readClock(region)
    this.heed()
    const { loads } = this
    const { overprovisioning = OVERPROVISIONING } = this.#text
    loads.clear()
    this.tripped = 0
    this.zones.endpoints.fill(0)
    for (const weights of this.#weights) {
      weights.usable.fill(0)
      weights.endpoints.fill(0)
    }
    const end = this.#start + this.#count
    for (let at = this.#start; at < end; at++) this.#countRow(at, endpoints)
    loads.deriveBy(overprovisioning, this.#panicBelow)
    const { locality } = this.#text
    if (locality?.mode === 'zone-aware') this.zones.derive(locality.minEndpoints)
    for (const weights of this.#weights) weights.derive(overprovisioning)
    const only = this.#groups === undefined ? loads.count - 1 : -1
    this.isCalm = this.#count === 0 || (only >= 0 && loads.healthyLoad[only] === 100 && loads.panic[only] === 0)
    return revision
  }

  /** All rows, healthy ones: where every pick begins while it is calm. */
  aimAtAll(candidates: Candidates): void {
    candidates.bind(this.#start, this.#count, this.#list)
    candidates.aim(TIER_BITS, 0, 0)
  }

  /**
   * Aims a pick at one tier. The rolls are 31 bits each, for the priority and for the zone: dice, or what follows from a
   * key. False where nothing may be picked because the service panics and its config says to fail then.
   */
  aim(candidates: Candidates, rollPriority: number, rollZone: number, rollStay: number): boolean {
    const chosen = this.loads.choose(rollPriority % 100)
    const priority = chosen < 0 ? -1 - chosen : chosen
    if (this.loads.panic[priority] === 1) {
      if (this.#text.failOnPanic === true) return false
      this.aimAt(candidates, priority, PANIC_TIER)
      return true
    }
    this.aimAt(candidates, priority, chosen < 0 ? DEGRADED_TIER : HEALTHY_TIER)
    if (this.#text.locality !== undefined) this.#narrow(candidates, priority, rollZone, rollStay)
    return true
  }

  /** Aims at all rows of a priority that are of a tier. */
  aimAt(candidates: Candidates, priority: number, tier: number): void {
    const groups = this.#groups
    if (groups === undefined) candidates.bind(this.#start, this.#count, this.#list)
    else candidates.bind(groups.startOf(priority), groups.countOf(priority), this.#list)
    const mask = tier === PANIC_TIER ? FIRM_BARS : TIER_BITS
    candidates.aim(mask, tier === DEGRADED_TIER ? DEGRADED : 0, priority * 2 + (tier === DEGRADED_TIER ? 1 : 0))
  }

  #narrow(candidates: Candidates, priority: number, rollZone: number, rollStay: number): void {
    const weighted = this.#text.locality?.mode === 'weighted'
    if (!weighted && (priority !== 0 || !this.zones.isUsed)) return
    const zone = weighted ? this.#weights[priority].choose(rollZone) : this.zones.choose(rollStay, rollZone)
    if (zone < 0) return
    const starts = this.#zoneStarts as Int32Array
    const at = priority * ZONES + zone
    candidates.bind(starts[at], starts[at + 1] - starts[at], this.#list)
  }

  #bindZones(groups: RowGroups, locality: LocalityText): void {
    const starts = (this.#zoneStarts ??= new Int32Array(PRIORITIES * ZONES + 1))
    let position = 0
    for (let p = 0; p < PRIORITIES; p++) {
      const end = p < groups.priorities ? groups.startOf(p) + groups.countOf(p) : groups.count
      for (let z = 0; z < ZONES; z++) {
        starts[p * ZONES + z] = position
        while (position < end && groups.zoneAt[position] <= z) position++
      }
    }
    starts[PRIORITIES * ZONES] = groups.count
    const counts = (table: Readonly<Record<string, number>>, into: Int32Array): void => {
      into.fill(0)
      for (const [zone, number] of Object.entries(table)) {
        const index = groups.zoneOfWord(zoneWord(zone))
        if (index >= 0) into[index] += number
      }
    }
    this.#weights = []
    if (locality.mode === 'weighted') {
      for (let p = 0; p < groups.priorities; p++) {
        const weights = new LocalityWeights()
        weights.count = groups.zones
        weights.weights.fill(1, 0, groups.zones)
        if (locality.weights !== undefined) counts(locality.weights, weights.weights)
        this.#weights.push(weights)
      }
      return
    }
    this.zones.count = groups.zones
    if (locality.nodes === undefined) this.zones.nodes.fill(1, 0, groups.zones)
    else counts(locality.nodes, this.zones.nodes)
  }

  #countRow(at: number, endpoints: Attachment['endpoints']): void {
    const row = this.#list[at]
    const weight = endpoints.hasWeight(row) ? 1 : 0
    const bars = heeded(endpoints.bars(row), this.off)
    // For this thread it is not there: it is neither missing nor in doubt.
    if ((bars & TRIAL_BARS) !== 0) return
    const priority = endpoints.priority(row)
    countInto(this.loads, priority, bars, weight)
    if ((bars & TRIPPED) !== 0) this.tripped++
    if (weight === 0 || this.#text.locality === undefined || this.#groups === undefined) return
    const zone = this.#groups.zoneAt[at]
    if ((bars & TIER_BITS) === 0 && priority === 0) this.zones.endpoints[zone]++
    const weights = this.#weights[Math.min(priority, PRIORITIES - 1)]
    if (weights === undefined) return
    weights.endpoints[zone]++
    if ((bars & ~DEGRADED & TIER_BITS) === 0) weights.usable[zone]++
  }
}

/** What of a service's text tiers follow from. */
export type TierText = Pick<ServiceText, 'panicThreshold' | 'failOnPanic' | 'overprovisioning' | 'locality'>

function isOfOnePriority(rows: ArrayLike<number>, priorityOf: (row: number) => number): boolean {
  for (let i = 1; i < rows.length; i++) if (priorityOf(rows[i]) !== priorityOf(rows[0])) return false
  return true
}
