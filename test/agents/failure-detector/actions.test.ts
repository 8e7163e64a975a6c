import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drain } from '../../../agents/failure-detector/actions.ts'
import type { Drained } from '../../../agents/failure-detector/signals.ts'
import { VirtualClock } from '../../../agents/kit/virtual/virtual-clock.ts'
import { becomeDrainer, ERROR, GATEWAY, OK, TIMEOUT, UNREACHABLE } from '../../../engine/writer.ts'
import { tinyWorld } from '../../support/tiny-world.ts'

/** The drain of a tiny world, in virtual time. */
function drainOf({ attachment }: ReturnType<typeof tinyWorld>) {
  const clock = new VirtualClock()
  const edge = { attachment, now: () => clock.now(), later: clock.later.bind(clock), signal: AbortSignal.abort() }
  return { clock, run: async (): Promise<{ rows: readonly Drained[] }> => drain.run(undefined, edge) }
}

test('drain sorts outcomes by endpoint: counts, latency of those that were ok, codes in order', async t => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin' })
  t.after(() => world.close())
  becomeDrainer(world.region, world.attachment.seat)
  const outcomes = ['error', 'ok', 'ok', 'timeout', 'unreachable', 'abandoned', 'gateway'] as const
  for (const [i, outcome] of outcomes.entries()) {
    const [one, other] = [world.router.pick(), world.router.pick()]
    const isA = world.router.endpoint(one).id === 'a'
    world.router.settle(isA ? one : other, outcome, (i + 1) * 100)
    world.router.settle(isA ? other : one, 'abandoned', 0)
  }
  const { rows } = await drainOf(world).run()
  const a = rows.find(({ row }) => row === world.row('a'))
  const { row: _, generation: __, service: ___, ...sums } = a!
  assert.deepEqual(sums, {
    ok: 2,
    error: 3,
    timeout: 1,
    abandoned: 1,
    latencyUsSum: 200 + 300,
    latencyUsMax: 300,
    codes: [ERROR, OK, OK, TIMEOUT, UNREACHABLE, GATEWAY],
    // Of what failed, only a timeout says how long it took.
    latenciesUs: [200, 300, 400],
  })
  assert.equal(rows.length, 2)
})

test('drain waits at rest, and looks every 20 ms', async t => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin' })
  t.after(() => world.close())
  const { clock, run } = drainOf(world)
  let isDone = false
  const draining = run().then(({ rows }) => {
    isDone = true
    return rows
  })
  clock.advance(100)
  world.router.settle(world.router.pick(), 'ok', 5)
  clock.advance(19)
  await Promise.resolve()
  assert.equal(isDone, false)
  clock.advance(1)
  assert.equal((await draining)[0]?.ok, 1)
})

test('drain knows no latency where none was given', async t => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin' })
  t.after(() => world.close())
  becomeDrainer(world.region, world.attachment.seat)
  for (const latencyUs of [0, 5]) world.router.settle(world.router.pick(), 'ok', latencyUs)
  const { rows } = await drainOf(world).run()
  assert.deepEqual(rows[0]!.latenciesUs, [5])
  assert.equal(rows[0]!.ok, 2)
})
