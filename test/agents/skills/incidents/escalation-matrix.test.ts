import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelOf } from '../../../../agents/skills/incidents/escalation-matrix.ts'

const TIMES = { orchestratorAfter: 60_000, operatorAfter: 300_000, pageAfter: 900_000, repeats: 3 }

test('an incident rises by the time it lasts, by how often it comes again, and at once where nobody can repair it', () => {
  const level = (afterMs: number, repeats: number, needsHuman = false): number =>
    levelOf(TIMES, { afterMs, repeats, needsHuman })
  assert.deepEqual(
    [0, 59_999, 60_000, 300_000, 899_999, 900_000].map(afterMs => level(afterMs, 0)),
    [0, 0, 1, 2, 2, 3],
  )
  assert.deepEqual(
    [2, 3, 6, 9, 100].map(repeats => level(0, repeats)),
    [0, 1, 2, 3, 3],
  )
  assert.deepEqual([level(0, 0, true), level(900_000, 0, true)], [2, 3])
})
