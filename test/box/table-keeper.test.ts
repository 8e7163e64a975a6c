import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { TableBuilder } from '../../engine/box/table-builder.ts'
import { type Box, createSignalbox, hashKey, reportText, SignalboxError } from '../../engine/index.ts'
import { isTableWhole, readTable, tableWords } from '../../engine/memory/choice-tables.ts'
import { readClock } from '../../engine/memory/clock.ts'
import { createRegion, handleOf } from '../../engine/memory/region.ts'
import { peekPublished, serviceTable, slotOf, versionOf } from '../../engine/memory/slots.ts'
import { rowOfTicket } from '../../engine/memory/ticket.ts'
import { buildMaglev } from '../../engine/policies/tables/maglev.ts'
import { buildRing } from '../../engine/policies/tables/ring-hash.ts'
import { eventually } from '../support/eventually.ts'

const endpoint = (i: number, weight = 1) => ({ id: `e${i}`, url: `http://e${i}.test`, weight })
const endpoints = (count: number) => Array.from({ length: count }, (_, i) => endpoint(i, 1 + (i % 3)))

const configOf = (policy: object | string, count: number) => ({
  services: { other: { endpoints: [endpoint(0)] }, api: { policy: policy as string, endpoints: endpoints(count) } },
})

/** The live table of service api, and who is in it. */
function tableOf(box: Box) {
  const { region, endpoints: rows, ...attachment } = box.attachment
  box.attachment.catchUp()
  const at = serviceTable(region, slotOf(peekPublished(region)), box.attachment.findService('api').index)
  assert.notEqual(at, 0, 'there is a table')
  assert.ok(isTableWhole(region, at))
  const table = readTable(region, at)
  const ids = Array.from(table.tickets, ticket => box.attachment.endpoint(rowOfTicket(ticket)).id)
  return { at, ids, ...table, rows, attachment }
}

const version = (box: Box): number => versionOf(peekPublished(box.attachment.region))

/** The keeper has looked a few times. */
async function someTicks(box: Box): Promise<void> {
  const since = readClock(box.attachment.region)
  await eventually('the clock has ticked', () => readClock(box.attachment.region) - since > 60)
}

test('createSignalbox() resolves with the tables its policies read, built by a thread of their own', async () => {
  const box = await createSignalbox(configOf('maglev', 9))
  const { ids, entries } = tableOf(box)
  assert.deepEqual(box.explain('api').table, { entries: 65_537, members: 9 })
  assert.match(reportText(box.explain('api')), /^ {2}table of 65537 entries over 9 endpoints$/m)
  assert.equal(box.explain('other').table, null)
  const members = endpoints(9).map(({ id, weight }) => ({ key: id, weight }))
  assert.deepEqual(
    ids,
    members.map(({ key }) => key),
  )
  assert.deepEqual(Array.from(entries), Array.from(buildMaglev(members, 65_537)))
  await box.close()
})

test('add(), remove() and setWeight() renew a small table in the same edit: the next pick reads it', async () => {
  const box = await createSignalbox(configOf('ring-hash', 3))
  const api = box.service('api')
  const before = version(box)
  api.add(endpoint(3, 2))
  assert.deepEqual(tableOf(box).ids, ['e0', 'e1', 'e2', 'e3'])
  api.remove('e1')
  assert.deepEqual(tableOf(box).ids, ['e0', 'e2', 'e3'])
  api.setWeight('e0', 3)
  const { points, entries } = tableOf(box)
  const ring = buildRing(
    [
      { key: 'e0', weight: 3 },
      { key: 'e2', weight: 3 },
      { key: 'e3', weight: 2 },
    ],
    { min: 1024, max: 8_388_608 },
  )
  assert.deepEqual([Array.from(points!), Array.from(entries)], [Array.from(ring.points), Array.from(ring.members)])
  assert.equal(version(box), before + 3, 'one publication each')
  await box.close()
})

test('a weight of a schedule counts from the next period on, at once', async () => {
  const box = await createSignalbox({
    services: {
      api: { policy: { name: 'weighted-round-robin', schedule: 'smooth' }, endpoints: [endpoint(0), endpoint(1)] },
    },
  })
  box.service('api').setWeight('e0', 3)
  const router = box.router('api')
  const picked = Array.from({ length: 8 }, () => router.endpoint(router.pick()).id)
  assert.equal(picked.filter(id => id === 'e0').length, 6)
  await box.close()
})

test('a large table follows the structure a moment later, and until then leads to nobody who has left', async () => {
  const box = await createSignalbox(configOf('maglev', 5))
  const api = box.service('api')
  const router = box.router('api')
  const { at } = tableOf(box)
  api.remove('e2')
  assert.equal(tableOf(box).at, at, 'the table is still the old one')
  for (let i = 0; i < 500; i++) {
    const ticket = router.pick(hashKey(`k${i}`))
    assert.notEqual(router.endpoint(ticket).id, 'e2')
    router.settle(ticket, 'ok')
  }
  await eventually('a table without e2 is published', () => !tableOf(box).ids.includes('e2'))
  assert.notEqual(tableOf(box).at, at)
  await box.close()
})

test('any number of changes make one or two more builds, not as many', async () => {
  const box = await createSignalbox(configOf('maglev', 5))
  const before = version(box)
  for (let i = 100; i < 300; i++) box.service('api').add(endpoint(i))
  await eventually('the table has all', () => tableOf(box).ids.length === 205)
  await someTicks(box)
  const builds = version(box) - before - 200
  assert.ok(builds >= 1 && builds <= 3, `${builds} builds`)
  await box.close()
})

test('a table changes with weights and structure, and not with health', async () => {
  const box = await createSignalbox(configOf('maglev', 5))
  const { at } = tableOf(box)
  const before = version(box)
  box.service('api').quarantine('e1')
  await box.service('api').drain('e2')
  await someTicks(box)
  assert.equal(tableOf(box).at, at)
  assert.equal(version(box), before)
  box.service('api').setWeight('e3', 5)
  await eventually('the weight is in the table', () => tableOf(box).weightsQ8[3] === 5 * 256)
  await box.close()
})

test('an endpoint of weight 0 is in no table, and a service of none has no table and no pick', async () => {
  const box = await createSignalbox(configOf({ name: 'maglev', size: 101 }, 2))
  const api = box.service('api')
  api.setWeight('e0', 0)
  assert.deepEqual(tableOf(box).ids, ['e1'])
  api.remove('e1')
  assert.ok(box.router('api').pick(1) < 0)
  api.setWeight('e0', 1)
  await eventually('it is in the table again', () => tableOf(box).ids[0] === 'e0')
  assert.ok(box.router('api').pick(1) >= 0)
  await box.close()
})

test('a region that is too small for the first table is refused, with what it takes', async () => {
  const create = createSignalbox(configOf('maglev', 5), { capacity: { choices: 200_000 } })
  await assert.rejects(create, (error: unknown) => {
    assert.ok(error instanceof SignalboxError && error.code === 'SBX_REGION_FULL')
    const bytes = tableWords(5, 65_537, 0) * 4
    assert.match(
      error.message,
      new RegExp(`^Cannot build the choice table of service api: it takes ${bytes} bytes, .*capacity.choices$`),
    )
    return true
  })
})

test('a region without room for tables places keys by score and takes turns by stride', async () => {
  const box = await createSignalbox(configOf('maglev', 5), { capacity: { choices: 0 } })
  const router = box.router('api')
  const { row } = router.endpoint(router.pick(hashKey('a')))
  for (let i = 0; i < 20; i++) assert.equal(router.endpoint(router.pick(hashKey('a'))).row, row)
  await box.close()
})

test('a table that has outgrown its room gives way to scores, so that newcomers are picked, and that is said', async () => {
  const said: string[] = []
  // Three tables of 30 members: header 16, 60 of members, 51 of entries, together 8 lines of 64 bytes.
  const choices = 3 * 8 * 64
  const box = await createSignalbox(configOf({ name: 'maglev', size: 101 }, 30), {
    capacity: { choices },
    log: (_, message) => said.push(message),
  })
  assert.equal(tableOf(box).ids.length, 30)
  for (let i = 30; i < 40; i++) box.service('api').add(endpoint(i))
  await eventually('the table is dropped', () => said.length > 0)
  assert.match(said[0], /^Cannot build the choice table of service api: .*; until then its policy does without$/)
  const router = box.router('api')
  const picked = new Set(Array.from({ length: 2000 }, (_, i) => router.endpoint(router.pick(hashKey(`k${i}`))).id))
  assert.equal(picked.size, 40)
  await someTicks(box)
  assert.equal(said.length, 1)
  await box.close()
})

test('a box without a policy that reads tables has no room for any', async () => {
  const box = await createSignalbox(configOf('least-request', 5))
  assert.equal(box.attachment.region.layout.choices, 0)
  await box.close()
})

test('close() ends a build that is under way', async () => {
  const box = await createSignalbox(configOf({ name: 'maglev', size: 655_373 }, 5))
  box.service('api').add(endpoint(9))
  await someTicks(box)
  await box.close()
  await box.close()
})

test('a signal that aborts while the first table is built ends it', async () => {
  const stop = new AbortController()
  const created = createSignalbox(configOf({ name: 'maglev', size: 5_000_011 }, 5), { signal: stop.signal })
  setImmediate(() => stop.abort())
  const box = await created
  assert.ok(box.isClosed)
})

test('a process ends by itself although its box built tables and was not closed', () => {
  const script = `
    import { createSignalbox } from ${JSON.stringify(new URL('../../engine/index.js', import.meta.url).href)}
    const box = await createSignalbox(${JSON.stringify(configOf('maglev', 5))})
    process.stdout.write(box.router('api').pick(1) >= 0 ? 'picked' : 'not picked')`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(child.status, 0, child.stderr)
  assert.equal(child.stdout, 'picked')
})

test('a building thread that cannot start is said, and the table is built here', async () => {
  const faults: unknown[] = []
  const builder = new TableBuilder(error => faults.push(error), new URL('./no-such-thread.js', import.meta.url))
  const region = createRegion({ rows: 4, services: 1, seats: 2, choices: 10_000 })
  const members = {
    keys: ['a', 'b'],
    tickets: Int32Array.of(1 << 16, (1 << 16) | 1),
    weightsQ8: Int32Array.of(256, 256),
  }
  const at = region.layout.choicesAt
  const task = { handle: handleOf(region), at, words: 200, spec: { name: 'maglev', size: 101 } as const, members }
  await builder.build(task)
  assert.ok(isTableWhole(region, at))
  assert.equal(readTable(region, at).entries.length, 101)
  assert.equal(faults.length, 1)
  await builder.close()
})
