import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  again,
  begin,
  type Next,
  type Procedure,
  proceed,
} from '../../../../agents/skills/incidents/repair-procedure.ts'

const PROCEDURE: Procedure = {
  name: 'two-steps',
  looksFirst: false,
  steps: [{ do: 'isolate', undo: { do: 'release' } }, { do: 'connect' }],
  verify: { do: 'look' },
  maxAttempts: 3,
  backOffMs: 100,
}

/** Follows a procedure whose steps work as told, one answer each; says what it did. */
function play(procedure: Procedure, answers: readonly boolean[]): { did: string[]; end: Next } {
  const did: string[] = []
  let next = begin(procedure)
  for (const hasWorked of answers) {
    if (next.next === 'again') {
      did.push(`again after ${next.afterMs}`)
      next = again(next.run)
    }
    if (next.next !== 'step') break
    did.push(next.step.do)
    next = proceed(next.run, hasWorked, hasWorked ? 'yes' : 'no')
  }
  return { did, end: next }
}

test('a procedure does its steps in order, and ends when it is seen that they have helped (SK-2)', () => {
  const { did, end } = play(PROCEDURE, [true, true, true])
  assert.deepEqual(did, ['isolate', 'connect', 'look'])
  assert.deepEqual(end.next === 'end' && [end.isWell, end.undo, end.run.tried], [
    true,
    [],
    ['isolate: yes', 'connect: yes', 'look: yes'],
  ])
})

test('a procedure that fails is tried thrice with a back-off that doubles, then what was done is taken back (SK-2)', () => {
  const { did, end } = play(PROCEDURE, [true, false, true, true, false, true, false])
  assert.deepEqual(did, [
    ...['isolate', 'connect'],
    ...['again after 100', 'isolate', 'connect', 'look'],
    ...['again after 200', 'isolate', 'connect'],
  ])
  // Once, however often it was done.
  assert.deepEqual(end.next === 'end' && [end.isWell, end.undo, end.run.attempt], [false, [{ do: 'release' }], 3])
})

test('a procedure takes back nothing that was not done, and the last thing first (SK-2)', () => {
  const steps = [
    { do: 'isolate', undo: { do: 'release' } },
    { do: 'wait', ms: 1, undo: { do: 'wait', ms: 2 } },
    { do: 'connect', undo: { do: 'wait', ms: 3 } },
  ] as const
  const { end } = play({ ...PROCEDURE, steps, maxAttempts: 1 }, [true, true, false])
  assert.deepEqual(end.next === 'end' && end.undo, [{ do: 'wait', ms: 2 }, { do: 'release' }])
})

test('a procedure that looks first does nothing where there is nothing to repair (SK-2)', () => {
  const first = { ...PROCEDURE, looksFirst: true }
  assert.deepEqual(play(first, [true]).did, ['look'])
  assert.deepEqual(play(first, [false, true, true, true]).did, ['look', 'isolate', 'connect', 'look'])
})
