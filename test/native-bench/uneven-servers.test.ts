import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capacityPerSecond, SERVERS, SLOTS, STALL_MS, WORK_MS_MEAN } from '../../native-bench/uneven/plan.ts'
import { startServers } from '../../native-bench/uneven/servers.ts'
import { Slots } from '../../native-bench/uneven/slots.ts'
import { stallsMs, worksMs } from '../../native-bench/uneven/work.ts'

test('requests take 20 ms in the mean, log-normal, the same for the same seed', () => {
  const works = worksMs(1, 100_000)
  assert.deepEqual(worksMs(1, 100), works.slice(0, 100))
  assert.notDeepEqual(worksMs(2, 100), works.slice(0, 100))
  const mean = works.reduce((sum, work) => sum + work, 0) / works.length
  // It deviates by √(e − 1) = 1.31 times its mean: 26 ms ÷ √100,000 = 0.083, five times.
  assert.ok(Math.abs(mean - WORK_MS_MEAN) < 0.42, `${mean} ms`)
  const sorted = works.toSorted()
  // Half of them below 20 × e^−½ = 12.1 ms, 99 of a hundred below e^2.326 times that, 124.
  assert.ok(Math.abs(sorted[50_000]! - 12.13) < 0.3, `${sorted[50_000]} ms`)
  assert.ok(Math.abs(sorted[99_000]! - 124.2) < 8, `${sorted[99_000]} ms`)
})

test('who stalls does so for 300 ms each time, for a tenth of the time', () => {
  const stalls = stallsMs(1, 3_000_000)
  for (const [i, [from, until]] of stalls.entries()) {
    assert.ok(Math.abs(until - from - STALL_MS) < 1e-6)
    assert.ok(from >= (stalls[i - 1]?.[1] ?? 0))
  }
  // A thousand in 50 minutes; what is between them deviates by its mean, so five times √1000 × 0.9.
  assert.ok(Math.abs(stalls.length - 1000) < 143, `${stalls.length}`)
})

test('a request begins where a slot is free first, and makes no headway in a stall', () => {
  const slots = new Slots(2, [
    [100, 150],
    [170, 180],
  ])
  assert.equal(slots.take(0, 30), 30)
  assert.equal(slots.take(0, 50), 50)
  assert.equal(slots.take(10, 20), 50, 'waits for the first slot until 30')
  assert.equal(slots.take(80, 10), 90, 'both are free')
  assert.equal(slots.take(90, 25), 90 + 25 + 50, 'a stall in the midst of it')
  assert.equal(slots.take(120, 10), 160, 'the other slot is free since 90, but stands still until 150')
  assert.equal(slots.take(160, 60), 160 + 60 + 10)
})

test('they can work off what their plan says: 4 slots of 20 ms, five at full speed, two at half, one at a quarter', () => {
  // 200 a second for a quick one: 5 × 200, less a tenth of one, and 2 × 100, and 50.
  assert.ok(Math.abs(capacityPerSecond() - 1230) < 1e-9, `${capacityPerSecond()}`)
})

test('each answers when the request is done and not before, after those that came first; all are gone when they have ended', async t => {
  const servers = await startServers()
  t.after(() => servers.end())
  assert.equal(servers.ports.length, SERVERS.length)
  const REQUESTS = 12
  const turn = { seed: 7, requests: REQUESTS * SERVERS.length, seconds: 10 }
  const works = worksMs(turn.seed, turn.requests)
  await servers.begin(turn)
  const quickest = SERVERS.findIndex(({ slowness, isStalling }) => slowness === 1 && !isStalling)
  const slowest = SERVERS.findIndex(({ slowness }) => slowness === 4)
  for (const place of [quickest, slowest]) {
    const first = place * REQUESTS
    const ids = Array.from({ length: REQUESTS }, (_, i) => first + i)
    const beganMs = performance.now()
    const asked = ids.map(async id => {
      const answer = await fetch(`http://127.0.0.1:${servers.ports[place]}/${id}`)
      assert.equal(answer.status, 200)
      await answer.text()
      return performance.now() - beganMs
    })
    const took = await Promise.all(asked)
    const busyMs = ids.reduce((sum, id) => sum + works[id]! * SERVERS[place]!.slowness, 0)
    // In whichever order they came: not before its own time, and all of them not before the slots could have worked them off.
    for (const [i, ms] of took.entries()) {
      const own = works[ids[i]!]! * SERVERS[place]!.slowness
      assert.ok(ms > own - 2, `${ms} ms, promised were ${own}`)
    }
    assert.ok(Math.max(...took) > busyMs / SLOTS - 2, `${Math.max(...took)} ms for ${busyMs} of work`)
  }
  await servers.end()
  await assert.rejects(fetch(`http://127.0.0.1:${servers.ports[0]}/`))
})
