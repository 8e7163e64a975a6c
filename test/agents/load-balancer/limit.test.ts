import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadBalancer } from '../../../agents/load-balancer/agent.ts'
import { settledBatch } from '../../../agents/signals.ts'
import { Stage } from '../stage.ts'

const stage = (adaptiveConcurrency: object | undefined, ids = ['a', 'b']): Stage =>
  new Stage(loadBalancer, adaptiveConcurrency === undefined ? {} : { adaptiveConcurrency }, ids).start()

/** One window: so many were settled, each in `meanUs`, and so many are in flight at its end. */
async function window(world: Stage, id: string, { ok = 20, meanUs = 1000, inflight = 100 } = {}): Promise<void> {
  const row = world.row(id)
  row.inflight = inflight
  const { row: at, generation } = row
  const settled = { row: at, generation, ok, error: 0, timeout: 0, abandoned: 0 }
  world.hear(settledBatch.of({ rows: [{ ...settled, latencyUsSum: ok * meanUs, latencyUsMax: meanUs }] }))
  await world.advance(100, 100)
}

test('without adaptiveConcurrency no limit is set, and one that is left from another config is taken away', async () => {
  const world = stage(undefined)
  await window(world, 'a')
  assert.deepEqual([world.row('a').limit, world.row('b').limit], [0, 0])
  world.row('a').limit = 30
  await world.advance(100, 100)
  assert.equal(world.row('a').limit, 0)
})

test('every endpoint begins with the initial limit at once, newcomers too', async () => {
  const world = stage({ initial: 50 })
  assert.deepEqual([world.row('a').limit, world.row('b').limit], [50, 50])
  const newcomer = world.add('c')
  await world.advance(100, 100)
  assert.equal(newcomer.limit, 50)
})

test('a limit that is used grows while latency is steady, and shrinks when it rises', async () => {
  const world = stage({})
  for (let i = 0; i < 10; i++) await window(world, 'a')
  // 20 + 10 × 0.8 = 28
  assert.equal(world.row('a').limit, 28)
  for (let i = 0; i < 30; i++) await window(world, 'a', { meanUs: 20_000 })
  assert.ok(world.row('a').limit < 20, `${world.row('a').limit}`)
  for (let i = 0; i < 100; i++) await window(world, 'a', { meanUs: 1_000_000 })
  assert.ok(world.row('a').limit >= 3)
  assert.equal(world.row('b').limit, 20, 'each endpoint by itself')
})

test('a limit that is not used stays', async () => {
  const world = stage({})
  for (let i = 0; i < 10; i++) await window(world, 'a', { inflight: 9 })
  assert.equal(world.row('a').limit, 20)
})

test('a window goes on until ten requests were settled in it', async () => {
  const world = stage({ queue: 5 })
  await window(world, 'a', { ok: 9 })
  await world.advance(1_000, 100)
  assert.equal(world.row('a').limit, 20)
  await window(world, 'a', { ok: 1 })
  assert.equal(world.row('a').limit, 21)
  for (let i = 0; i < 9; i++) await window(world, 'a', { ok: 1 })
  assert.equal(world.row('a').limit, 21, 'the next one begins with none')
})

test('the load balancer restarted goes on with the limit it had', async () => {
  const world = stage({})
  for (let i = 0; i < 10; i++) await window(world, 'a')
  world.start()
  await window(world, 'a', { inflight: 0 })
  assert.equal(world.row('a').limit, 28)
  await window(world, 'a')
  await window(world, 'a')
  assert.equal(world.row('a').limit, 29)
})

test('another config: a limit that is asked for no longer is taken back, one that is asked for begins', async () => {
  const world = stage({ initial: 50 })
  await window(world, 'a')
  assert.ok(world.row('a').limit >= 50)
  world.reload({})
  await world.advance(100, 100)
  assert.deepEqual([world.row('a').limit, world.row('b').limit], [0, 0])
  world.reload({ adaptiveConcurrency: { initial: 30 } })
  await world.advance(100, 100)
  assert.deepEqual([world.row('a').limit, world.row('b').limit], [30, 30])
})
