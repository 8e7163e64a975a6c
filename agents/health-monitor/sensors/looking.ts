import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import type { SignalKind } from '../../kit/grammar/signal.ts'
import { type Sighting, sightingsAt } from '../sightings.ts'

/** Where there is something to see, a second is soon enough for all who hear of it; where there is nothing, less often will do, in ms. */
const EVERY_MS = 1_000
const EVERY_MS_MAX = 4_000

/** What it made of what checks have seen: what it remembers, and what it says, if anything. */
interface Made<Memory, Body> {
  readonly memory: Memory
  readonly said: readonly Body[]
}

/** A sensor that makes sense of what checks have seen since its last look; while they see nothing it looks twice, four times less often. */
export function lookingAtChecks<Memory, const Type extends string, Body>(
  name: string,
  emits: SignalKind<Type, Body>,
  start: () => Memory,
  make: (memory: Memory, seen: readonly Sighting[]) => Made<Memory, Body>,
) {
  return defineSensor({
    name,
    emits,
    everyMs: EVERY_MS,
    start: () => ({ memory: start(), everyMs: EVERY_MS }),
    read: ({ attachment }: SensorEdge): readonly Sighting[] => sightingsAt(attachment).take(name),
    perceive: (before: { readonly memory: Memory; readonly everyMs: number }, seen: readonly Sighting[]) => {
      if (seen.length === 0) {
        const everyMs = Math.min(EVERY_MS_MAX, 2 * before.everyMs)
        return { memory: { ...before, everyMs }, readings: [], nextMs: everyMs }
      }
      const { memory, said } = make(before.memory, seen)
      return { memory: { memory, everyMs: EVERY_MS }, readings: said.map(body => emits.of(body)) }
    },
  })
}

/** What a sensor remembers of each endpoint. Changed in place; by row, so bounded by the tables; another tenant begins anew. */
export class ByRow<Each> {
  readonly #rows = new Map<number, { readonly generation: number; readonly each: Each }>()
  readonly #make: () => Each

  constructor(make: () => Each) {
    this.#make = make
  }

  of(row: number, generation: number): Each {
    let known = this.#rows.get(row)
    if (known?.generation !== generation) this.#rows.set(row, (known = { generation, each: this.#make() }))
    return known.each
  }
}
