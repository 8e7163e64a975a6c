import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LOCAL_HEALTH_MAX,
  latenessOf,
  localHealthAfter,
  stretchOf,
} from '../../../../agents/skills/network/local-health.ts'
import { confirmationsWanted, suspicionMs } from '../../../../agents/skills/network/suspicion.ts'

/** As memberlist is on a LAN. */
const LAN = { multiplier: 4, longest: 6, probeMs: 1_000 }

test('suspicionMs() is what memberlist works out (ALG-25)', () => {
  // nodes, confirmations, seconds. Three nodes have nobody to wait for; a hundred take twice the least.
  const rows = [
    [3, 0, 4],
    [5, 0, 24],
    [5, 1, 11.4],
    [5, 2, 4],
    [5, 9, 4],
    [100, 0, 48],
    [100, 2, 8],
  ] as const
  for (const [nodes, confirmations, seconds] of rows) {
    const ms = suspicionMs(LAN, nodes, confirmations)
    assert.ok(Math.abs(ms / 1_000 - seconds) < 0.05, `${nodes} nodes, ${confirmations} confirmations: ${ms} ms`)
  }
})

test('confirmationsWanted() is two less than the multiplier, and none where there are not so many others', () => {
  assert.deepEqual(
    [2, 3, 4, 5].map(nodes => confirmationsWanted(LAN, nodes)),
    [0, 0, 2, 2],
  )
  assert.equal(confirmationsWanted({ ...LAN, multiplier: 1 }, 100), 0)
})

test('local health goes from 0 to 8, and stretches time by one more than it is', () => {
  assert.equal(localHealthAfter(0, -1), 0)
  assert.equal(localHealthAfter(7, 5), LOCAL_HEALTH_MAX)
  assert.deepEqual([0, 3, 8].map(stretchOf), [1, 4, 9])
  assert.deepEqual(
    [100, 499, 500, 5_000].map(late => latenessOf(late, 1_000)),
    [0, 0, 1, 5],
  )
})
