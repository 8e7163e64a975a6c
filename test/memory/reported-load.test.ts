import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packLoad, unpackLoad } from '../../engine/memory/reported-load.ts'
import { reportedLoad } from '../../engine/writer.ts'
import { tinyWorld } from '../support/tiny-world.ts'

test('packLoad() keeps shares to a thousandth, and what was not said', () => {
  for (const load of [
    { cpu: 0.123, memory: 1, utilisation: 0 },
    { cpu: undefined, memory: 0.5, utilisation: undefined },
    { cpu: 0, memory: undefined, utilisation: 0.999 },
  ]) {
    assert.deepEqual(unpackLoad(packLoad(load)), load)
  }
  assert.deepEqual(unpackLoad(packLoad({ cpu: 3.2 })), { cpu: 1, memory: undefined, utilisation: undefined })
  assert.equal(packLoad({}), 0)
})

test('reportLoad() notes what the endpoint of a ticket said, and nothing of a ticket whose endpoint has left', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const ticket = world.router.pick()
  const row = world.row('a')
  assert.equal(reportedLoad(world.region, row), undefined)
  world.router.reportLoad(ticket, { cpu: 0.25 })
  assert.equal(reportedLoad(world.region, row)?.cpu, 0.25)
  world.router.settle(ticket, 'ok', 1)
  world.remove('a')
  world.catchUp()
  world.catchUp()
  for (let i = 0; i < 80 && world.rows()[0] !== row; i++) {
    if (world.rows().length > 0) world.remove(`e${i - 1}`)
    world.catchUp()
    world.add(`e${i}`)
    world.catchUp()
  }
  assert.equal(world.rows()[0], row)
  world.router.reportLoad(ticket, { cpu: 0.75 })
  assert.equal(reportedLoad(world.region, row), undefined)
  world.router.reportLoad(-1, { cpu: 0.75 })
})
