import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { type Box, createSignalbox, SignalboxError } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'
import { RouterThread } from '../support/router-thread.ts'

const endpoint = (id: string, weight = 1) => ({ id, url: `http://${id}.test`, weight })

function config(...ids: string[]) {
  return { services: { api: { policy: 'round-robin', endpoints: ids.map(id => endpoint(id)) } } }
}

describe('what is changed live is seen by another thread on its very next pick', () => {
  let box: Box
  let thread: RouterThread

  before(async () => {
    box = await createSignalbox(config('a', 'b'))
    thread = await RouterThread.start(box.handle)
  })
  after(async () => {
    await thread.end('return')
    await box.close()
  })

  const seen = async (): Promise<string[]> => [...new Set(await thread.picks())].map(String).sort()

  test('nothing changed yet', async () => assert.deepEqual(await seen(), ['a', 'b']))

  test('add()', async () => {
    box.service('api').add({ id: 'c', url: 'http://c.test' })
    assert.deepEqual(await seen(), ['a', 'b', 'c'])
  })

  test('remove()', async () => {
    box.service('api').remove('a')
    assert.deepEqual(await seen(), ['b', 'c'])
  })

  test('drain() and undrain()', async () => {
    const drained = box.service('api').drain('b')
    assert.deepEqual(await seen(), ['c'])
    box.service('api').undrain('b')
    await drained
    assert.deepEqual(await seen(), ['b', 'c'])
  })

  test('quarantine() and release()', async () => {
    box.service('api').quarantine('b')
    assert.deepEqual(await seen(), ['c'])
    box.service('api').release('b')
    assert.deepEqual(await seen(), ['b', 'c'])
  })

  test('setWeight() to 0 and back', async () => {
    box.service('api').setWeight('c', 0)
    assert.deepEqual(await seen(), ['b'])
    box.service('api').setWeight('c', 2)
    assert.deepEqual(await seen(), ['b', 'c'])
  })

  test('the last endpoint may go: then there is none', async () => {
    box.service('api').remove('b')
    box.service('api').remove('c')
    assert.deepEqual(await seen(), ['null'])
    box.service('api').add({ url: 'http://d.test:81' })
    assert.deepEqual(await seen(), ['d.test:81'])
  })

  test('a hundred additions and removals, each seen', async () => {
    for (let i = 0; i < 100; i++) {
      box.service('api').add(endpoint(`e${i}`))
      box.service('api').remove(i === 0 ? 'd.test:81' : `e${i - 1}`)
      assert.deepEqual(await thread.picks(1), [`e${i}`])
    }
  })
})

test('drain() resolves when what was in flight is settled, and not before', async () => {
  const box = await createSignalbox(config('a', 'b'))
  const router = box.router('api')
  const tickets = [router.pick(), router.pick()]
  let isDrained = false
  const drained = box
    .service('api')
    .drain('a')
    .then(() => {
      isDrained = true
    })
  // Several polls of drain go by while a request is in flight.
  const until = performance.now() + 60
  await eventually('some time has passed', () => performance.now() > until)
  assert.equal(isDrained, false)
  for (const ticket of tickets) router.settle(ticket, 'ok', 1)
  await eventually('it is drained', () => isDrained)
  await drained
  await box.close()
})

test('drain() waits for what another thread has in flight', async () => {
  const box = await createSignalbox(config('a'))
  const thread = await RouterThread.start(box.handle)
  await thread.hold(3)
  const drained = box.service('api').drain('a')
  assert.equal(box.explain('api').endpoints[0].inflight, 3)
  await thread.settle()
  await drained
  assert.equal(box.explain('api').endpoints[0].inflight, 0)
  await thread.end('return')
  await box.close()
})

test('drain() of an idle endpoint resolves', async () => {
  const box = await createSignalbox(config('a'))
  let isDone = false
  void box
    .service('api')
    .drain('a')
    .then(() => {
      isDone = true
    })
  await eventually('it is drained', () => isDone)
  await box.close()
})

test('drain() of an idle endpoint resolves, though nothing else keeps the process alive', () => {
  const door = new URL('../../engine/index.js', import.meta.url).href
  const script = `
    import { createSignalbox } from ${JSON.stringify(door)}
    const box = await createSignalbox(${JSON.stringify(config('a'))})
    await box.service('api').drain('a')
    await box.close()`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([child.status, child.stderr], [0, ''])
})

test('drain() resolves when it is withdrawn', async () => {
  const box = await createSignalbox(config('a'))
  box.router('api').pick()
  let isDone = false
  void box
    .service('api')
    .drain('a')
    .then(() => {
      isDone = true
    })
  box.service('api').undrain('a')
  await eventually('drain gives up', () => isDone)
  await box.close()
})

test('drain() resolves when the box is closed', async () => {
  const box = await createSignalbox(config('a'))
  box.router('api').pick()
  let isDone = false
  void box
    .service('api')
    .drain('a')
    .then(() => {
      isDone = true
    })
  await box.close()
  await eventually('drain gives up', () => isDone)
})

test('setWeight() changes the shares', async () => {
  const box = await createSignalbox({
    services: { api: { policy: 'weighted-round-robin', endpoints: [endpoint('a'), endpoint('b')] } },
  })
  box.service('api').setWeight('b', 3)
  const router = box.router('api')
  const ids = Array.from({ length: 40 }, () => router.endpoint(router.pick()).id)
  // Three to one, and the change comes in the middle of a round: within one of 30.
  assert.ok(Math.abs(ids.filter(id => id === 'b').length - 30) <= 1)
  await box.close()
})

test('endpoints() reports the endpoints as they are now', async () => {
  const box = await createSignalbox(config('a'))
  box.service('api').add(endpoint('b', 2))
  box.service('api').quarantine('a')
  const endpoints = box.service('api').endpoints()
  assert.deepEqual(
    endpoints.map(({ id, weight, isPickable, bars }) => ({ id, weight, isPickable, bars })),
    [
      { id: 'a', weight: 1, isPickable: false, bars: ['quarantined'] },
      { id: 'b', weight: 2, isPickable: true, bars: [] },
    ],
  )
  await box.close()
})

test('a live change that cannot be made changes nothing, and names state and wish', async () => {
  const box = await createSignalbox(config('a', 'b'))
  const service = box.service('api')
  const refused: [() => unknown, string, RegExp][] = [
    [
      () => service.add(endpoint('a')),
      'SBX_ENDPOINT_EXISTS',
      /^Cannot add endpoint a: api has one .* choose another id$/,
    ],
    [() => service.add({ id: 'c', url: 'not a url' }), 'SBX_ENDPOINT_INVALID', /^Cannot add endpoint:/],
    [() => service.add({ id: 'c' } as never), 'SBX_ENDPOINT_INVALID', /url/],
    [() => service.remove('x'), 'SBX_ENDPOINT_UNKNOWN', /^Cannot find endpoint "x": api has a, b$/],
    [() => service.drain('x'), 'SBX_ENDPOINT_UNKNOWN', /"x"/],
    [() => service.undrain('x'), 'SBX_ENDPOINT_UNKNOWN', /"x"/],
    [() => service.quarantine('x'), 'SBX_ENDPOINT_UNKNOWN', /"x"/],
    [() => service.setWeight('x', 1), 'SBX_ENDPOINT_UNKNOWN', /"x"/],
    [
      () => service.setWeight('a', -1),
      'SBX_ENDPOINT_INVALID',
      /^Cannot set weight of a: -1 is not a weight, use .* 0 to 65535$/,
    ],
    [() => service.setWeight('a', Number.NaN), 'SBX_ENDPOINT_INVALID', /NaN is not a weight/],
  ]
  for (const [act, code, message] of refused) {
    const before = JSON.stringify(box.explain('api'))
    assert.throws(act, error => {
      assert.ok(error instanceof SignalboxError)
      assert.equal(error.code, code)
      assert.match(error.message, message)
      return true
    })
    assert.equal(JSON.stringify(box.explain('api')), before)
  }
  await box.close()
})
