import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tinyWorld } from '../support/tiny-world.ts'

test('random draws by weight, also when one weighs a thousand times as much and is out', () => {
  const world = tinyWorld({ big: { weight: 1000 }, a: { weight: 1 }, b: { weight: 3 } }, { policy: 'random' })
  const seen: Record<string, number> = { big: 0, a: 0, b: 0 }
  const n = 20_000
  for (let i = 0; i < n; i++) {
    const ticket = world.router.pick()
    seen[world.router.endpoint(ticket).id]++
    world.router.settle(ticket, 'ok')
  }
  const near = (count: number, share: number): void => {
    assert.ok(
      Math.abs(count - n * share) <= 5 * Math.sqrt(n * share * (1 - share)),
      `${count} of ${n}, expected ${share}`,
    )
  }
  near(seen.big, 1000 / 1004)
  near(seen.a, 1 / 1004)
  near(seen.b, 3 / 1004)
  world.setWeight('big', 0)
  const rest: Record<string, number> = { big: 0, a: 0, b: 0 }
  for (let i = 0; i < n; i++) rest[String(world.pickId())]++
  assert.equal(rest.big, 0)
  near(rest.b, 3 / 4)
  world.close()
})
