import type { TestContext } from 'node:test'
import { REFUSAL_NAMES, type Refusal, refusals } from '../../engine/memory/refusals.ts'
import { type Plane, planeOf } from '../../engine/plane/plane.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyOptions, type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

export interface PlaneWorld {
  /** The operator's. */
  world: TinyWorld
  /** The agent's, of the same thread. */
  plane: Plane
  /** What was refused so far, by reason; those that never were left out. */
  counted(): Partial<Record<Refusal, number>>
  /** Ids of the service now. */
  ids(): string[]
}

/** A tiny world with a control plane at it. */
export function planeWorld(
  t: TestContext,
  endpoints: Record<string, TinyEndpoint>,
  options: TinyOptions = {},
): PlaneWorld {
  const world = tinyWorld(endpoints, options)
  t.after(() => world.close())
  return {
    world,
    plane: planeOf(world.attachment),
    counted: () =>
      Object.fromEntries(
        REFUSAL_NAMES.flatMap(reason => {
          const times = refusals(world.region, reason)
          return times === 0 ? [] : [[reason, times]]
        }),
      ),
    ids: () => world.rows().map(row => world.attachment.endpoint(row).id),
  }
}

/** So many endpoints, called e0, e1 … */
export function many(count: number): Record<string, TinyEndpoint> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, {}]))
}

/** The real operations as an object of one's own, to put others in the place of some. */
export function realSeam() {
  return {
    load: (words: Int32Array, index: number) => Atomics.load(words, index),
    store: (words: Int32Array, index: number, value: number) => Atomics.store(words, index, value),
    add: (words: Int32Array, index: number, value: number) => Atomics.add(words, index, value),
    sub: (words: Int32Array, index: number, value: number) => Atomics.sub(words, index, value),
    and: (words: Int32Array, index: number, value: number) => Atomics.and(words, index, value),
    exchange: (words: Int32Array, index: number, value: number) => Atomics.exchange(words, index, value),
    compareExchange: (words: Int32Array, index: number, expected: number, replacement: number) =>
      Atomics.compareExchange(words, index, expected, replacement),
    notify: (words: Int32Array, index: number, count?: number) => Atomics.notify(words, index, count),
  }
}
