import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOfLateness, latenessCounts, Ticker, topOfLateness } from '../../engine/memory/loop-delay.ts'
import { tinyWorld } from '../support/tiny-world.ts'

test('bucketOfLateness() doubles from word to word, and topOfLateness() is the longest a word stands for', () => {
  assert.deepEqual(
    [-3, 0, 1, 2, 3, 4, 7, 8, 1_023, 1_024, 9_999].map(bucketOfLateness),
    [0, 0, 1, 2, 2, 3, 3, 4, 10, 11, 11],
  )
  assert.deepEqual([0, 1, 2, 3, 10, 11].map(topOfLateness), [0, 1, 3, 7, 1_023, 1_024])
})

test('a thread that was held up counts it when it ticks again, and all threads are counted together', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const other = world.another()
  const tickers = [world.attachment, other].map(({ region, seat }) => new Ticker(region, seat))
  for (const ticker of tickers) ticker.tick()
  const before = latenessCounts(world.region)
  assert.equal(
    before.reduce((sum, count) => sum + count, 0),
    2,
  )
  const endMs = Date.now() + 40
  while (Date.now() < endMs);
  for (const ticker of tickers) ticker.tick()
  // Held up for 40 ms and more, of which 10 are the time to the next tick: late by 16 ms at the least.
  const late = latenessCounts(world.region).slice(bucketOfLateness(16))
  assert.equal(
    late.reduce((sum, count) => sum + count, 0),
    2,
  )
})
