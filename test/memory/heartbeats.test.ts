import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeartbeats, Heartbeats } from '../../engine/memory/heartbeats.ts'

test('beat() is seen through another view of the same memory, in its own line', () => {
  const mine = createHeartbeats(3)
  const theirs = new Heartbeats(mine.buffer)
  const before = theirs.beats(1)
  mine.beat(1, -5, 7, 2)
  assert.notEqual(theirs.beats(1), before)
  assert.deepEqual([theirs.beatMs(1), theirs.handled(1), theirs.dropped(1)], [-5, 7, 2])
  for (const line of [0, 2]) assert.deepEqual([theirs.beats(line), theirs.handled(line)], [0, 0])
})

test('begin() clears a line for the next thread', () => {
  const heartbeats = createHeartbeats(1)
  heartbeats.beat(0, 1, 2, 3)
  heartbeats.begin(0, 9)
  assert.deepEqual(
    [heartbeats.beats(0), heartbeats.beatMs(0), heartbeats.handled(0), heartbeats.dropped(0)],
    [0, 9, 0, 0],
  )
})

test('handled and dropped count on to 2^32', () => {
  const heartbeats = createHeartbeats(1)
  heartbeats.beat(0, 0, 3_000_000_000, 4_000_000_000)
  assert.deepEqual([heartbeats.handled(0), heartbeats.dropped(0)], [3_000_000_000, 4_000_000_000])
})

test('revoke() lets the next incarnation write and no other; what was refused is counted, and begin() counts anew', () => {
  const heartbeats = createHeartbeats(2)
  heartbeats.begin(0, 0, 7)
  assert.equal(heartbeats.mayWrite(0, 7), true)
  heartbeats.revoke(0)
  assert.deepEqual([heartbeats.mayWrite(0, 7), heartbeats.mayWrite(0, 8)], [false, true])
  assert.deepEqual([heartbeats.refused(0), heartbeats.refused(1)], [1, 0])
  heartbeats.begin(0, 0, 8)
  assert.deepEqual([heartbeats.mayWrite(0, 8), heartbeats.refused(0)], [true, 0])
})

test('weigh() tells what the thread holds and may hold', () => {
  const heartbeats = createHeartbeats(1)
  heartbeats.weigh(0, 10_000, 131_072)
  assert.deepEqual([heartbeats.memoryKib(0), heartbeats.limitKib(0)], [10_000, 131_072])
})
