import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { pipeline as pipeAll } from 'node:stream/promises'
import { afterEach, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  type Dispatcher,
  getGlobalDispatcher,
  pipeline,
  request,
  setGlobalDispatcher,
  stream,
  fetch as undiciFetch,
} from 'undici'
import { createSignalbox, hashKey } from '../../engine/index.ts'
import { RoutedDispatcher } from '../../engine/undici.ts'
import { deadOrigin, named, type Rig, reports, settled, startOrigin, startRig } from './rig.ts'

/** All the ways to send a request that undici and Node know. The url names the service; where it goes is the router's. */
describe('RoutedDispatcher', () => {
  let rig: Rig
  afterEach(() => rig?.close())

  const echo = () => startOrigin((incoming, response) => void incoming.pipe(response))

  const collector = (into: Buffer[]) =>
    new Writable({
      write: (chunk, _, done) => {
        into.push(chunk)
        done()
      },
    })

  test('routes the built-in fetch, each request by a pick of its own', async () => {
    rig = await startRig([await named('a'), await named('b')])
    const get = async () => (await fetch('http://api/', through(rig.dispatcher))).text()
    assert.deepEqual([await get(), await get(), await get(), await get()].sort(), ['a', 'a', 'b', 'b'])
    assert.deepEqual(await settled(rig.box), { ok: 4 })
  })

  test("routes undici's fetch and request", async () => {
    rig = await startRig([await named('a')])
    const { dispatcher } = rig
    assert.equal(await (await undiciFetch('http://api/', { dispatcher })).text(), 'a')
    assert.equal(await (await request('http://api/', { dispatcher })).body.text(), 'a')
    assert.equal(await (await dispatcher.request({ path: '/', method: 'GET' })).body.text(), 'a')
    assert.deepEqual(await settled(rig.box), { ok: 3 })
  })

  test('routes what has no dispatcher of its own once it is the global one', async () => {
    rig = await startRig([await named('a')])
    const former = getGlobalDispatcher()
    setGlobalDispatcher(rig.dispatcher)
    try {
      assert.equal(await (await fetch('http://api/')).text(), 'a')
      assert.equal(await (await request('http://api/')).body.text(), 'a')
    } finally {
      setGlobalDispatcher(former)
    }
    assert.deepEqual(await settled(rig.box), { ok: 2 })
  })

  test('streams bodies both ways', async () => {
    rig = await startRig([await echo()])
    const { dispatcher } = rig
    const pieces = Array.from({ length: 64 }, (_, i) => Buffer.alloc(16_384, i))
    const whole = Buffer.concat(pieces)
    const collect = async (body: AsyncIterable<Uint8Array>) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
    const body = () => Readable.from(pieces, { objectMode: false })

    const answer = await request('http://api/', { method: 'POST', body: body(), dispatcher })
    assert.ok((await collect(answer.body)).equals(whole))

    const init = { ...through(dispatcher), method: 'POST', body: Readable.toWeb(body()), duplex: 'half' }
    const fetched = await fetch('http://api/', init as unknown as RequestInit)
    assert.ok(Buffer.from(await fetched.arrayBuffer()).equals(whole))

    const piped: Buffer[] = []
    await pipeAll(
      body(),
      pipeline('http://api/', { method: 'POST', dispatcher }, ({ body: back }) => back),
      collector(piped),
    )
    assert.ok(Buffer.concat(piped).equals(whole))

    const streamed: Buffer[] = []
    await stream('http://api/', { method: 'POST', body: body(), dispatcher }, () => collector(streamed))
    assert.ok(Buffer.concat(streamed).equals(whole))
    assert.deepEqual(await settled(rig.box), { ok: 4 })
  })

  test('pauses the endpoint while nobody reads', async () => {
    let written = 0
    let isFull = false
    const chunk = Buffer.alloc(65_536)
    const origin = await startOrigin((_, response) => {
      const more = (): void => {
        while (written < 64 * 2 ** 20) {
          written += chunk.length
          if (!response.write(chunk)) {
            isFull = true
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    rig = await startRig([origin])
    const { body } = await rig.dispatcher.request({ path: '/', method: 'GET' })
    // What sockets and buffers hold on the way is a few MiB; without a pause all 64 would have been taken by now.
    await new Promise<void>(resolve => {
      let last = -1
      const look = setInterval(() => {
        if (isFull && written === last) {
          clearInterval(look)
          resolve()
        }
        last = written
      }, 50)
    })
    assert.ok(written < 48 * 2 ** 20, `${written} bytes were written`)
    let read = 0
    for await (const piece of body) read += piece.length
    assert.equal(read, 64 * 2 ** 20)
    assert.deepEqual(await settled(rig.box), { ok: 1 })
  })

  test("sends the endpoint's host, the url's where preserveHost is set, and the request's own above both", async () => {
    const origin = await startOrigin(({ headers }, response) => void response.end(headers.host))
    rig = await startRig([origin])
    const preserving = new RoutedDispatcher(rig.box, 'api', { preserveHost: true })
    const ask = async (dispatcher: Dispatcher, headers?: Dispatcher.DispatchOptions['headers']): Promise<string> =>
      (await request('http://api.test:81/', { dispatcher, headers })).body.text()
    assert.equal(await ask(rig.dispatcher), new URL(origin.url).host)
    assert.equal(await ask(rig.dispatcher, { Host: 'mine' }), 'mine')
    assert.equal(await ask(preserving), 'api.test:81')
    for (const headers of [
      { 'x-a': '1' },
      ['x-a', '1'],
      new Map([['x-a', '1']]),
      new Headers({ 'x-a': '1' }) as unknown as Iterable<[string, string]>,
    ]) {
      assert.equal(await ask(preserving, headers), 'api.test:81')
    }
    for (const headers of [{ HOST: 'mine' }, ['Host', 'mine'], new Map([['host', 'mine']])]) {
      assert.equal(await ask(preserving, headers), 'mine')
    }
    assert.equal(await (await fetch('http://api.test/', through(preserving))).text(), 'api.test')
    await preserving.close()
  })

  test('hands the hash of a request to the pick', async () => {
    rig = await startRig([await named('a')])
    const router = rig.box.router('api')
    const hashes: number[] = []
    const pick = router.pick.bind(router)
    router.pick = (hash, tried) => {
      hashes.push(hash ?? 0)
      return pick(hash, tried)
    }
    for (const key of ['user-7', 12, -1]) {
      const dispatcher = new RoutedDispatcher(rig.box, 'api', { hash: () => key })
      await (await dispatcher.request({ path: '/', method: 'GET' })).body.dump()
      await dispatcher.close()
    }
    assert.deepEqual(hashes, [hashKey('user-7'), 12, 0xffffffff])
  })

  test('a hash that throws fails its request, and nothing is picked', async () => {
    rig = await startRig([await named('a')])
    const fault = new Error('no key')
    const dispatcher = new RoutedDispatcher(rig.box, 'api', {
      hash: () => {
        throw fault
      },
    })
    await assert.rejects(dispatcher.request({ path: '/', method: 'GET' }), fault)
    assert.equal(reports(rig.box)[0].totals.picked, 0)
    await dispatcher.close()
  })

  test('with no endpoint, every kind of request fails with SBX_NO_ENDPOINT', async () => {
    rig = await startRig([await named('a')])
    rig.box.service('api').quarantine('e0')
    const { dispatcher } = rig
    const expected = { code: 'SBX_NO_ENDPOINT', message: /^Cannot route to api: / }
    await assert.rejects(request('http://api/', { dispatcher }), expected)
    await assert.rejects(dispatcher.upgrade({ path: '/' }), expected)
    for (const each of [fetch, undiciFetch] as (typeof fetch)[]) {
      await assert.rejects(each('http://api/', through(dispatcher)), error => {
        assert.equal(((error as Error).cause as { code: string }).code, 'SBX_NO_ENDPOINT')
        return true
      })
    }
    rig.box.service('api').release('e0')
    assert.equal(await (await request('http://api/', { dispatcher })).body.text(), 'a')
    await rig.box.close()
    await assert.rejects(request('http://api/', { dispatcher }), { code: 'SBX_BOX_CLOSED' })
  })

  test('follows endpoints that are added, drained and removed while it runs', async () => {
    const [a, b] = [await named('a'), await named('b')]
    rig = await startRig([a, b])
    const live = rig.box.service('api')
    const get = async () => (await rig.dispatcher.request({ path: '/', method: 'GET' })).body.text()
    const seen = async () => [...new Set([await get(), await get(), await get(), await get()])].sort()
    assert.deepEqual(await seen(), ['a', 'b'])
    live.remove('e0')
    assert.deepEqual(await seen(), ['b'])
    live.add({ id: 'again', url: a.url })
    assert.deepEqual(await seen(), ['a', 'b'])
    await live.drain('e1')
    assert.deepEqual(await seen(), ['a'])
  })

  test('lets what is in flight on a removed endpoint finish, then closes its connections', async () => {
    let finish = (): void => {}
    const origin = await startOrigin((_, response) => {
      response.write('begun ')
      finish = () => void response.end('ended')
    })
    rig = await startRig([origin, await named('b')])
    const gone = new Promise(resolve =>
      rig.dispatcher.on('disconnect', ({ origin: from }) => from === origin.url && resolve(from)),
    )
    rig.box.service('api').setWeight('e1', 0)
    const { body } = await rig.dispatcher.request({ path: '/', method: 'GET' })
    rig.box.service('api').setWeight('e1', 1)
    rig.box.service('api').remove('e0')
    assert.equal(await (await rig.dispatcher.request({ path: '/', method: 'GET' })).body.text(), 'b')
    finish()
    assert.equal(await body.text(), 'begun ended')
    assert.equal(await gone, origin.url)
  })

  test('works in another thread from the handle, and keeps neither thread nor process alive', async () => {
    rig = await startRig([await named('a')])
    const doors = [new URL('../../engine/undici.js', import.meta.url), import.meta.resolve('undici')]
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const [[door, undici], handle] = workerData
       void Promise.all([import(door), import(undici)]).then(async ([{ RoutedDispatcher }, { request }]) => {
         const dispatcher = new RoutedDispatcher(handle, 'api')
         const { body } = await request('http://api/', { dispatcher })
         parentPort.postMessage(await body.text())
       })`,
      { eval: true, workerData: [doors.map(String), rig.box.handle] },
    )
    const answer = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    const ended = new Promise(resolve => worker.once('exit', resolve))
    assert.equal(await answer, 'a')
    assert.equal(await ended, 0)
    assert.deepEqual(await settled(rig.box), { ok: 1 })
  })

  test('refuses at once what it cannot be made with', async () => {
    rig = await startRig([await deadOrigin()])
    assert.throws(() => new RoutedDispatcher(rig.box, 'apy'), { code: 'SBX_SERVICE_UNKNOWN' })
    assert.throws(() => new RoutedDispatcher(rig.box, 'api', { pool: { connections: -1 } }), {
      code: 'UND_ERR_INVALID_ARG',
    })
    assert.throws(() => new RoutedDispatcher({}, 'api'), { code: /^SBX_REGION_/ } as unknown as Error)
    const closed = await createSignalbox({ services: { api: {} } })
    await closed.close()
    assert.throws(() => new RoutedDispatcher(closed, 'api'), { code: 'SBX_BOX_CLOSED' })
  })
})

/** Options of the built-in fetch, whose types know another undici's Dispatcher. */
function through(dispatcher: Dispatcher): RequestInit {
  return { dispatcher } as unknown as RequestInit
}
