import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tried } from '../../engine/memory/tried.ts'
import { reportServices } from '../../engine/router/report.ts'
import { reportText } from '../../engine/router/report-text.ts'
import { putClockForward, readClock } from '../../engine/writer.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** One more request to each endpoint, which answers that it has so many, that one among them. */
function tell(world: TinyWorld, inflight: Readonly<Record<string, number>>): void {
  for (const [id, count] of Object.entries(inflight)) {
    const tried = new Tried()
    for (const row of world.rows()) if (row !== world.row(id)) tried.add(row)
    const ticket = world.router.pick(0, tried)
    world.router.reportLoad(ticket, { inflight: count })
    world.router.settle(ticket, 'ok', 1)
  }
}

function picked(world: TinyWorld, picks: number): string {
  return Array.from({ length: picks }, () => world.pickId()).join('')
}

for (const policy of ['least-request', 'peak-ewma', 'adaptive', 'capacity']) {
  test(`${policy} counts what routers elsewhere have on an endpoint, as it told of them`, t => {
    const world = tinyWorld({ a: {}, b: {} }, { policy })
    t.after(() => world.close())
    tell(world, { a: 1, b: 1 })
    // Five are there, and the one that heard it is one of them.
    tell(world, { a: 5 })
    assert.equal(picked(world, 4), 'bbbb')
    assert.deepEqual(picked(world, 2).split('').sort(), ['a', 'b'], 'both have four')
  })
}

test('what is in flight from here is not counted twice, and all threads hear', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const other = world.routerOf(world.another())
  assert.deepEqual(picked(world, 4).split('').sort(), ['a', 'a', 'b', 'b'])
  // Two from here, the one that tells, and of others none and three.
  tell(world, { a: 3, b: 6 })
  const elsewhere = Array.from({ length: 3 }, () => other.endpoint(other.pick()).id)
  assert.deepEqual(elsewhere, ['a', 'a', 'a'])
  assert.deepEqual(picked(world, 2).split('').sort(), ['a', 'b'], 'both have five')
})

test('who told nothing for ten seconds, or never, counts as having the mean of what is told', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  tell(world, { a: 9 })
  assert.deepEqual(
    picked(world, 4).split('').sort(),
    ['a', 'a', 'b', 'b'],
    'b never told: as many as a has, who alone did',
  )
  // Of the others none are at b; that is said so often that the mean is below one.
  for (let i = 0; i < 200; i++) tell(world, { b: 3 })
  putClockForward(world.region, readClock(world.region) + 9_999)
  assert.equal(picked(world, 4), 'bbbb', 'a: two and eight, b: two')
  tell(world, { b: 7 })
  putClockForward(world.region, readClock(world.region) + 1)
  assert.equal(picked(world, 3), 'aaa', 'a: two and one, b: six')
})

test('when no endpoint tells any more, nobody else counts', t => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 3 } })
  t.after(() => world.close())
  tell(world, { a: 31, b: 1 })
  assert.equal(picked(world, 20), 'b'.repeat(20))
  putClockForward(world.region, readClock(world.region) + 10_000)
  assert.match(picked(world, 6), /^a{6}$/, 'by weight, of b there are twenty already')
})

test('explain() and its text tell of them', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const before = reportServices(world.attachment)[0]!
  assert.deepEqual(
    before.endpoints.map(({ elsewhere }) => elsewhere),
    [0, 0],
  )
  tell(world, { a: 9, b: 1 })
  const after = reportServices(world.attachment)[0]!
  assert.deepEqual(
    after.endpoints.map(({ elsewhere }) => elsewhere),
    [8, 0],
  )
  assert.match(reportText(after), /^ {2}a .* 0 in flight and 8 elsewhere /m)
})

test('limits go by what is in flight from here', t => {
  const world = tinyWorld(
    { a: {} },
    { text: { limits: { requests: 0, connections: 0, retries: 0, endpointRequests: 2 } } },
  )
  t.after(() => world.close())
  tell(world, { a: 50 })
  assert.equal(picked(world, 2), 'aa')
  assert.equal(world.pickId(), undefined)
})

test('a service whose endpoints tell nothing of it, or what cannot be, is picked from as ever', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  world.router.reportLoad(world.router.pick(), { cpu: 0.9 })
  tell(world, { a: 0, b: 0 })
  const first = picked(world, 8)
  assert.ok(first.split('a').length > 2 && first.split('b').length > 2, first)
})
