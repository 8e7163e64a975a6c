import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyAgent } from '../../../agents/kit/grammar/agent.ts'
import { writeEndpoint, writeService } from '../../../agents/kit/grammar/directive.ts'
import { TablePort } from '../../../agents/kit/table-port.ts'
import { viewTables } from '../../../agents/kit/tables.ts'
import { ROSTER } from '../../../agents/roster.ts'
import { refusals } from '../../../engine/memory/refusals.ts'
import { planeOf } from '../../../engine/plane/plane.ts'
import { EJECTED, HEALTH_HEALTHY, UNHEALTHY } from '../../../engine/writer.ts'
import { tinyWorld } from '../../support/tiny-world.ts'

const ALL: AnyAgent['writes'] = [
  'health',
  'healthySinceMs',
  'unhealthyBar',
  'ejectedBar',
  'ejectedUntilMs',
  'ejections',
  'factor',
  'latencyUs',
  'limit',
  'panicTold',
  'panics',
  'pullMax',
  'utilisation',
  'shedFrom',
  'admitted',
  'breaker',
  'forecastUs',
  'heldBar',
  'isolatedBar',
  'passingPolicy',
  'policy',
  'trust',
]

const port = ({ attachment }: ReturnType<typeof tinyWorld>, writes = ALL): TablePort =>
  new TablePort(attachment, { name: 'test-agent', writes } as AnyAgent)

test('what a table port writes is what the next view shows', t => {
  const world = tinyWorld({ a: { weight: 2 }, b: {} })
  t.after(() => world.close())
  const tables = port(world)
  const [service] = viewTables(world.attachment).services
  const [a, b] = service!.endpoints
  assert.deepEqual([a!.id, a!.weight, a!.factor, b!.id, service!.isPullMaxRight], ['a', 2, 1, 'b', true])
  tables.write(writeEndpoint('health', a!, HEALTH_HEALTHY))
  tables.write(writeEndpoint('healthySinceMs', a!, 11))
  tables.write(writeEndpoint('unhealthyBar', a!, 1))
  tables.write(writeEndpoint('ejectedBar', a!, 1))
  tables.write(writeEndpoint('ejectedUntilMs', a!, 12))
  tables.write(writeEndpoint('ejections', a!, 13))
  tables.write(writeEndpoint('factor', a!, 0.25))
  tables.write(writeEndpoint('latencyUs', a!, 14))
  tables.write(writeEndpoint('limit', a!, 15))
  world.attachment.tally.enter(a!.row)
  tables.write(writeService('panicTold', 0, 1))
  const [after] = viewTables(world.attachment).services
  assert.deepEqual(after!.endpoints[0], {
    ...a,
    health: HEALTH_HEALTHY,
    healthySinceMs: 11,
    bars: UNHEALTHY | EJECTED,
    ejectedUntilMs: 12,
    ejections: 13,
    factor: 0.25,
    latencyUs: 14,
    limit: 15,
    inflight: 1,
  })
  assert.deepEqual(after!.endpoints[1], b)
  assert.equal(after!.isPanicTold, true)
  tables.write(writeEndpoint('unhealthyBar', a!, 0))
  assert.equal(world.attachment.endpoints.bars(a!.row), EJECTED, 'each bar by itself')
})

test('a view sees that the largest pull is wrong, and a table port mends it', t => {
  const world = tinyWorld({ a: { weight: 4 }, b: {} })
  t.after(() => world.close())
  const tables = port(world)
  const view = () => viewTables(world.attachment).services[0]!
  tables.write(writeEndpoint('factor', view().endpoints[0]!, 0.5))
  assert.equal(view().isPullMaxRight, false)
  tables.write(writeService('pullMax', 0, 0))
  assert.equal(view().isPullMaxRight, true)
})

test('a view follows the structure', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const { attachment } = world
  const ids = () => viewTables(attachment).services[0]!.endpoints.map(({ id }) => id)
  assert.deepEqual(ids(), ['a'])
  const endpoint = { id: 'b', url: 'http://127.0.0.1:2', zone: '', metadata: {}, weight: 1, priority: 0 }
  attachment.writer.edit(edit => edit.add(0, endpoint))
  assert.deepEqual(ids(), ['a', 'b'])
})

test('a table port passes over a row that has another tenant', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const [a] = viewTables(world.attachment).services[0]!.endpoints
  port(world).write(writeEndpoint('ejectedBar', { row: a!.row, generation: a!.generation + 1 }, 1))
  assert.equal(world.attachment.endpoints.bars(a!.row), 0)
})

test('a table port refuses a word that the agent does not own, and a value that is no number', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const [a] = viewTables(world.attachment).services[0]!.endpoints
  assert.throws(() => port(world, ['health']).write(writeEndpoint('factor', a!, 0.5)), {
    code: 'SBX_AGENT_INVALID',
    message: 'Cannot write factor as test-agent: it owns health, signal the owner instead',
  })
  assert.throws(() => port(world).write(writeEndpoint('factor', a!, Number.NaN)), { code: 'SBX_AGENT_INVALID' })
  assert.throws(() => port(world, ['health']).write(writeService('panicTold', 0, 1)), {
    code: 'SBX_AGENT_INVALID',
  })
  assert.equal(world.attachment.endpoints.factor(a!.row), 1)
})

test('every word has one owner in the roster', async () => {
  const owners = new Map<string, string>()
  for (const { name, module } of ROSTER) {
    const { default: agent } = (await import(module)) as { default: AnyAgent }
    assert.equal(agent.name, name)
    for (const word of agent.writes) {
      assert.equal(owners.get(word), undefined, `${word} is written by ${owners.get(word)} and ${name}`)
      owners.set(word, name)
    }
  }
  assert.deepEqual([...owners.keys()].toSorted(), ALL.toSorted(), 'and every word an agent may own has one')
})

test('a bar that the rules of publication refuse is passed over and counted, and the agent goes on', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const plane = planeOf(world.attachment)
  const tables = new TablePort(plane, { name: 'test-agent', writes: ALL } as AnyAgent)
  const [a, b] = viewTables(plane).services[0]!.endpoints
  tables.write(writeEndpoint('ejectedBar', a!, 1))
  tables.write(writeEndpoint('ejectedBar', b!, 1))
  tables.write(writeEndpoint('latencyUs', b!, 7))
  const [, after] = viewTables(plane).services[0]!.endpoints
  assert.deepEqual([after!.bars, after!.latencyUs, refusals(world.region, 'too-many-out')], [0, 7, 1])
})
