import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import { type SettleParams, settleService } from '../../../agents/node-discovery/settle-service.ts'
import type { Settled } from '../../../agents/node-discovery/signals.ts'
import type { NewEndpoint } from '../../../engine/memory/edit.ts'
import { planeWorld } from '../../plane/plane-world.ts'
import type { TinyEndpoint } from '../../support/tiny-endpoint.ts'

const MARK = 'dns:api.test'

/** As TinyWorld makes them, with the mark of who found it. */
function endpoint(id: string, change: Partial<NewEndpoint> = {}): NewEndpoint {
  return { id, url: `http://${id}.test`, zone: '', metadata: { discovered: MARK }, weight: 1, priority: 0, ...change }
}

const found: TinyEndpoint = { metadata: { discovered: MARK } }

function worldOf(t: TestContext, endpoints: Record<string, TinyEndpoint>) {
  const { world, plane, ids } = planeWorld(t, endpoints)
  const settle = (wanted: readonly NewEndpoint[], params: Partial<SettleParams> = {}): Settled =>
    settleService.run(
      {
        ...{ service: 'api', endpoints: wanted, known: wanted.map(({ id }) => id) },
        ...{ silent: [], changed: [], ...params },
      },
      { attachment: plane } as unknown as Edge,
    ) as Settled
  return { world, settle, ids: () => ids().sort().join('') }
}

test('what was found comes, what is known no more goes, and what others added is never touched', t => {
  const { settle, ids } = worldOf(t, { a: found, b: found, c: {}, d: { metadata: { discovered: 'by hand' } } })
  assert.deepEqual(settle([endpoint('a'), endpoint('e'), endpoint('c')]), {
    ...{ service: 'api', added: ['e'], removed: ['b'], refused: [] },
  })
  assert.equal(ids(), 'acde')
  assert.deepEqual(settle([endpoint('a'), endpoint('e')]).added, [])
})

test('who is known and was not reached keeps its place, and so does what a source had that has not spoken yet', t => {
  const { settle, ids } = worldOf(t, { a: found, b: { metadata: { discovered: 'file:/x' } }, c: {} })
  settle([], { known: ['a'], silent: ['file:/x'] })
  assert.equal(ids(), 'abc')
  settle([], { known: ['a'] })
  assert.equal(ids(), 'ac')
})

test('an endpoint that is another now is replaced; a weight that was set by hand stays until its source says another', t => {
  const { world, settle } = worldOf(t, { a: found, b: {} })
  const row = world.row('a')
  world.setWeight('a', 5)
  settle([endpoint('a')])
  assert.deepEqual([world.row('a'), world.endpoints.weight(row)], [row, 5])
  settle([endpoint('a', { weight: 3 })], { changed: ['a'] })
  assert.equal(world.endpoints.weight(world.row('a')), 3)
  settle([endpoint('a', { zone: 'z1', weight: 3 })])
  assert.equal(world.attachment.endpoint(world.row('a')).zone, 'z1')
  // Who found it makes no difference.
  const after = world.row('a')
  settle([endpoint('a', { zone: 'z1', weight: 3, metadata: { discovered: 'file:/x' } })])
  assert.equal(world.row('a'), after)
})

test('of those that may not all go as many go as may, and the rest is told', t => {
  const { settle, ids } = worldOf(t, { a: found, b: found, c: found, d: found })
  const { removed, refused } = settle([])
  // Half of four within ten minutes.
  assert.deepEqual([removed, ids()], [['a', 'b'], 'cd'])
  assert.deepEqual(
    refused.map(({ wish, ids }) => [wish, ...ids]),
    [
      ['remove', 'c'],
      ['remove', 'd'],
    ],
  )
})

test('of those that do not all have room as many come as have, and one that does not fit keeps no other out', t => {
  const { settle, ids } = worldOf(t, { a: {} })
  const long = endpoint('x', { metadata: { discovered: MARK, note: 'n'.repeat(500) } })
  const { added, refused } = settle([endpoint('b'), long, endpoint('c')])
  assert.deepEqual([added, refused.map(({ ids }) => ids.join())], [['b', 'c'], ['x']])
  assert.equal(ids(), 'abc')
  const many = Array.from({ length: 100 }, (_, i) => endpoint(`n${i}`))
  // The region has 64 rows, three of which are taken.
  assert.equal(settle(many, { known: ['b', 'c', ...many.map(({ id }) => id)] }).added.length, 61)
})

test('a service that is not there is left alone', t => {
  const { settle } = worldOf(t, { a: {} })
  assert.deepEqual(settle([endpoint('b')], { service: 'gone' }), {
    service: 'gone',
    added: [],
    removed: [],
    refused: [],
  })
})
