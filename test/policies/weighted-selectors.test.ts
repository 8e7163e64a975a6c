import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { NO_ENDPOINT } from '../../engine/policies/policy.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const SELECTORS: Readonly<Record<string, ServiceText['policy']>> = {
  stride: { name: 'weighted-round-robin' },
  smooth: { name: 'weighted-round-robin', schedule: 'smooth' },
  edf: { name: 'weighted-round-robin', schedule: 'edf' },
  random: { name: 'random' },
}

/** Of so many degrees of freedom, what chance exceeds once in a thousand times. */
const CHI_SQUARE_999: readonly number[] = [0, 10.83, 13.82, 16.27, 18.47]

for (const [name, policy] of Object.entries(SELECTORS)) {
  test(`the ${name} selector gives each endpoint its share of the weight, by chi-square over 60,000 picks (ALG-5, D11)`, () => {
    const weights = { a: 5, b: 3, c: 2, d: 0.5, e: 10 }
    const world = tinyWorld(Object.fromEntries(Object.entries(weights).map(([id, weight]) => [id, { weight }])), {
      policy,
    })
    const seen = new Map(Object.keys(weights).map(id => [id, 0]))
    const picks = 60_000
    for (let i = 0; i < picks; i++) {
      const ticket = world.router.pick()
      const { id } = world.router.endpoint(ticket)
      seen.set(id, seen.get(id)! + 1)
      world.router.settle(ticket, 'ok')
    }
    const all = Object.values(weights).reduce((sum, each) => sum + each, 0)
    const chiSquare = Object.entries(weights).reduce((sum, [id, weight]) => {
      const expected = (picks * weight) / all
      return sum + (seen.get(id)! - expected) ** 2 / expected
    }, 0)
    assert.ok(chiSquare < CHI_SQUARE_999[4]!, `χ² ${chiSquare}: ${JSON.stringify([...seen])}`)
    world.close()
  })

  test(`the ${name} selector answers an endpoint whatever the weights and factors are, and none when all are 0 (D10)`, () => {
    // Shares that no sum of floating-point numbers hits exactly: 1 ÷ 3, 1e-3 and the least factor there is.
    const world = tinyWorld({ a: { weight: 1 / 3 }, b: { weight: 1e-3 }, c: { weight: 65_535 } }, { policy })
    const ids = new Set(['a', 'b', 'c'])
    for (const factor of [1, 1 / 3, 1 / 4096]) {
      for (const row of world.rows()) world.endpoints.setFactor(row, factor)
      world.services.refreshPullMax(world.service, world.rows(), world.endpoints)
      for (let i = 0; i < 2_000; i++) assert.ok(ids.has(world.pickId()!))
    }
    for (const id of ids) world.setWeight(id, 0)
    assert.equal(world.router.pick(), NO_ENDPOINT)
    world.close()
  })
}
