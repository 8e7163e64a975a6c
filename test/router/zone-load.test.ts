import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDice } from '../../engine/policies/dice.ts'
import { LocalityWeights } from '../../engine/router/locality-weight.ts'
import { ZoneLoads } from '../../engine/router/zone-load.ts'

function zones(endpoints: number[], nodes: number[], minEndpoints = 1): ZoneLoads {
  const loads = new ZoneLoads()
  loads.count = endpoints.length
  loads.endpoints.set(endpoints)
  loads.nodes.set(nodes)
  loads.derive(minEndpoints)
  return loads
}

/** How often each zone is chosen in so many rolls. */
function hits(loads: ZoneLoads, rolls: number): number[] {
  const dice = createDice(5)
  const seen = loads.endpoints.slice(0, loads.count).fill(0)
  for (let i = 0; i < rolls; i++) seen[loads.choose(dice(), dice())]++
  return Array.from(seen)
}

describe('ZoneLoads', () => {
  test('keeps everything at home where our zone has its share of the endpoints', () => {
    const loads = zones([2, 2, 2], [1, 1, 1])
    assert.equal(loads.stay, 10_000)
    assert.deepEqual(hits(loads, 1000), [1000, 0, 0])
  })

  test('keeps what our zone has room for, and sends the rest where there is room', () => {
    // Nodes 40, 40, 20 %, endpoints 25, 50, 25 %: 25 ÷ 40 = 62.5 % stay; the room elsewhere is 10 and 5 %, two to one.
    const loads = zones([5, 10, 5], [2, 2, 1])
    assert.equal(loads.stay, 6250)
    const [home, second, third] = hits(loads, 100_000)
    const within = (count: number, share: number): void =>
      assert.ok(Math.abs(count - 1e5 * share) <= 5 * Math.sqrt(1e5 * share * (1 - share)), `${count} of ${share}`)
    within(home, 0.625)
    within(second, 0.25)
    within(third, 0.125)
  })

  test('gives the last unit of a share to its own zone', () => {
    // Room: 1,000 in zone 1, 2,000 in zone 2. Rolls 999 and 1,000 are on either side of the boundary.
    const loads = zones([0, 4, 6], [3, 3, 4])
    assert.equal(loads.stay, 0)
    assert.deepEqual([loads.choose(9_999, 0), loads.choose(9_999, 999), loads.choose(9_999, 1000)], [1, 1, 2])
    assert.equal(loads.choose(9_999, 2999), 2)
  })

  test('goes anywhere where rounding leaves no room at all', () => {
    // Endpoints 1 of 3 each, nodes 3,334 : 3,333 : 3,333 of 10,000: our zone has a hair too few, and nobody has more.
    const loads = zones([1, 1, 1], [3_334, 3_333, 3_333])
    assert.equal(loads.isUsed, true)
    assert.deepEqual(new Set([0, 1, 2].map(roll => loads.choose(9_999, roll))), new Set([0, 1, 2]))
  })

  test('does not apply to one zone, to nodes in one zone, to a zone without a node of ours, or to few endpoints', () => {
    assert.equal(zones([6], [1]).isUsed, false)
    assert.equal(zones([3, 3], [2, 0]).isUsed, false)
    assert.equal(zones([3, 3], [0, 2]).isUsed, false)
    assert.equal(zones([3, 2], [1, 1], 6).isUsed, false)
    assert.equal(zones([3, 3], [1, 1], 6).isUsed, true)
  })
})

describe('LocalityWeights', () => {
  function weights(counts: [weight: number, endpoints: number, usable: number][]): LocalityWeights {
    const table = new LocalityWeights()
    table.count = counts.length
    counts.forEach(([weight, endpoints, usable], z) => {
      table.weights[z] = weight
      table.endpoints[z] = endpoints
      table.usable[z] = usable
    })
    table.derive(140)
    return table
  }

  test('gives zones their weights while enough of each is usable, and less below', () => {
    // Weights 1 and 2. Four fifths are enough (112 %); of half, 70 % of the weight is left: 2 × 70 to 1 × 100.
    const roll = (share: number): number => Math.floor(share * 2 ** 31)
    const calm = weights([
      [1, 5, 4],
      [2, 5, 5],
    ])
    assert.deepEqual([calm.choose(roll(0.33)), calm.choose(roll(0.34))], [0, 1])
    const half = weights([
      [1, 2, 2],
      [2, 2, 1],
    ])
    assert.deepEqual([half.choose(roll(0.416)), half.choose(roll(0.417))], [0, 1])
  })

  test('says so when no zone has anything', () => {
    assert.equal(
      weights([
        [1, 2, 0],
        [0, 2, 2],
      ]).choose(5),
      -1,
    )
  })
})
