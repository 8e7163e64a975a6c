import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adaptAversion, costFactors } from '../../../agents/resource-manager/costs.ts'
import { managed } from './managed.ts'
import { livePools } from './pools.ts'

const GOALS = { perHour: 100, p99Us: 100_000, most: 0.95 }

test('adaptAversion() grows slowly while too much is spent, and shrinks fast when requests are slow (ALG-26)', () => {
  assert.equal(adaptAversion(0.5, { perHour: 150, p99Us: 50_000 }, GOALS), 0.55)
  assert.equal(adaptAversion(0.95, { perHour: 150, p99Us: undefined }, GOALS), 0.95)
  assert.equal(adaptAversion(0.5, { perHour: 150, p99Us: 100_001 }, GOALS), 0.3)
  assert.equal(adaptAversion(0.01, { perHour: 150, p99Us: 200_000 }, GOALS), 0)
  // Near what may be spent it stays; far below it evenness is worth more.
  assert.equal(adaptAversion(0.5, { perHour: 80, p99Us: 50_000 }, GOALS), 0.5)
  assert.equal(adaptAversion(0.5, { perHour: 60, p99Us: 50_000 }, GOALS), 0.45)
})

test('costFactors() takes from the dear and leaves the cheapest whole; equals stay equal, and nobody is avoided for what is not known', () => {
  assert.deepEqual(costFactors([1, 3, 2], 0.5), [1, 0.5, 0.75])
  assert.deepEqual(costFactors([1, 3, 2], 0), [1, 1, 1])
  assert.deepEqual(costFactors([2, 2], 0.9), [1, 1])
  assert.deepEqual(costFactors([undefined, 4, 2], 0.5), [1, 0.5, 1])
  assert.deepEqual(costFactors([undefined, 7], 0.5), [1, 1])
  assert.deepEqual(costFactors([], 0.5), [])
})

test('a cost goal is met with a third less than whoever is blind to cost, at the same p99 (ALG-26)', async t => {
  for (const seed of [11, 12]) {
    const load = { seed, perSecond: 300, seconds: 300, policy: 'peak-ewma' }
    const blind = await livePools({ ...load, goal: 1e9 })
    const aware = await livePools({ ...load, goal: 0.9 })
    t.diagnostic(
      `seed ${seed}: blind ${blind.perHour.toFixed(2)} an hour, p99 ${blind.p99Ms.toFixed(1)} ms; ` +
        `aware ${aware.perHour.toFixed(2)}, p99 ${aware.p99Ms.toFixed(1)} ms`,
    )
    // 6 of 48 places busy: 3 × 1 × ⅛ + 3 × 3 × ⅛ = 1.5 for who is blind, 0.75 were all of it in the cheap pool.
    assert.ok(Math.abs(blind.perHour - 1.5) < 0.1)
    assert.ok(aware.perHour <= 0.9)
    assert.ok(aware.perHour <= 0.7 * blind.perHour)
    assert.ok(aware.p99Ms <= 1.1 * blind.p99Ms)
  }
})

test('where the cheap pool cannot carry all, p99 goes before the cost', async t => {
  // 30 places busy of 48, and the cheap pool has 24: a goal of 3 is out of reach.
  const load = { seed: 21, perSecond: 1_500, seconds: 120, policy: 'peak-ewma' }
  const blind = await livePools({ ...load, goal: 1e9 })
  const aware = await livePools({ ...load, goal: 3 })
  t.diagnostic(
    `blind ${blind.perHour.toFixed(2)}, aware ${aware.perHour.toFixed(2)} an hour, p99 ${aware.p99Ms.toFixed(1)} ms`,
  )
  assert.ok(aware.p99Ms <= 100)
  assert.ok(aware.perHour < blind.perHour)
})

test('what a service spends goes on to be known when a row passes from an endpoint of known cost to one of unknown', async t => {
  const a = { id: 'a', url: 'http://127.0.0.1:1', cost: 2 }
  const knobs = { costs: { interval: '60s' } }
  const world = await managed(t, { api: { endpoints: [a, { ...a, id: 'b' }] } }, knobs)
  const rowOf = (id: string) => world.box.explain('api').endpoints.find(each => each.id === id)!.row
  const row = rowOf('b')
  await world.advance(121)
  for (let i = 0; i < 8; i++) {
    const endpoints = [a, { id: `c${i}`, url: 'http://127.0.0.1:2' }]
    await world.box.reload({ services: { api: { endpoints } }, agents: { 'resource-manager': knobs } })
    await world.advance(2)
    if (rowOf(`c${i}`) === row) break
    assert.ok(i < 7, 'the row is never taken again')
  }
  await world.advance(121)
  const { perHour } = world.state().costs.get('api')!
  assert.ok(Number.isFinite(perHour), `${perHour}`)
})
