import { below, type Chance, chanceOf } from '../chance.ts'
import type { ChangeText, DisturbanceText } from '../scenario/schema.ts'
import type { Agenda } from './agenda.ts'
import type { Site } from './site.ts'

/** What befalls machines, by plan and by chance. A site's speed is the product of what holds there at the moment. */
export class Weather {
  readonly #sites: readonly Site[]
  readonly #agenda: Agenda
  readonly #seed: number
  /** Of each site, by who it is from. */
  readonly #speeds: readonly Map<object, number>[]
  readonly #failing: readonly Map<object, number>[]

  constructor(sites: readonly Site[], agenda: Agenda, seed: number) {
    this.#sites = sites
    this.#agenda = agenda
    this.#seed = seed
    this.#speeds = sites.map(() => new Map())
    this.#failing = sites.map(() => new Map())
  }

  begin(changes: readonly ChangeText[], disturbances: readonly DisturbanceText[]): void {
    const plan = {}
    for (const { at, machines = this.#sites.keys(), speed, failing } of changes) {
      for (const site of machines) this.#agenda.at(at, nowMs => this.#set(plan, site, speed, failing, nowMs))
    }
    for (const [i, disturbance] of disturbances.entries()) {
      const sites = disturbance.machines ?? [...this.#sites.keys()]
      const groups = disturbance.one ? [sites] : sites.map(site => [site])
      for (const [j, group] of groups.entries()) {
        const chance = chanceOf(Math.imul(this.#seed, 0x2545f491) ^ Math.imul(i * 65_536 + j + 1, 0x9e3779b1))
        // Not all begin at once.
        this.#agenda.at(chance() * disturbance.every[0], nowMs => this.#disturb(disturbance, group, chance, nowMs))
      }
    }
  }

  #disturb(what: DisturbanceText, group: readonly number[], chance: Chance, nowMs: number): void {
    const site = group[below(chance, group.length)]!
    const isCalm = chance() < what.calm
    const speed = isCalm || what.speed === undefined ? 1 : between(what.speed, chance)
    this.#set(what, site, speed, isCalm ? 0 : (what.failing ?? 0), nowMs)
    if (what.lasts !== undefined)
      this.#agenda.at(nowMs + between(what.lasts, chance), atMs => this.#set(what, site, 1, 0, atMs))
    this.#agenda.at(nowMs + between(what.every, chance), atMs => this.#disturb(what, group, chance, atMs))
  }

  #set(by: object, site: number, speed: number | undefined, failing: number | undefined, nowMs: number): void {
    const [speeds, failings] = [this.#speeds[site]!, this.#failing[site]!]
    if (failing !== undefined) {
      failings.set(by, failing)
      this.#sites[site]!.machine.failing = Math.max(...failings.values())
    }
    if (speed === undefined) return
    speeds.set(by, speed)
    this.#sites[site]!.setSpeed(
      [...speeds.values()].reduce((product, each) => product * each, 1),
      nowMs,
    )
  }
}

function between([from, to]: readonly [number, number], chance: Chance): number {
  return from + chance() * (to - from)
}
