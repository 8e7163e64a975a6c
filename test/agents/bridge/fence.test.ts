import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FenceGate, newest } from '../../../agents/bridge/fence.ts'

describe('FenceGate', () => {
  it('refuses what is older than what was admitted last of the same subject', () => {
    const gate = new FenceGate()
    assert.equal(gate.admit('e1', 7), true)
    assert.equal(gate.admit('e1', 7), true)
    assert.equal(gate.admit('e1', 6), false)
    assert.equal(gate.admit('e2', 6), true)
    assert.equal(gate.admit('e1', 9), true)
    assert.equal(gate.admit('e1', 7), false)
    assert.deepEqual([gate.seen('e1'), gate.seen('e3')], [9, 0])
    gate.forget('e1')
    assert.equal(gate.admit('e1', 1), true)
  })

  it('refuses what has no fence: an outcome that is unknown', () => {
    for (const fence of [0, -1, Number.NaN]) assert.equal(new FenceGate().admit('e1', fence), false)
  })

  it('admits a row that never falls, whatever comes, and ends at the newest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), fences => {
        const gate = new FenceGate()
        const admitted = fences.filter(fence => gate.admit('e1', fence))
        assert.deepEqual(
          admitted,
          [...admitted].sort((a, b) => a - b),
        )
        assert.equal(gate.seen('e1'), fences.reduce(newest, 0))
      }),
    )
  })
})
