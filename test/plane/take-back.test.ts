import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many, planeWorld } from './plane-world.ts'

const REFUSED = { code: 'SBX_PUBLICATION_REFUSED', because: 'shrunk' }

function endpointsOf(...ids: readonly string[]) {
  return ids.map((id, i) => ({
    ...{ id, url: `http://127.0.0.1:${9_000 + i}`, zone: '', metadata: {}, weight: 1, priority: 0 },
  }))
}

test('rule 1: an agent may take back what it added itself, however many; of the others it takes half', t => {
  const { plane, ids } = planeWorld(t, many(4))
  plane.writer.edit(edit => {
    for (const each of endpointsOf('n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7')) edit.add(0, each)
  })
  const take = (from: number, to: number, deed: 'remove' | 'takeBack') =>
    plane.writer.edit(edit => {
      for (const row of edit.rows(0).slice(from, to)) edit[deed](0, row)
    })
  assert.throws(() => take(4, 12, 'remove'), REFUSED)
  assert.throws(() => take(1, 12, 'takeBack'), REFUSED)
  take(4, 12, 'takeBack')
  assert.deepEqual(ids(), ['e0', 'e1', 'e2', 'e3'])
  assert.throws(() => take(0, 3, 'takeBack'), REFUSED)
  take(0, 2, 'takeBack')
  assert.deepEqual(ids(), ['e2', 'e3'])
})
