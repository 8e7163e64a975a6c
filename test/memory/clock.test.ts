import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elapsedMs, readClock, tickClock } from '../../engine/memory/clock.ts'
import { CLOCK_MS_AT, ORIGIN_S_AT } from '../../engine/memory/layout.ts'
import { createRegion } from '../../engine/memory/region.ts'

const SMALL = { rows: 1, services: 1, seats: 1, textBytes: 128, outcomes: 64 }

test('the clock begins at 0 and stands still until it is ticked', () => {
  const region = createRegion(SMALL)
  assert.equal(readClock(region), 0)
  assert.equal(readClock(region), 0)
})

test('tickClock() writes milliseconds since the region was made', () => {
  const region = createRegion(SMALL)
  region.words[ORIGIN_S_AT] -= 5 // made five seconds ago
  const now = tickClock(region)
  assert.ok(now >= 5000 && now < 65_000, `${now} ms`)
  assert.equal(readClock(region), now)
})

test('a tick that was overtaken by a later one changes nothing', () => {
  const region = createRegion(SMALL)
  const ahead = tickClock(region) + 60_000
  region.words[CLOCK_MS_AT] = ahead
  tickClock(region)
  assert.equal(readClock(region), ahead)
})

test('the clock goes on across its wrap', () => {
  const region = createRegion(SMALL)
  // 2^31 ms and a second after its creation the word is negative; the tick is still later than the one before.
  region.words[CLOCK_MS_AT] = 0x7fffffff
  region.words[ORIGIN_S_AT] -= 2 ** 31 / 1000 + 1
  const now = tickClock(region)
  assert.ok(now < 0)
  assert.equal(readClock(region), now)
  assert.ok(elapsedMs(now, 0x7fffffff) > 0)
})

test('elapsedMs() is right across the wrap', () => {
  assert.equal(elapsedMs(10, 4), 6)
  assert.equal(elapsedMs(-0x80000000, 0x7fffffff), 1)
  assert.equal(elapsedMs(4, 10), -6)
})
