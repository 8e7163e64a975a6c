import { SignalboxError } from '../errors.ts'
import { AGENT_BARS, barNames, ISOLATED, isolatedMax, TAKEN_OUT, TAKEN_OUT_MAX, TRIPPED } from '../memory/bars.ts'
import { EndpointTable, FACTOR_WHOLE } from '../memory/endpoint-table.ts'
import { countRefusal, type Refusal } from '../memory/refusals.ts'
import type { Region } from '../memory/region.ts'
import { ServiceTable } from '../memory/service-table.ts'
import { serviceCount, serviceStart, slotOf } from '../memory/slots.ts'
import type { AgentWriter } from './agent-writer.ts'
import { refused } from './refuse.ts'
import { isRoutable } from './routable.ts'
import { type Alike, Standing, TAKEN_OUT_OR_TRIPPED } from './standing.ts'

const MS = [-0x80000000, 0x7fffffff] as const
const COUNT = [0, 0x7fffffff] as const
/** The least that a row can have beside none: with none it would be out, and that is for bars to say. */
const FACTOR_MIN = 1 / FACTOR_WHOLE
const WEIGHT_MIN = 1 / 256

/**
 * The endpoint table as agents write it: the words that are theirs, with values that are some.
 *
 *   EJECTED, HELD,         on half of a service's endpoints at most, and never on the last one that is picked: `setBar` then
 *   ISOLATED               answers false, and nothing has changed
 *   ISOLATED               of these on max(1, ⌊30 %⌋) at most: panic mode does not bring them back
 *   UNHEALTHY, DEGRADED    as many as fail their checks: panic mode uses them all when too few are left
 *   DRAINING, QUARANTINED  the operator's
 *   TRIPPED                that of the threads that settle; opened by an agent (`setBreaker`) within the bounds of EJECTED
 *   a weight or factor     above 0: keeping an endpoint out is the business of bars
 *
 * What is refused is counted. Throws SBX_PUBLICATION_REFUSED for a word that is another's, and for what is no value.
 */
export class AgentEndpoints extends EndpointTable {
  readonly #region: Region
  readonly #writer: AgentWriter
  readonly #services: ServiceTable
  /** By service: one each, as it was when a row of it was last taken out. */
  readonly #standings = new Map<number, Standing>()

  constructor(region: Region, writer: AgentWriter) {
    super(region)
    this.#region = region
    this.#writer = writer
    this.#services = new ServiceTable(region)
  }

  /** Sets or clears bars of one's own. False: it was refused, because of how many are out already. */
  override setBar(row: number, bar: number, on: boolean): boolean {
    this.#within('row', row, 0, this.rows - 1)
    if ((bar & ~AGENT_BARS) !== 0 || bar === 0) {
      const names = barNames(bar & ~AGENT_BARS).join(', ') || String(bar)
      throw refused(this.#region, 'not-owned', `set ${names} as an agent`, 'it is for others to say, use HELD')
    }
    if (!on || (bar & TAKEN_OUT) === 0) return super.setBar(row, bar, on)
    return this.#takeOut(row, bar, TAKEN_OUT, () => {
      // One that has all of them already changes nothing.
      const revisions = (this.bars(row) & bar) === bar ? 0 : 1
      super.setBar(row, bar, true)
      return revisions
    })
  }

  /** False: it was refused, because of how many are out already, or somebody is at this breaker now. */
  override setBreaker(row: number, openForMs: number, seat: number, nowMs: number): boolean {
    this.#within('row', row, 0, this.rows - 1)
    this.#within('openForMs', openForMs, ...COUNT)
    const work = (): boolean => super.setBreaker(row, openForMs, seat, nowMs)
    if (openForMs === 0) return work()
    return this.#takeOut(row, TRIPPED, TAKEN_OUT_OR_TRIPPED, () => (work() ? 1 : undefined))
  }

  /**
   * Does what takes a row out by a bar, unless so many are out by that or bars alike that it may not. `work` answers how many
   * revisions it made, undefined: it was not done.
   */
  #takeOut(row: number, bar: number, alike: Alike, work: () => number | undefined): boolean {
    try {
      return this.#writer.alone(published => {
        const standing = this.#standing(this.service(row), published)
        if (!standing.has(row)) return this.#refuse('invalid')
        return this.#mayTakeOut(standing, row, bar, alike) && standing.keepUp(row, work)
      })
    } catch (error) {
      if (!(error instanceof SignalboxError && error.code === 'SBX_REGION_WRITER_BUSY')) throw error
      return this.#refuse('busy')
    }
  }

  #mayTakeOut(standing: Standing, row: number, bar: number, alike: Alike): boolean {
    const { count } = standing
    const isIsolated = (bar & ISOLATED) !== 0
    if (standing.others(row, alike) + 1 > count * TAKEN_OUT_MAX) return this.#refuse('too-many-out')
    if (isIsolated && standing.others(row, ISOLATED) + 1 > isolatedMax(count)) return this.#refuse('too-many-out')
    if (standing.routableOthers(row) === 0 && isRoutable(this, row)) return this.#refuse('last-routable')
    return true
  }

  /** How the service stands: counted anew where anybody else has changed anything since. The revision is read first, see Standing. */
  #standing(service: number, published: number): Standing {
    const revision = this.#services.revisionOfFacts(service)
    const known = this.#standings.get(service)
    if (known?.revision === revision && known.published === published) return known
    const slot = slotOf(published)
    const start = serviceStart(this.#region, slot, service)
    const rows = this.#region.words.subarray(start, start + serviceCount(this.#region, slot, service))
    const standing = new Standing(this, rows, published, revision)
    this.#standings.set(service, standing)
    return standing
  }

  override setHealth(row: number, health: number): void {
    this.#within('health', health, 0, 3)
    super.setHealth(row, health)
  }

  override setWeight(row: number, weight: number): void {
    this.#within('weight', weight, WEIGHT_MIN, 65_535)
    super.setWeight(row, weight)
  }

  override setFactor(row: number, factor: number): void {
    this.#within('factor', factor, FACTOR_MIN, 1)
    super.setFactor(row, factor)
  }

  override setHealthySince(row: number, ms: number): void {
    this.#within('healthySinceMs', ms, ...MS)
    super.setHealthySince(row, ms)
  }

  override setEjectedUntil(row: number, ms: number): void {
    this.#within('ejectedUntilMs', ms, ...MS)
    super.setEjectedUntil(row, ms)
  }

  override setEjections(row: number, times: number): void {
    this.#within('ejections', times, ...COUNT)
    super.setEjections(row, times)
  }

  override setLatencyUs(row: number, us: number): void {
    this.#within('latencyUs', us, 0, Number.MAX_VALUE)
    super.setLatencyUs(row, us)
  }

  override setAdaptiveLimit(row: number, limit: number): void {
    this.#within('limit', limit, ...COUNT)
    super.setAdaptiveLimit(row, limit)
  }

  override setUtilisation(row: number, share: number): void {
    this.#within('utilisation', share, 0, 1)
    super.setUtilisation(row, share)
  }

  override setForecast(row: number, us: number, atMs: number): void {
    this.#within('forecastUs', us, 0, Number.MAX_VALUE)
    this.#within('forecastAtMs', atMs, ...MS)
    super.setForecast(row, us, atMs)
  }

  override setRetiredAt(): never {
    throw this.#notOwned('retire a row')
  }

  override settleIn(): never {
    throw this.#notOwned('give a row to another endpoint')
  }

  #refuse(reason: Refusal): false {
    countRefusal(this.#region, reason)
    return false
  }

  #notOwned(wish: string): Error {
    return refused(this.#region, 'not-owned', `${wish} as an agent`, 'edits of the structure do it, use writer.edit()')
  }

  /** NaN is within nothing. */
  #within(word: string, value: number, least: number, most: number): void {
    if (value >= least && value <= most) return
    throw refused(
      this.#region,
      'invalid',
      `set ${word}`,
      `${value} is no value for it, use one from ${least} to ${most}`,
    )
  }
}
