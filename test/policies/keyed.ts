import assert from 'node:assert/strict'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { hashKey } from '../../engine/memory/hash-key.ts'
import type { TinyWorld } from '../support/tiny-world.ts'

export const KEYS = Array.from({ length: 20_000 }, (_, i) => hashKey(`user-${i}`))

/** Where each key goes, the requests settled at once. */
export function placed(world: TinyWorld, keys: readonly number[] = KEYS): string[] {
  return keys.map(key => {
    const ticket = world.router.pick(key)
    assert.ok(ticket >= 0)
    const { id } = world.router.endpoint(ticket)
    world.router.settle(ticket, 'ok')
    return id
  })
}

/** Of a world of a, b, c and d, all alike: b's keys alone move while it is barred, spread over the others, and return. */
export function checkKeysOfBarred(world: TinyWorld): void {
  const before = placed(world)
  world.bar('b', UNHEALTHY)
  const without = placed(world)
  without.forEach((place, i) => {
    if (before[i] === 'b') assert.notEqual(place, 'b')
    else assert.equal(place, before[i])
  })
  // 5 standard deviations of a third.
  const moved = without.filter((_, i) => before[i] === 'b')
  for (const id of ['a', 'c', 'd']) {
    const count = moved.filter(place => place === id).length
    assert.ok(Math.abs(count - moved.length / 3) < 5 * Math.sqrt((moved.length * 2) / 9), `${id}: ${count}`)
  }
  world.bar('b', UNHEALTHY, false)
  assert.deepEqual(placed(world), before)
}
