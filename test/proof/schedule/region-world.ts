import { PUBLISHED_AT } from '../../../engine/memory/layout.ts'
import { createRegion, handleOf, openRegion, type Region } from '../../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../../engine/memory/seats.ts'
import {
  isWhole,
  movePin,
  peekPublished,
  readSlot,
  slotOf,
  slotVersion,
  versionOf,
} from '../../../engine/memory/slots.ts'
import { ensure, type Role, type Scenario, type Stage } from './scenario.ts'
import { regionWordName } from './word-names.ts'

/** What scenarios over a region have in common. */
export function regionScenario(
  rows: number,
  seats: number,
  prepare: (region: Region) => void,
  choices = 0,
): Pick<Scenario, 'make' | 'wordsOf' | 'nameOf'> {
  const make = (): SharedArrayBuffer => {
    const region = createRegion({ rows, services: 1, seats, textBytes: 128, outcomes: 64, choices })
    prepare(region)
    return region.buffer
  }
  return {
    make,
    wordsOf: world => openRegion({ region: world }).words,
    nameOf: word => regionWordName(regionOf(make()), word),
  }
}

export function regionOf(world: SharedArrayBuffer): Region {
  return openRegion(handleOf({ buffer: world } as Region))
}

/** The region as the code under proof sees it: its plain accesses stop where the scenario says so. */
export function watchedRegion({ world, words }: Stage): Region {
  return { ...regionOf(world), words }
}

/** Gives the seat of the dead back, and does no more. */
export const supervisor: Role = {
  name: 'supervisor',
  isSupervisor: true,
  play: stage => freeSeat(watchedRegion(stage), stage.dead),
}

/** Takes the seats 0 to n − 1 and pins the live slot from each. */
export function seatAndPin(region: Region, seats: number): void {
  for (let seat = 0; seat < seats; seat++) movePin(region, takeSeat(region))
}

export const text = (panicThreshold: number) => ({ name: 'api', policy: { name: 'round-robin' }, panicThreshold })

export const endpoint = (id: string) => ({
  id,
  url: `http://${id}.test`,
  zone: '',
  metadata: {},
  weight: 1,
  priority: 0,
})

/** A thread that reads by its pin, as Attachment does, with an eye on what it reads. */
export class PinnedReader {
  pinned: number
  readonly #region: Region
  readonly #seat: number

  /** The seat is taken and pins the slot that is live at the beginning of every run. */
  constructor(region: Region, seat: number, pinned: number) {
    this.#region = region
    this.#seat = seat
    this.pinned = pinned
  }

  catchUp(): void {
    if (peekPublished(this.#region) === this.pinned) return
    const moved = movePin(this.#region, this.#seat)
    if (moved === 0) return
    ensure(versionOf(moved) >= versionOf(this.pinned), 'a reader goes back to an older version')
    this.pinned = moved
  }

  /** The slot it pins is one version, whole. */
  look(): void {
    const slot = slotOf(this.pinned)
    ensure(isWhole(this.#region, slot), 'a reader sees a torn slot')
    ensure(slotVersion(this.#region, slot) === versionOf(this.pinned), 'a pinned slot holds another version')
  }
}

export function publishedOf(region: Region): number {
  return region.words[PUBLISHED_AT]!
}

/** What is wrong with the live structure, whoever died. */
export function brokenStructure(region: Region): string | undefined {
  const published = publishedOf(region)
  if (!isWhole(region, slotOf(published))) return 'PUBLISHED names a slot that is not whole'
  if (slotVersion(region, slotOf(published)) !== versionOf(published))
    return 'PUBLISHED names a slot of another version'
  const rows = readSlot(region, published).services.flatMap(service => service.rows)
  return new Set(rows).size === rows.length ? undefined : 'a row is listed twice'
}
