import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roomOf } from '../../../agents/resource-manager/room.ts'
import { capacityReported } from '../../../agents/signals.ts'
import { managed } from './managed.ts'

const SERVICE = {
  policy: 'capacity',
  endpoints: [
    { id: 'a', url: 'http://127.0.0.1:1', capacity: 10 },
    { id: 'b', url: 'http://127.0.0.1:2' },
  ],
}

test('roomOf() weighs CPU, memory and network, and what is not known is neutral (ALG-8b)', () => {
  const close = (room: number | undefined, wish: number): void => assert.ok(Math.abs(room! - wish) < 1e-9, `${room}`)
  close(roomOf({ cpu: 0, memory: 0, network: 0 }), 1)
  close(roomOf({ cpu: 1, memory: 1, network: 1 }), 0)
  // 0.4 × 0.5 + 0.3 × 0.2 + 0.3 × 0.9
  close(roomOf({ cpu: 0.5, memory: 0.8, network: 0.1 }), 0.53)
  // 0.4 × 0.9 + 0.3 × 0.5 + 0.3 × 0.5
  close(roomOf({ cpu: 0.1 }), 0.66)
  close(roomOf({ memory: 7, cpu: -1, network: 0.5 }), 0.55)
  assert.equal(roomOf({}), undefined)
})

test('what the config says an endpoint can bear makes its requests in flight a share of it (SE-14)', async t => {
  const world = await managed(t, { api: { ...SERVICE, policy: 'round-robin' } })
  const row = (id: string): number => world.tables.rowOfId(0, id)
  await world.advance(6)
  assert.equal(world.tables.endpoints.utilisation(row('a')), 0)
  assert.equal(world.tables.endpoints.utilisation(row('b')), undefined)
  const tickets = Array.from({ length: 8 }, () => world.router.pick())
  await world.advance(6)
  assert.ok(Math.abs(world.tables.endpoints.utilisation(row('a'))! - 0.4) < 0.001)
  for (const ticket of tickets) world.router.settle(ticket, 'ok', 1)
})

test('what endpoints say of their load is written where the policy capacity reads it, and forgotten when they fall silent (SE-17, ALG-8b)', async t => {
  const world = await managed(t, { api: SERVICE })
  const [a, b] = ['a', 'b'].map(id => world.tables.rowOfId(0, id)) as [number, number]
  const { endpoints } = world.tables
  await world.advance(6)
  const ticket = world.router.pick()
  const { row } = world.router.endpoint(ticket)
  world.router.reportLoad(ticket, { cpu: 0.9, memory: 0.9 })
  world.router.settle(ticket, 'ok', 1)
  await world.advance(2)
  // Room is 0.4 × 0.1 + 0.3 × 0.1 + 0.3 × 0.5.
  assert.ok(Math.abs(endpoints.utilisation(row)! - 0.78) < 0.001)
  const rowOfPick = (): number => {
    const ticket = world.router.pick()
    world.router.settle(ticket, 'ok', 1)
    return world.router.endpoint(ticket).row
  }
  assert.deepEqual(new Set(Array.from({ length: 10 }, rowOfPick)), new Set([a, b].filter(each => each !== row)))
  // Of b another agent has read that it is quite idle; what it says of itself goes before what follows from CPU and memory.
  const said = { cpu: 1, memory: 1, network: 1, utilisation: 0.05, maxConnections: null }
  const ref = { row: b, generation: endpoints.generation(b), service: 'api', id: 'b' }
  world.plane.hear(capacityReported.of({ by: 'health-body', rows: [{ ...ref, ...said }] }))
  await world.advance(0.01)
  assert.ok(Math.abs(endpoints.utilisation(b)! - 0.05) < 0.001)
  await world.advance(40)
  assert.equal(endpoints.utilisation(b), undefined)
  // Of a what the config says is left.
  assert.equal(endpoints.utilisation(a), 0)
})

test('what an earlier incarnation wrote of an endpoint is believed for as long as any report', async t => {
  const world = await managed(t, { api: SERVICE })
  const b = world.tables.rowOfId(0, 'b')
  world.tables.endpoints.setUtilisation(b, 0.6)
  await world.plane.control.kill('resource-manager')
  await world.advance(20)
  assert.ok(Math.abs(world.tables.endpoints.utilisation(b)! - 0.6) < 0.001)
  await world.advance(20)
  assert.equal(world.tables.endpoints.utilisation(b), undefined)
})

test('a report of an endpoint that has left says nothing of who has its row now', async t => {
  const world = await managed(t, { api: SERVICE })
  const b = world.tables.rowOfId(0, 'b')
  const ref = { row: b, generation: world.tables.endpoints.generation(b) + 1, service: 'api', id: 'x' }
  const said = { cpu: 1, memory: null, network: null, utilisation: null, maxConnections: null }
  world.plane.hear(capacityReported.of({ by: 'agent', rows: [{ ...ref, ...said }] }))
  await world.advance(1)
  assert.equal(world.tables.endpoints.utilisation(b), undefined)
})
