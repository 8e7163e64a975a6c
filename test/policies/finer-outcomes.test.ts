import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import type { Outcome } from '../../engine/memory/outcomes.ts'
import { tinyWorld } from '../support/tiny-world.ts'

/** What is known of an endpoint's latency after a few requests that ended like this: its peak, and at its level. */
function learned(policy: string, outcome: Outcome): [peakUs: number, levelUs: number] {
  const world = tinyWorld({ a: {} }, { policy })
  for (let i = 0; i < 8; i++) world.router.settle(world.router.pick(), outcome, 1000)
  const candidates = world.candidates(Candidates)
  const row = world.row('a')
  const known: [number, number] = [candidates.peakUs(row), candidates.levelUs(row, 1)]
  world.close()
  return known
}

for (const policy of ['peak-ewma', 'prequal']) {
  test(`${policy} learns from "gateway" and "unreachable" what it learns from "error"`, () => {
    const error = learned(policy, 'error')
    assert.deepEqual(learned(policy, 'gateway'), error)
    assert.deepEqual(learned(policy, 'unreachable'), error)
    assert.notDeepEqual(learned(policy, 'ok'), error)
  })
}
