import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agents } from '../../../agents/index.ts'
import { thisMachine } from '../../../agents/kit/machine.ts'
import { sheddingRequested } from '../../../agents/signals.ts'
import { lateness, limitsOf, resourceUsage } from '../../../agents/skills/resources/resource-usage.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import { createSignalbox, PICK } from '../../../engine/index.ts'
import { eventually } from '../../support/eventually.ts'
import { managed } from './managed.ts'

const ENDPOINTS = {
  endpoints: [
    { id: 'a', url: 'http://127.0.0.1:1' },
    { id: 'b', url: 'http://127.0.0.1:2' },
  ],
}

test('memory beyond its threshold: cheap requests are turned away within a second, and no more are let in than there were (AG-8, SK-23)', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  const tickets = Array.from({ length: 40 }, () => world.pick('critical'))
  await world.advance(3)
  assert.equal(world.held(), '- -')
  world.machine.memory = 0.9
  await world.advance(1)
  assert.equal(world.held(), 'sheddable 40')
  assert.equal(world.pick('sheddable'), PICK.SHED)
  assert.equal(world.pick('critical'), PICK.OVERLOADED)
  // Tighter, a step every three seconds: 30, 22 …; critical is not shed, for the config does not say it may.
  await world.advance(6)
  assert.equal(world.held(), 'sheddable-plus 22')
  for (const ticket of tickets) world.router.settle(ticket, 'ok', 1)
  assert.ok(world.pick('critical') >= 0)
  // Below the threshold it gets no tighter; after half a minute what was turned away last comes back first.
  world.machine.memory = 0.8
  await world.advance(29)
  const tight = world.held()
  const seen = new Set<string>()
  for (let second = 0; second < 60; second++) {
    await world.advance(1)
    seen.add(world.held())
  }
  assert.equal([...seen].at(-1), '- -', [...seen].join(' · '))
  assert.equal([...seen][0], tight)
  assert.deepEqual([...seen].slice(-3), ['sheddable-plus -', 'sheddable -', '- -'])
  assert.deepEqual(
    world.told('memory').map(line => JSON.parse(line.slice(line.indexOf('{'))).isOver),
    [true, false],
  )
})

test('one reading beyond a threshold holds for half a minute, gets no tighter, and is over then, though use stays near the threshold', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  Array.from({ length: 40 }, () => world.pick('critical'))
  world.machine.memory = 0.75
  await world.advance(3)
  world.machine.memory = 0.86
  await world.advance(1)
  world.machine.memory = 0.75
  assert.equal(world.held(), 'sheddable 40')
  await world.advance(27)
  assert.equal(world.held(), 'sheddable 40')
  await world.advance(20)
  assert.equal(world.held(), '- -')
})

test('the throttle goes by the most that was in flight of late, and leaves each service its part, also one that was idle or is new', async t => {
  const world = await managed(t, { api: ENDPOINTS, shop: ENDPOINTS })
  await world.advance(4)
  const tickets = Array.from({ length: 40 }, () => world.pick('critical'))
  await world.advance(6)
  // At the moment itself nothing happens to be in flight.
  for (const ticket of tickets) world.router.settle(ticket, 'ok', 1)
  await world.advance(15)
  world.machine.memory = 0.9
  await world.advance(1)
  assert.deepEqual([world.held(0), world.held(1)], ['sheddable 40', 'sheddable 20'])
  await world.advance(3)
  assert.deepEqual([world.held(0), world.held(1)], ['sheddable-plus 30', 'sheddable-plus 15'])
  await world.box.reload({ services: { api: ENDPOINTS, shop: ENDPOINTS, blog: ENDPOINTS } })
  await world.advance(1)
  assert.deepEqual([0, 1, 2].map(world.held), ['sheddable-plus 30', 'sheddable-plus 10', 'sheddable-plus 10'])
})

test('CPU beyond its threshold counts after three seconds, sheds what is cheap, and caps nobody', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  await world.advance(2)
  world.machine.busy = 2
  await world.advance(2)
  assert.equal(world.held(), '- -')
  await world.advance(10)
  assert.equal(world.held(), 'sheddable-plus -')
  world.machine.busy = 0.2
  await world.advance(29)
  assert.equal(world.held(), 'sheddable-plus -')
  await world.advance(10)
  assert.equal(world.held(), '- -')
})

test('a service is shed for others for as long as they ask, and the operator has a word of his own', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  const ask = (from: string, by: string, forMs: number) =>
    world.plane.hear(sheddingRequested.of({ service: 'api', from, by, forMs }))
  ask('sheddable-plus', 'load-balancer', 5_000)
  ask('critical-plus', 'nobody', 5_000)
  ask('no-class', 'nobody', 5_000)
  await world.advance(0.01)
  assert.equal(world.held(), 'sheddable-plus -')
  world.box.service('api').shed('sheddable')
  assert.equal(world.held(), 'sheddable-plus -')
  await world.advance(6)
  assert.equal(world.held(), 'sheddable -')
  world.box.service('api').shed(null)
  ask('critical', 'orchestrator', 60_000)
  await world.advance(0.01)
  assert.equal(world.held(), 'critical -')
  ask('critical', 'orchestrator', 0)
  await world.advance(0.01)
  assert.equal(world.held(), '- -')
})

test('another incarnation goes on from what is turned away, and lets it back by steps', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  Array.from({ length: 20 }, () => world.pick('critical'))
  await world.advance(2)
  world.machine.memory = 0.95
  await world.advance(4)
  assert.equal(world.held(), 'sheddable-plus 15')
  await world.plane.control.kill('resource-manager')
  world.machine.memory = 0.2
  await world.advance(0.5)
  assert.equal(world.held(), 'sheddable-plus 15')
  await world.advance(40)
  assert.equal(world.held(), '- -')
})

test('what was shed of one service for a wish is shed of that one alone after a restart, until the wish would be over', async t => {
  const world = await managed(t, { api: ENDPOINTS, shop: ENDPOINTS, blog: ENDPOINTS })
  const shed = () => [0, 1, 2].map(service => world.tables.services.shedFrom(service))
  world.plane.hear(sheddingRequested.of({ service: 'api', from: 'sheddable', by: 'load-balancer', forMs: 60_000 }))
  await world.advance(2)
  const [api] = shed()
  assert.ok(api! > 0)
  assert.deepEqual(shed(), [api, 0, 0])
  await world.plane.control.kill('resource-manager')
  await world.advance(5)
  assert.deepEqual(shed(), [api, 0, 0])
  await world.advance(30)
  assert.deepEqual(shed(), [0, 0, 0])
})

test('what is short is told again now and then, and by another incarnation once it has looked for long enough', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  const told = world.judged
  await world.advance(3)
  world.machine.memory = 0.95
  await world.advance(32)
  assert.deepEqual(told, [['memory']])
  await world.plane.control.kill('resource-manager')
  world.machine.memory = 0.2
  // Memory was enough from the first look of the new one on: nobody else is left who could say so.
  await world.advance(28)
  assert.deepEqual(told, [['memory']])
  await world.advance(5)
  assert.deepEqual(told, [['memory'], []])
})

test('other limits in a reload are measured by at once', async t => {
  const world = await managed(t, { api: ENDPOINTS })
  await world.advance(3)
  assert.equal(world.held(), '- -')
  await world.box.reload({
    services: { api: ENDPOINTS },
    agents: { 'resource-manager': { limits: { memory: '256MiB' } } },
  })
  // Half a GiB is used.
  await world.advance(3)
  assert.match(world.held(), /^sheddable/)
})

test('resource usage is told as shares of what may be used, since the look before (SE-3)', () => {
  const config = validateConfig({
    services: { api: {} },
    limits: { connections: 500 },
    agents: { 'resource-manager': { limits: { memory: '2GiB' } } },
  })
  assert.deepEqual(limitsOf(config), { memoryBytes: 2 ** 31, sockets: 1_000 })
  const use = {
    cpuUs: 0,
    cores: 4,
    rssBytes: 2 ** 30,
    memoryBytesMax: 2 ** 33,
    heapBytes: 7,
    files: 250,
    filesMax: 4_096,
  }
  const late = (...counts: number[]) => Int32Array.from({ length: 12 }, (_, i) => counts[i] ?? 0)
  const setup = { config, configVersion: 1, now: 0, bootMs: 0, incarnation: 1, seed: 1 }
  const first = resourceUsage.perceive(resourceUsage.start(setup), { use, late: late(-5, 0, 2 ** 31 - 1) }, -1_000)
  assert.deepEqual(first.readings, [])
  const now = { use: { ...use, cpuUs: 2_000_000 }, late: late(93, 1, -(2 ** 31)) }
  // Two seconds of CPU time in one second of four cores; of a hundred ticks one was 2 … 3 ms late, and the word has wrapped.
  const [reading] = resourceUsage.perceive(first.memory, now, 0).readings
  assert.deepEqual(reading!.data, {
    ...{ cpu: 0.5, memory: 0.5, sockets: 0.25, loopDelayUsP99: 1_000, rssBytes: 2 ** 30, heapBytes: 7 },
  })
  assert.equal(lateness(late(0), late(0), 0.99), 0)
  assert.equal(lateness(late(0), late(98, 0, 2), 0.99), 3)
})

test('in a thread of its own, on this machine, it sheds when the process has more memory than it may (AG-8)', async t => {
  const config = { services: { api: ENDPOINTS }, agents: { 'resource-manager': { limits: { memory: '1MiB' } } } }
  const box = await createSignalbox(config, { control: agents })
  t.after(() => box.close())
  await eventually('it sheds', () => box.explain('api').shedFrom !== null)
  await eventually('and lets no more in than it can bear', () => box.explain('api').admitted > 0)
})

test('this machine says what this process uses', () => {
  const { cpuUs, cores, rssBytes, memoryBytesMax, heapBytes, files, filesMax } = thisMachine.use()
  assert.ok(cpuUs > 0 && cores >= 1)
  assert.ok(heapBytes > 0 && rssBytes > heapBytes && memoryBytesMax > rssBytes)
  assert.ok(process.platform !== 'linux' || (files >= 3 && filesMax >= files), `${files} of ${filesMax}`)
})
