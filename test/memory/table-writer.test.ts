import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Edit } from '../../engine/memory/edit.ts'
import { PUBLISHED_AT, WRITER_AT } from '../../engine/memory/layout.ts'
import { createRegion } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'
import { isWhole, peekPublished, readSlot, slotOf, slotStart, versionOf } from '../../engine/memory/slots.ts'
import { TableWriter } from '../../engine/memory/table-writer.ts'
import { PICK, Router } from '../../engine/router/router.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { Death, stepwise } from './ring-steps.ts'

const SMALL = { rows: 4, services: 2, seats: 4, textBytes: 128, outcomes: 64 }
const LIMITS = { requests: 10, connections: 0, retries: 0, endpointRequests: 0 }
const TEXT = { name: 'api', policy: { name: 'round-robin' }, panicThreshold: 0.5 }

function writerOf(region = createRegion(SMALL)): TableWriter {
  return new TableWriter(region, takeSeat(region))
}

test('edit() publishes all of a change at once', () => {
  const region = createRegion(SMALL)
  const writer = writerOf(region)
  writer.edit(edit => {
    const service = edit.putService(TEXT)
    edit.add(service, newEndpoint('a'))
    edit.add(service, newEndpoint('b'))
    assert.deepEqual(readSlot(region, peekPublished(region)).services, [], 'nothing is visible before the end')
  })
  const { version, services } = readSlot(region, peekPublished(region))
  assert.equal(version, 2)
  assert.deepEqual(services[0].rows, [0, 1])
})

test('edit() returns what the change returned', () => {
  assert.equal(
    writerOf().edit(edit => edit.putService(TEXT)),
    0,
  )
})

test('an edit that changes nothing publishes nothing', () => {
  const world = tinyWorld({ a: {} })
  const before = peekPublished(world.region)
  world.writer.edit(edit => edit.find('api'))
  world.writer.edit(edit => edit.remove(world.service, 63))
  assert.equal(peekPublished(world.region), before)
  world.close()
})

test('a writer that throws inside edit changes nothing', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const before = peekPublished(world.region)
  const ids = () => world.rows().map(row => world.attachment.endpoint(row).id)
  assert.throws(
    () =>
      world.writer.edit(edit => {
        edit.remove(world.service, world.row('a'))
        edit.add(world.service, newEndpoint('c'))
        edit.putService({ ...TEXT, policy: { name: 'weighted-round-robin' } })
        throw new Error('changed my mind')
      }),
    /changed my mind/,
  )
  assert.equal(peekPublished(world.region), before)
  assert.deepEqual(ids(), ['a', 'b'])
  assert.equal(world.region.words[WRITER_AT], 0, 'others may write')
  world.add('d')
  assert.deepEqual(ids(), ['a', 'b', 'd'])
  assert.deepEqual(new Set([world.pickId(), world.pickId(), world.pickId()]), new Set(['a', 'b', 'd']))
  world.close()
})

test('putService() gives a service of the same name its new text and keeps its rows', () => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin' })
  const index = world.writer.edit(edit => edit.putService({ ...TEXT, panicThreshold: 0 }))
  assert.equal(index, world.service)
  assert.equal(world.attachment.serviceTexts()[index].text.panicThreshold, 0)
  assert.deepEqual(world.rows(), [world.row('a')])
  world.close()
})

test('putService() refuses one service more than there is room for, and says what to do', () => {
  const writer = writerOf()
  writer.edit(edit => {
    edit.putService(TEXT)
    edit.putService({ ...TEXT, name: 'web' })
  })
  assert.throws(() => writer.edit(edit => edit.putService({ ...TEXT, name: 'third' })), {
    code: 'SBX_REGION_FULL',
    message:
      'Cannot put service third: the region has room for 2 services, create the box with a larger capacity.services',
  })
})

test('removeService() leaves routers nobody to pick, and lets them settle what is in flight', () => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin', text: { limits: LIMITS } })
  const ticket = world.router.pick()
  world.writer.edit(edit => edit.removeService(world.service))
  assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
  assert.equal(world.router.isLost, true)
  assert.equal(world.attachment.tally.inflight(0), 1)
  world.router.settle(ticket, 'ok', 1)
  assert.equal(world.attachment.tally.inflight(0), 0)
  assert.throws(() => world.attachment.findService('api'), { code: 'SBX_SERVICE_UNKNOWN', message: /the box has none/ })
  world.close()
})

test('putService() gives a removed service its place again, and its routers pick', () => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin' })
  world.services.setShedFrom(world.service, 1)
  world.writer.edit(edit => edit.removeService(world.service))
  assert.ok(world.router.pick() < 0)
  world.writer.edit(edit => {
    const index = edit.putService(TEXT)
    assert.equal(index, world.service)
    edit.add(index, newEndpoint('b', {}))
  })
  assert.equal(world.pickId(), 'b')
  assert.equal(world.services.shedFrom(world.service), 0, 'it begins anew')
  world.close()
})

test('putService() gives the place of a removed service away when there is no other, and its routers see nothing of that', () => {
  const world = tinyWorld({ a: {} }, { policy: 'round-robin', capacity: { services: 1 } })
  const ticket = world.router.pick()
  world.writer.edit(edit => edit.removeService(world.service))
  const put = (): number => world.writer.edit(edit => edit.putService({ ...TEXT, name: 'web' }))
  world.attachment.catchUp()
  assert.throws(put, { code: 'SBX_REGION_FULL' }, 'a request of it is still in flight')
  world.router.settle(ticket, 'ok', 1)
  const index = put()
  assert.equal(index, world.service)
  world.writer.edit(edit => edit.add(index, newEndpoint('b', {})))
  assert.equal(world.router.pick(), PICK.NO_ENDPOINT, 'the endpoint of another service is not for it')
  assert.equal(new Router(world.attachment, 'web').pick() >= 0, true)
  world.close()
})

test('putService() refuses a text that is too long', () => {
  const name = 'x'.repeat(1_100)
  assert.throws(() => writerOf().edit(edit => edit.putService({ ...TEXT, name })), {
    code: 'SBX_REGION_FULL',
    message: /^Cannot put service x+: its name and policy options take \d+ bytes, shorten them to 1004 /,
  })
})

test('add() refuses an endpoint whose text is too long, and nothing changes', () => {
  const world = tinyWorld({ a: {} })
  const before = peekPublished(world.region)
  const long = newEndpoint('b', { metadata: { note: 'x'.repeat(200) } })
  assert.throws(() => world.writer.edit(edit => edit.add(world.service, long)), { code: 'SBX_ENDPOINT_INVALID' })
  assert.equal(peekPublished(world.region), before)
  world.close()
})

test('add() refuses an endpoint when every row is in use, and says what to do', () => {
  const world = tinyWorld({ a: {}, b: {} }, { capacity: { rows: 2 } })
  assert.throws(() => world.add('c'), {
    code: 'SBX_REGION_FULL',
    message: /^Cannot add endpoint c: all 2 rows are in use, .* larger capacity\.rows$/,
  })
  assert.equal(world.rows().length, 2)
  world.close()
})

test('remove() takes a row out of its service and leaves the order of the others', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} })
  const [a, , c] = world.rows()
  world.remove('b')
  assert.deepEqual(world.rows(), [a, c])
  world.close()
})

test('a row is not reused while a request is in flight on it, and is when it was settled', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  const ticket = world.router.pick()
  world.remove('a')
  world.attachment.catchUp()
  assert.throws(() => world.add('b'), { code: 'SBX_REGION_FULL' })
  world.router.settle(ticket, 'ok', 1)
  world.add('b')
  assert.equal(world.pickId(), 'b')
  world.close()
})

test('a row is not reused while another thread has it in flight', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  const other = world.another()
  const router = world.routerOf(other)
  const ticket = router.pick()
  world.remove('a')
  world.attachment.catchUp()
  other.catchUp()
  assert.throws(() => world.add('b'), { code: 'SBX_REGION_FULL' })
  router.settle(ticket, 'ok', 1)
  world.add('b')
  assert.equal(router.endpoint(router.pick()).id, 'b')
  world.close()
})

test('a row is not reused while an old pin could still pick it', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  const idle = world.another()
  world.remove('a')
  world.attachment.catchUp()
  assert.throws(() => world.add('b'), { code: 'SBX_REGION_FULL' })
  idle.catchUp()
  world.add('b')
  assert.equal(world.pickId(), 'b')
  world.close()
})

test('a row is not reused by the very edit that removes it', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  assert.throws(
    () =>
      world.writer.edit(edit => {
        edit.remove(world.service, world.row('a'))
        edit.add(world.service, newEndpoint('b'))
      }),
    { code: 'SBX_REGION_FULL' },
  )
  assert.equal(world.pickId(), 'a')
  world.close()
})

test('a row that was retired five million publications ago can be used', () => {
  const world = tinyWorld({ a: {}, b: {} }, { capacity: { rows: 2 } })
  world.remove('b')
  world.catchUp()
  // All but one publication in a million are leapt over. Half the circle of 2^23 versions lies behind the removal then.
  for (let million = 1; million <= 5; million++) {
    const live = peekPublished(world.region)
    const version = million * 2 ** 20 - 1
    world.region.words[PUBLISHED_AT] = (version << 8) | slotOf(live)
    world.region.words[slotStart(world.region, slotOf(live))] = version
    world.catchUp()
    world.writer.edit(edit => edit.putService({ ...TEXT, panicThreshold: million / 10 }))
    world.catchUp()
  }
  assert.doesNotThrow(() => world.add('c'))
  world.close()
})

test('a reused row starts with no totals, no bar and weight of its own', () => {
  const world = tinyWorld({ a: { weight: 9 } }, { capacity: { rows: 1 } })
  world.router.settle(world.router.pick(), 'error', 5)
  world.bar('a', 1)
  world.remove('a')
  world.attachment.catchUp()
  const row = world.add('b', { weight: 2 })
  assert.equal(world.attachment.tally.totals(row).picked, 0)
  assert.equal(world.endpoints.bars(row), 0)
  assert.equal(world.endpoints.weight(row), 2)
  world.close()
})

test('an edit inside an edit is refused, and the outer one goes on', () => {
  const writer = writerOf()
  writer.edit(edit => {
    assert.throws(() => writer.edit(() => {}), {
      code: 'SBX_REGION_WRITER_BUSY',
      message: /by this very thread: finish that edit first$/,
    })
    edit.putService(TEXT)
  })
  assert.equal(
    writer.edit(edit => edit.find('api')),
    0,
  )
})

/** Runs an edit whose thread is terminated at `step`: from there on none of its atomic operations happens, not even in `finally`. */
function dieInEdit(writer: TableWriter, at: number, change: (edit: Edit) => void): boolean {
  try {
    stepwise(
      () => writer.edit(change),
      step => {
        if (step >= at) throw new Death()
      },
    )
    return false
  } catch (error) {
    if (error instanceof Death) return true
    throw error
  }
}

test('a dead writer keeps others out until freeSeat() clears its lease, then they go on', () => {
  const world = tinyWorld({ a: {} })
  const dying = world.another()
  // Step 2 comes right after it took the right to write.
  assert.ok(dieInEdit(dying.writer, 2, edit => edit.add(world.service, newEndpoint('b'))))
  assert.equal(world.region.words[WRITER_AT], dying.seat + 1)
  freeSeat(world.region, dying.seat)
  world.add('c')
  assert.deepEqual(new Set([world.pickId(), world.pickId()]), new Set(['a', 'c']))
  world.close()
})

test('a writer may die at any step: what is live is whole, either before or after the edit, and others write on', () => {
  let steps = 0
  for (; ; steps++) {
    const world = tinyWorld({ a: {}, b: {} })
    const dying = world.another()
    const reader = world.another()
    const before = versionOf(peekPublished(world.region))
    const died = dieInEdit(dying.writer, steps, edit => {
      edit.remove(world.service, world.row('a'))
      edit.add(world.service, newEndpoint('c'))
    })
    const live = peekPublished(world.region)
    assert.ok(isWhole(world.region, slotOf(live)), `step ${steps}`)
    const ids = world.rows().map(row => world.attachment.endpoint(row).id)
    assert.deepEqual(ids, versionOf(live) === before ? ['a', 'b'] : ['b', 'c'], `step ${steps}`)
    assert.ok(world.routerOf(reader).pick() >= 0, 'reads go on at once')

    freeSeat(world.region, dying.seat)
    world.add('d')
    assert.equal(versionOf(peekPublished(world.region)), versionOf(live) + 1)
    world.close()
    if (!died) break
  }
  assert.ok(steps > 10, `the edit has ${steps} steps`)
})

test('a writer publishes although every other seat pins a version of its own', () => {
  const world = tinyWorld({ a: {} })
  for (let seat = 1; seat < world.region.layout.seats; seat++) {
    world.another()
    world.add(`b${seat}`)
  }
  for (let publication = 0; publication < 50; publication++) {
    world.add(`c${publication}`)
    world.remove(`c${publication}`)
  }
  assert.equal(world.rows().length, world.region.layout.seats)
  world.close()
})

test('two writers in turn lose no change of the other', () => {
  const world = tinyWorld({})
  const other = world.another()
  for (let i = 0; i < 20; i++) {
    const writer = i % 2 === 0 ? world.writer : other.writer
    writer.edit(edit => edit.add(world.service, newEndpoint(`e${i}`)))
  }
  assert.equal(world.rows().length, 20)
  assert.equal(new Set(world.rows()).size, 20)
  world.close()
})
