import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { getEnvironmentData } from 'node:worker_threads'
import { attachRouter, type Box, type Control, createSignalbox, PICK, SignalboxError } from '../../engine/index.ts'

const CONFIG = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } }

/** A control plane that only tells whether it runs; `onStart` happens while it starts. */
function control(onStart: () => void = () => {}, onClose: () => void = () => {}): Control & { isRunning: boolean } {
  const self = {
    isRunning: false,
    start: async () => {
      await Promise.resolve()
      onStart()
      self.isRunning = true
      const close = async (): Promise<void> => {
        onClose()
        self.isRunning = false
      }
      return { status: () => [], kill: async () => {}, close }
    },
  }
  return self
}

async function rejection(of: Promise<unknown>): Promise<SignalboxError> {
  const error = await of.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SignalboxError, String(error))
  return error
}

test('createSignalbox() lays out the services of the config', async () => {
  const box = await createSignalbox({
    services: {
      api: { policy: 'round-robin', endpoints: [{ url: 'http://10.0.0.1:8080', weight: 2, zone: 'z1' }] },
      web: { endpoints: [] },
    },
  })
  const [api, web] = box.services()
  assert.deepEqual([api.service, api.policy, api.endpoints.length], ['api', 'round-robin', 1])
  assert.deepEqual([web.service, web.policy, web.endpoints.length], ['web', 'least-request', 0])
  const router = box.router('api')
  const { id, zone } = router.endpoint(router.pick())
  assert.deepEqual([id, zone], ['10.0.0.1:8080', 'z1'])
  await box.close()
})

test('createSignalbox() refuses a config that does not say what it must', async () => {
  const error = await rejection(createSignalbox({ services: { api: { policy: 'peek', endpoints: [] } } }))
  assert.equal(error.code, 'SBX_CONFIG_INVALID')
  assert.match(error.message, /services\.api\.policy/)
})

test('createSignalbox() has room for sessions where a service keeps them, and refuses to have none there', async () => {
  const [endpoint] = CONFIG.services.api.endpoints
  const config = { services: { api: { policy: 'sticky', endpoints: [endpoint, { ...endpoint, id: 'b' }] } } }
  const box = await createSignalbox(config)
  assert.equal(box.attachment.region.layout.affinity, 262_144)
  const router = box.router('api')
  const homes = Array.from({ length: 20 }, (_, key) => router.endpoint(router.pick(key + 1)).id)
  assert.deepEqual(
    Array.from({ length: 20 }, (_, key) => router.endpoint(router.pick(key + 1)).id),
    homes,
  )
  assert.equal(box.explain('api').sessions, 20)
  await box.close()
  const plain = await createSignalbox(CONFIG)
  assert.deepEqual([plain.attachment.region.layout.affinity, plain.explain('api').sessions], [0, 0])
  await plain.close()
  const error = await rejection(createSignalbox(config, { capacity: { affinity: 0 } }))
  assert.equal(error.code, 'SBX_REGION_FULL')
  assert.match(
    error.message,
    /^Cannot create box: service api keeps sessions and capacity\.affinity is 0, leave it out/,
  )
})

test('createSignalbox() fits a config of many services and long metadata without being told', async () => {
  const services = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s${i}`, CONFIG.services.api]))
  const many = await createSignalbox({ services })
  assert.equal(many.services().length, 100)
  await many.close()
  const endpoint = { id: 'a', url: 'http://127.0.0.1:1', metadata: { note: 'x'.repeat(600) } }
  const wide = await createSignalbox({ services: { api: { endpoints: [endpoint] } } })
  assert.equal(wide.explain('api').endpoints[0].metadata.note.length, 600)
  await wide.close()
})

test('a box that does not fit is refused and leaves no seat behind', async () => {
  const endpoints = [{ url: 'http://a.test' }, { url: 'http://b.test' }]
  const error = await rejection(createSignalbox({ services: { api: { endpoints } } }, { capacity: { rows: 1 } }))
  assert.equal(error.code, 'SBX_REGION_FULL')
  assert.equal(getEnvironmentData('signalbox'), undefined)
})

test('router() gives the same router each time', async () => {
  const box = await createSignalbox(CONFIG)
  assert.equal(box.router('api'), box.router('api'))
  await box.close()
})

test('attachRouter() works in the thread of the box, by handle and by environment', async () => {
  const box = await createSignalbox(CONFIG)
  for (const router of [attachRouter(box.handle, 'api'), attachRouter('api')]) assert.ok(router.pick() >= 0)
  assert.equal(box.explain('api').endpoints[0].inflight, 2)
  await box.close()
})

test('attachRouter() says what is missing', async () => {
  assert.throws(() => attachRouter('api'), {
    code: 'SBX_REGION_MISSING',
    message: /attachRouter\(workerData, "api"\)$/,
  })
  assert.throws(() => attachRouter(undefined, 'api'), { code: 'SBX_REGION_MISSING', message: /pass box\.handle/ })
  assert.throws(() => attachRouter({} as never), {
    code: 'SBX_SERVICE_UNKNOWN',
    message: /say attachRouter\(handle, service\)$/,
  })
  const box = await createSignalbox(CONFIG)
  assert.throws(() => attachRouter(box.handle, 'web'), { code: 'SBX_SERVICE_UNKNOWN', message: /use one of api$/ })
  await box.close()
})

test('an unknown service is refused by every door of the box', async () => {
  const box = await createSignalbox(CONFIG)
  for (const act of [() => box.router('web'), () => box.service('web'), () => box.explain('web')]) {
    assert.throws(act, {
      code: 'SBX_SERVICE_UNKNOWN',
      message: /^Cannot route to "web": there is no such service, use one of api$/,
    })
  }
  await box.close()
})

test('two boxes at once do not mix', async () => {
  const one = await createSignalbox({ services: { api: { endpoints: [{ id: 'one', url: 'http://one.test' }] } } })
  const two = await createSignalbox({ services: { api: { endpoints: [{ id: 'two', url: 'http://two.test' }] } } })
  const idOf = (box: Box): string => box.router('api').endpoint(box.router('api').pick()).id
  assert.deepEqual([idOf(one), idOf(two), idOf(one)], ['one', 'two', 'one'])
  assert.equal(one.explain('api').endpoints[0].inflight, 2)
  await one.close()
  assert.equal(idOf(two), 'two')
  assert.equal(two.explain('api').endpoints[0].inflight, 2)
  await two.close()
})

test('close() may be called as often as one likes, and by Symbol.asyncDispose', async () => {
  const box = await createSignalbox(CONFIG)
  await Promise.all([box.close(), box.close()])
  await box.close()
  await box[Symbol.asyncDispose]()
  assert.ok(box.isClosed)
})

test('`await using` closes the box at the end of its block', async () => {
  let outside: Box
  {
    await using box = await createSignalbox(CONFIG)
    outside = box
    assert.equal(box.isClosed, false)
  }
  assert.ok(outside.isClosed)
})

test('an AbortSignal closes the box', async () => {
  const abort = new AbortController()
  const plane = control()
  const box = await createSignalbox(CONFIG, { signal: abort.signal, control: plane })
  abort.abort()
  assert.ok(box.isClosed)
  await box.close()
  assert.equal(plane.isRunning, false)
})

test('an AbortSignal that was aborted before refuses the box', async () => {
  await assert.rejects(createSignalbox(CONFIG, { signal: AbortSignal.abort() }), { name: 'AbortError' })
})

test('a box that is aborted while its agents start closes them when they have', async () => {
  const abort = new AbortController()
  const plane = control(() => abort.abort())
  await createSignalbox(CONFIG, { signal: abort.signal, control: plane }).then(
    box => box.close(),
    () => {},
  )
  assert.equal(plane.isRunning, false)
})

test('agents that cannot start refuse the box, and nothing is left of it', async () => {
  const plane = control(() => {
    throw new Error('no agents today')
  })
  await assert.rejects(createSignalbox(CONFIG, { control: plane }), /no agents today/)
  assert.equal(getEnvironmentData('signalbox'), undefined)
})

test('agents that fail to close are logged, and the box closes all the same', async () => {
  const logged: string[] = []
  const plane = control(undefined, () => {
    throw new Error('stuck')
  })
  const box = await createSignalbox(CONFIG, { control: plane, log: level => logged.push(level) })
  await box.close()
  assert.ok(box.attachment.isClosed)
  assert.deepEqual(logged, ['error'])
})

test('a closed box refuses with SBX_BOX_CLOSED, and its routers answer NO_ENDPOINT', async () => {
  const box = await createSignalbox(CONFIG)
  const router = box.router('api')
  const service = box.service('api')
  await box.close()
  const calls = [() => box.router('api'), () => box.service('api'), () => box.explain('api'), () => box.services()]
  const lives = [() => service.add({ url: 'http://b.test' }), () => service.remove('a'), () => service.endpoints()]
  for (const act of [...calls, ...lives, () => service.drain('a'), () => service.setWeight('a', 2)]) {
    assert.throws(act, { code: 'SBX_BOX_CLOSED', message: /^Cannot use .*: .* was closed, create a new one$/ })
  }
  assert.equal(router.pick(), PICK.NO_ENDPOINT)
})

test('a closed box is no longer found by environment', async () => {
  const box = await createSignalbox(CONFIG)
  await box.close()
  assert.throws(() => attachRouter('api'), { code: 'SBX_REGION_MISSING' })
})

test('closing an older box leaves the younger one to be found', async () => {
  const older = await createSignalbox(CONFIG)
  const younger = await createSignalbox(CONFIG)
  await older.close()
  assert.ok(attachRouter('api').pick() >= 0)
  assert.equal(younger.explain('api').endpoints[0].inflight, 1)
  await younger.close()
})

test('a script that creates a box and does not close it ends by itself, without a word', () => {
  const door = new URL('../../engine/index.js', import.meta.url).href
  const script = `
    import { createSignalbox } from ${JSON.stringify(door)}
    const box = await createSignalbox(${JSON.stringify(CONFIG)})
    const router = box.router('api')
    router.settle(router.pick(), 'ok', 1)
    box.service('api').drain('a')`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([child.status, child.stdout, child.stderr], [0, '', ''])
})

test('a box adds no listener for signals to the process', async () => {
  const before = process.eventNames()
  const box = await createSignalbox(CONFIG)
  assert.deepEqual(process.eventNames(), before)
  await box.close()
})

test('boxes that are made at the same time draw different endpoints, and one whose control replays a run draws the same ones again', async () => {
  const endpoints = Array.from({ length: 50 }, (_, i) => ({ url: `http://127.0.0.1:${1024 + i}` }))
  const config = { services: { api: { policy: 'random', endpoints } } }
  const picked = async (options: Parameters<typeof createSignalbox>[1]): Promise<string> => {
    const box = await createSignalbox(config, options)
    const router = box.router('api')
    const ids = Array.from({ length: 5 }, () => {
      const ticket = router.pick()
      router.settle(ticket, 'ok', 1)
      return router.endpoint(ticket).id
    })
    await box.close()
    return ids.join()
  }
  const byChance = new Set<string>()
  for (let i = 0; i < 8; i++) byChance.add(await picked({}))
  assert.equal(byChance.size, 8, 'of 50 to the fifth')
  const replayed = new Set<string>()
  for (let i = 0; i < 3; i++) replayed.add(await picked({ control: { ...control(), dice: 7 } }))
  assert.equal(replayed.size, 1)
})
