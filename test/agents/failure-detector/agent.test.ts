import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ejectedChecked, healthChanged } from '../../../agents/signals.ts'
import { DRAINING, elapsedMs, UNHEALTHY } from '../../../engine/writer.ts'
import { isEjected, OUTLIER, stage } from './courtroom.ts'

test('failure detector ejects at the limit of failures in a row, errors and timeouts alike, within 20 ms', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eteoetetaa')
  await world.advance(20)
  assert.equal(isEjected(world, 'a'), false, 'four in a row, then abandoned ones that say nothing')
  settle('a', 't')
  await world.advance(20)
  assert.equal(isEjected(world, 'a'), true)
  assert.equal(world.row('a').ejections, 1)
  const forMs = elapsedMs(world.row('a').ejectedUntilMs, world.clock.now())
  assert.ok(forMs > 29_970 && forMs <= 33_000, `for ${forMs} ms`)
  assert.deepEqual(world.said.slice(-1), ['endpoint.ejected api/a'])
})

test('failure detector counts anew after a success', async () => {
  const { world, settle } = stage(['a', 'b'])
  for (const outcomes of ['eeee', 'o', 'eeee', 'oe', 'eee']) {
    settle('a', outcomes)
    await world.advance(5)
  }
  assert.equal(isEjected(world, 'a'), false)
})

test('failure detector with consecutive5xx 0 ejects nobody', async () => {
  const { world, settle } = stage(['a', 'b'], { outlier: { ...OUTLIER, consecutive5xx: 0 } })
  settle('a', 'e'.repeat(100))
  await world.advance(1_000)
  assert.equal(isEjected(world, 'a'), false)
})

test('failure detector ejects the first of ten, and not a second: that would be more than maxEjected', async () => {
  const { world, settle } = stage([...'abcdefghij'])
  for (const id of 'abc') settle(id, 'eeeee')
  await world.advance(1_000)
  assert.deepEqual(
    [...'abc'].map(id => isEjected(world, id)),
    [true, false, false],
  )
})

test('failure detector ejects who was refused as soon as it may, if the failures go on', async () => {
  const { world, settle } = stage([...'abcdefghij'])
  settle('a', 'eeeee')
  settle('b', 'eeeee')
  settle('c', 'eeeee')
  await world.advance(10)
  settle('b', 'o')
  // a returns after 30 to 33 s, and c takes its place, which has not succeeded since and fails once more.
  await world.advance(33_200, 10)
  assert.equal(isEjected(world, 'c'), false, 'half a minute ago is no reason any more')
  settle('b', 'e')
  settle('c', 'e')
  await world.advance(20)
  assert.deepEqual(
    [...'abc'].map(id => isEjected(world, id)),
    [false, false, true],
  )
})

test('failure detector looks at the tables for a charge that it cannot act on for a second, no longer', async () => {
  const { world, settle } = stage([...'abcdefghij'])
  settle('a', 'eeeee')
  settle('b', 'eeeee')
  await world.advance(2_000, 10)
  let looks = 0
  world.onLook = () => void looks++
  await world.advance(10_000, 10)
  // Without a charge it is one in ten ticks.
  assert.ok(looks <= 11, `${looks} looks in 10 s`)
})

test('failure detector does not eject who has recovered meanwhile for the burst in which it could not', async () => {
  const { world, settle } = stage([...'abcd'], { outlier: { ...OUTLIER, burst: '20%', maxEjected: '25%' } })
  await world.advance(1_000, 10)
  for (let i = 0; i < 5; i++) {
    for (const id of 'cd') settle(id, 'o'.repeat(40))
    for (const id of 'ab') settle(id, 'oe'.repeat(20))
    await world.advance(50, 10)
  }
  assert.deepEqual(
    [...'ab'].map(id => isEjected(world, id)),
    [true, false],
  )
  const change = (id: string, from: 'healthy' | 'unhealthy', to: 'healthy' | 'unhealthy'): void => {
    const { row, generation } = world.row(id)
    world.hear(healthChanged.of({ row, generation, service: 'api', id, from, to, reason: 'as told' }))
  }
  for (const id of 'ab') change(id, 'healthy', 'unhealthy')
  await world.advance(20_000, 10)
  for (const id of 'ab') change(id, 'unhealthy', 'healthy')
  await world.advance(2_000, 10)
  assert.deepEqual(
    [...'ab'].map(id => isEjected(world, id)),
    [false, false],
  )
})

test('failure detector does not hold against an endpoint what it did before its checks passed again', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeee')
  await world.advance(20)
  const { row, generation, id } = world.row('a')
  world.hear(healthChanged.of({ row, generation, service: 'api', id, from: 'unhealthy', to: 'healthy', reason: '200' }))
  settle('a', 'e')
  await world.advance(20)
  assert.equal(isEjected(world, 'a'), false, 'one, not five')
})

test('failure detector never ejects the last endpoint that can be picked', async () => {
  const { world, settle } = stage(['a', 'b', 'c', 'd'], { outlier: { ...OUTLIER, maxEjected: '100%' } })
  world.row('b').bars = UNHEALTHY
  world.row('c').bars = DRAINING
  world.row('d').weight = 0
  settle('a', 'eeeee')
  await world.advance(500)
  assert.equal(isEjected(world, 'a'), false)
  world.row('b').bars = 0
  await world.advance(100)
  assert.equal(isEjected(world, 'a'), true, 'b can take the load again, and a has not succeeded since')
})

test('failure detector with maxEjected 100 % leaves one of two', async () => {
  const { world, settle } = stage(['a', 'b'], { outlier: { ...OUTLIER, maxEjected: '100%' } })
  settle('a', 'eeeee')
  settle('b', 'eeeee')
  await world.advance(500)
  assert.deepEqual([isEjected(world, 'a'), isEjected(world, 'b')], [true, false])
})

test('failure detector returns an endpoint when its time is up, and keeps it out longer the next time', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeeee')
  await world.advance(33_200, 10)
  assert.equal(isEjected(world, 'a'), false)
  assert.equal(world.row('a').ejectedUntilMs, 0)
  assert.deepEqual(world.said, ['endpoint.ejected api/a', 'endpoint.settled-batch', 'endpoint.returned api/a'])
  settle('a', 'eeee')
  await world.advance(50)
  assert.equal(isEjected(world, 'a'), false, 'it begins anew, so four are not enough')
  settle('a', 'e')
  await world.advance(50)
  assert.equal(world.row('a').ejections, 2)
  const forMs = elapsedMs(world.row('a').ejectedUntilMs, world.clock.now())
  assert.ok(forMs > 59_900 && forMs <= 66_000, `for ${forMs} ms`)
})

test('failure detector does not hold against an endpoint what was under way when it was ejected', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeeee')
  await world.advance(20)
  // 50 ms before it returns, after the last look at the tables.
  await world.advance(elapsedMs(world.row('a').ejectedUntilMs, world.clock.now()) - 50)
  settle('a', 'eeee')
  await world.advance(200)
  assert.equal(isEjected(world, 'a'), false)
  settle('a', 'e')
  await world.advance(50)
  assert.equal(isEjected(world, 'a'), false, 'one, not five')
})

test('failure detector forgives one ejection for each healthy interval', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeeee')
  await world.advance(33_200, 10)
  assert.equal(isEjected(world, 'a'), false)
  assert.equal(world.row('a').ejections, 1)
  // An interval of 10 s since the return, seen at the next look, one a second.
  await world.advance(11_200, 10)
  assert.equal(world.row('a').ejections, 0)
})

test('failure detector returns an endpoint early when active checks pass again', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeeee')
  await world.advance(20)
  const { row, generation, id } = world.row('a')
  const change = { row, generation, service: 'api', id, reason: '200' }
  world.hear(healthChanged.of({ ...change, from: 'unknown', to: 'healthy' }))
  assert.equal(isEjected(world, 'a'), true, 'a first passed check is no recovery')
  world.hear(healthChanged.of({ ...change, generation: generation + 1, from: 'unhealthy', to: 'healthy' }))
  assert.equal(isEjected(world, 'a'), true, 'that was another tenant of the row')
  world.hear(healthChanged.of({ ...change, from: 'unhealthy', to: 'healthy' }))
  assert.equal(isEjected(world, 'a'), false)
  assert.deepEqual(world.sent.at(-1)!.data, { row, generation, service: 'api', id, because: 'healthy' })
})

test('failure detector returns an endpoint when a check passes after one that failed meanwhile, and not for checks that always pass or are late', async () => {
  const { world, settle } = stage(['a', 'b'])
  const check = (hasPassed: boolean, isLate = false): void => {
    const { row, generation, id } = world.row('a')
    world.hear(ejectedChecked.of({ row, generation, service: 'api', id, hasPassed, isLate }))
  }
  check(false)
  settle('a', 'eeeee')
  await world.advance(20)
  check(true)
  assert.equal(isEjected(world, 'a'), true, 'what it is out for is nothing that checks see')
  check(false, true)
  check(true)
  assert.equal(isEjected(world, 'a'), true, 'who is slow may be this machine')
  check(false)
  check(true)
  assert.equal(isEjected(world, 'a'), false)
  settle('a', 'eeeee')
  await world.advance(20)
  check(true)
  assert.equal(isEjected(world, 'a'), true, 'the failed check was before')
})

test('failure detector sends nobody to an ejected endpoint when its time is up while checks fail', async () => {
  const healthCheck = { path: '/up', interval: '1s', timeout: '500ms' }
  const { world, settle } = stage(['a', 'b'], { outlier: { ...OUTLIER, baseEjection: '1s' }, healthCheck })
  settle('a', 'eeeee')
  await world.advance(20)
  const { row, generation, id } = world.row('a')
  // Its time is 1 to 1.1 s; each failed check makes it 1.5 s from now at least.
  for (let i = 0; i < 10; i++) {
    await world.advance(500)
    world.hear(ejectedChecked.of({ row, generation, service: 'api', id, hasPassed: false, isLate: false }))
  }
  assert.equal(isEjected(world, 'a'), true)
  await world.advance(1_400)
  assert.equal(isEjected(world, 'a'), true)
  await world.advance(250)
  assert.equal(isEjected(world, 'a'), false, 'nobody checks any more')
})

test('failure detector restarted returns whom its predecessor ejected, in time', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'eeeee')
  await world.advance(20_000, 10)
  const { ejectedUntilMs } = world.row('a')
  world.start()
  await world.advance(9_000, 10)
  assert.equal(isEjected(world, 'a'), true)
  const leftMs = elapsedMs(ejectedUntilMs, world.clock.now())
  await world.advance(leftMs + 110, 10)
  assert.equal(isEjected(world, 'a'), false)
  assert.equal(world.row('a').ejections, 1)
})

test('failure detector restarted forgives what its predecessor counted', async () => {
  const { world } = stage(['a', 'b'])
  world.row('a').ejections = 2
  world.start()
  await world.advance(11_200, 10)
  assert.equal(world.row('a').ejections, 1)
})

test('failure detector tells every 100 ms what was settled, each endpoint once, and nothing without traffic', async () => {
  const { world, settle } = stage(['a', 'b'])
  settle('a', 'oooe')
  settle('b', 'o')
  await world.advance(50)
  settle('a', 'oat')
  await world.advance(60)
  const batches = world.sent.filter(({ type }) => type === 'signalbox.endpoint.settled-batch')
  assert.equal(batches.length, 1)
  const { generation } = world.row('a')
  const a = { row: 0, generation, ok: 4, error: 1, timeout: 1, abandoned: 1, latencyUsSum: 4000, latencyUsMax: 1000 }
  const b = {
    row: 1,
    generation: generation + 1,
    ok: 1,
    error: 0,
    timeout: 0,
    abandoned: 0,
    latencyUsSum: 1000,
    latencyUsMax: 1000,
  }
  assert.deepEqual(batches[0]!.data, { rows: [a, b] })
  await world.advance(1_000)
  const counted = world.sent.filter(({ type }) => type === 'signalbox.endpoint.latencies-counted')
  assert.equal(world.sent.length, batches.length + counted.length)
})

test('failure detector drains every 20 ms where all is well, and every 5 ms where something fails or much comes', async () => {
  const { world, settle, drains } = stage(['a', 'b'])
  for (const [outcomes, perMs, paceMs] of [
    ['o', 1, 20],
    ['oe', 1, 5],
    ['o', 200, 5],
  ] as const) {
    for (let i = 0; i < 300; i++) {
      for (let n = 0; n < perMs; n++) settle('a', outcomes[i % outcomes.length] as 'o' | 'e')
      await world.advance(1)
    }
    const last = drains.slice(-10)
    assert.equal(last.at(-1)! - last[0]!, 9 * paceMs, `${perMs} of ${outcomes} a ms`)
  }
})
