import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { Outcome } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'
import {
  type Counts,
  deadOrigin,
  named,
  type Origin,
  outcomes,
  type Rig,
  type RigOptions,
  reports,
  settled,
  settlements,
  startOrigin,
  startRawOrigin,
  startRig,
} from './rig.ts'

/** Every way a request can end settles its ticket once, with what it says of the endpoint. */
describe('RoutedDispatcher settles exactly once', () => {
  let rig: Rig
  afterEach(() => rig.close())

  async function before(origin: Origin, options?: RigOptions): Promise<Dispatcher.RequestOptions> {
    rig = await startRig([origin], options)
    return { path: '/', method: 'GET' }
  }
  /** `finest`: the words themselves, in order; the totals know no finer word than error. */
  const expect = async (counts: Counts, ...finest: Outcome[]): Promise<void> => {
    assert.deepEqual(await settled(rig.box), counts)
    assert.equal(
      settlements(rig.box),
      Object.values(counts).reduce((sum, count) => sum + count, 0),
    )
    if (finest.length > 0) assert.deepEqual(outcomes(rig.box), finest)
  }

  test('an answer below 500 as ok, when its last byte has come', async () => {
    let finish = (): void => {}
    const options = await before(
      await startOrigin((_, response) => {
        response.write('first')
        finish = () => void response.end('last')
      }),
    )
    const { body } = await rig.dispatcher.request(options)
    assert.equal(reports(rig.box)[0].inflight, 1)
    finish()
    assert.equal(await body.text(), 'firstlast')
    await expect({ ok: 1 })
    assert.ok(reports(rig.box)[0].totals.latencyUsSum > 0)
  })

  test('404 as ok, 500 as error, 502 to 504 as gateway', async () => {
    const options = await before(
      await startOrigin(({ url }, response) => void response.writeHead(Number(url?.slice(1))).end()),
    )
    for (const path of ['/404', '/500', '/502', '/503', '/504', '/505']) {
      await (await rig.dispatcher.request({ ...options, path })).body.dump()
    }
    await expect({ ok: 1, error: 5 }, 'ok', 'error', 'gateway', 'gateway', 'gateway', 'error')
  })

  test('a 503 whose body nobody wants as gateway', async () => {
    const options = await before(await startOrigin((_, response) => void response.writeHead(503).write('endless')))
    const { body } = await rig.dispatcher.request(options)
    body.on('error', () => {})
    body.destroy()
    await expect({ error: 1 }, 'gateway')
  })

  test('HEAD, 204 and 304 as ok', async () => {
    const options = await before(
      await startOrigin(({ url }, response) => {
        if (url === '/') response.setHeader('content-length', 5)
        response.writeHead(Number(url?.slice(1)) || 200).end()
      }),
    )
    for (const each of [{ method: 'HEAD' }, { path: '/204' }, { path: '/304' }]) {
      assert.equal(await (await rig.dispatcher.request({ ...options, ...each })).body.text(), '')
    }
    await expect({ ok: 3 })
  })

  test('a response with trailers as ok, and hands them on', async () => {
    const options = await before(
      await startOrigin((_, response) => {
        response.setHeader('trailer', 'x-sum')
        response.write('body')
        response.addTrailers({ 'x-sum': '4' })
        response.end()
      }),
    )
    const { body, trailers } = await rig.dispatcher.request(options)
    await body.text()
    assert.deepEqual({ ...trailers }, { 'x-sum': '4' })
    await expect({ ok: 1 })
  })

  test('an interim response passes on, and the final one counts', async () => {
    const options = await before(
      await startOrigin((_, response) => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.writeHead(500).end())
      }),
    )
    const seen: number[] = []
    const { body } = await rig.dispatcher.request({ ...options, onInfo: ({ statusCode }) => seen.push(statusCode) })
    await body.dump()
    assert.deepEqual(seen, [103])
    await expect({ error: 1 })
  })

  test('an endpoint nobody listens at as unreachable', async () => {
    const options = await before(await deadOrigin())
    await assert.rejects(rig.dispatcher.request(options), { code: 'ECONNREFUSED' })
    await expect({ error: 1 }, 'unreachable')
  })

  test('every request that waits for one connection to a dead endpoint as unreachable', async () => {
    const options = await before(await deadOrigin(), { pool: { connections: 1 } })
    const all = await Promise.allSettled([1, 2, 3].map(() => rig.dispatcher.request(options)))
    assert.deepEqual(
      all.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    await expect({ error: 3 }, 'unreachable', 'unreachable', 'unreachable')
  })

  test('a connection cut before the head as unreachable', async () => {
    const options = await before(await startRawOrigin(socket => void socket.once('data', () => socket.destroy())))
    await assert.rejects(rig.dispatcher.request(options), { code: 'UND_ERR_SOCKET' })
    await expect({ error: 1 }, 'unreachable')
  })

  test('a connection cut within the body as error', async () => {
    const options = await before(
      await startRawOrigin(socket =>
        socket.once('data', () => {
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        }),
      ),
    )
    const { body } = await rig.dispatcher.request(options)
    await assert.rejects(body.text())
    await expect({ error: 1 }, 'error')
  })

  test('an answer that is not HTTP as error', async () => {
    const options = await before(
      await startRawOrigin(socket => void socket.once('data', () => socket.end('what?\r\n\r\n'))),
    )
    await assert.rejects(rig.dispatcher.request(options))
    await expect({ error: 1 }, 'error')
  })

  test('no head in time as timeout', async () => {
    const options = await before(await startOrigin(() => {}), { pool: { headersTimeout: 20 } })
    await assert.rejects(rig.dispatcher.request(options), { code: 'UND_ERR_HEADERS_TIMEOUT' })
    await expect({ timeout: 1 })
  })

  test('a body that stops as timeout', async () => {
    const options = await before(await startOrigin((_, response) => void response.write('half')), {
      pool: { bodyTimeout: 20 },
    })
    const { body } = await rig.dispatcher.request(options)
    await assert.rejects(body.text(), { code: 'UND_ERR_BODY_TIMEOUT' })
    await expect({ timeout: 1 })
  })

  test('a connection that does not come about in time as timeout', async () => {
    const options = await before(await named('never reached'), {
      pool: {
        connect: (_, done) =>
          void setImmediate(() => done(Object.assign(new Error('slow'), { code: 'UND_ERR_CONNECT_TIMEOUT' }), null)),
      },
    })
    await assert.rejects(rig.dispatcher.request(options), { code: 'UND_ERR_CONNECT_TIMEOUT' })
    await expect({ timeout: 1 })
  })

  test('the timeouts of the service are the ones of its pools', async () => {
    const options = await before(await startOrigin(() => {}), { timeouts: { firstByte: '20ms' } })
    await assert.rejects(rig.dispatcher.request(options), { code: 'UND_ERR_HEADERS_TIMEOUT' })
    await expect({ timeout: 1 })
  })

  test('an abort before the head as abandoned', async () => {
    const ending = new AbortController()
    const options = await before(await startOrigin(() => ending.abort()))
    await assert.rejects(rig.dispatcher.request({ ...options, signal: ending.signal }), { name: 'AbortError' })
    await expect({ abandoned: 1 })
  })

  test('an abort within the body as abandoned', async () => {
    const options = await before(await startOrigin((_, response) => void response.write('half')))
    const ending = new AbortController()
    const { body } = await rig.dispatcher.request({ ...options, signal: ending.signal })
    ending.abort()
    await assert.rejects(body.text())
    await expect({ abandoned: 1 })
  })

  test('an abort before anything was sent as abandoned', async () => {
    const options = await before(await named('a'))
    await assert.rejects(rig.dispatcher.request({ ...options, signal: AbortSignal.abort() }), { name: 'AbortError' })
    await expect({ abandoned: 1 })
  })

  test("a time limit of the caller's that passes before the head as timeout", async () => {
    const options = await before(await startOrigin(() => {}))
    await assert.rejects(rig.dispatcher.request({ ...options, signal: AbortSignal.timeout(20) }), {
      name: 'TimeoutError',
    })
    await expect({ timeout: 1 })
  })

  test("a time limit of the caller's that passes within the body as abandoned", async () => {
    const options = await before(await startOrigin((_, response) => void response.write('half')))
    const ending = new AbortController()
    const { body } = await rig.dispatcher.request({ ...options, signal: ending.signal })
    ending.abort(new DOMException('late', 'TimeoutError'))
    await assert.rejects(body.text(), { name: 'TimeoutError' })
    await expect({ abandoned: 1 })
  })

  test('a request undici does not take as abandoned', async () => {
    const options = await before(await named('a'))
    const headers = { 'transfer-encoding': 'chunked' }
    await assert.rejects(rig.dispatcher.request({ ...options, headers }), { code: 'UND_ERR_INVALID_ARG' })
    await expect({ abandoned: 1 })
  })

  test('a request body that breaks as abandoned, even with the error of a socket', async () => {
    const options = await before(await startOrigin(incoming => void incoming.resume()))
    const gone = Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    const broken = (): Readable =>
      Readable.from(
        (async function* () {
          yield 'half'
          throw gone
        })(),
        { objectMode: false },
      )
    await assert.rejects(rig.dispatcher.request({ ...options, method: 'POST', body: broken() }), gone)
    await expect({ abandoned: 1 })
  })

  test('a connection cut while the request body goes out as error', async () => {
    const options = await before(
      await startRawOrigin(socket => void socket.once('data', () => socket.resetAndDestroy())),
    )
    let isOpen = true
    const endless = Readable.from(
      (async function* () {
        while (isOpen) {
          yield Buffer.alloc(16_384)
          await pause(1)
        }
      })(),
      { objectMode: false },
    )
    await assert.rejects(rig.dispatcher.request({ ...options, method: 'POST', body: endless }))
    isOpen = false
    await expect({ error: 1 })
  })

  test('a handler that throws as abandoned, whatever it throws', async () => {
    const options = await before(await startOrigin((_, response) => void response.write('body')))
    const fault = Object.assign(new Error('mine'), { code: 'ECONNRESET' })
    for (const at of ['onResponseStart', 'onResponseData'] as const) {
      const caught = await new Promise(resolve =>
        rig.dispatcher.dispatch(options, {
          onRequestStart: () => {},
          [at]: () => {
            throw fault
          },
          onResponseError: (_, error) => resolve(error),
        }),
      )
      assert.equal(caught, fault)
    }
    await expect({ abandoned: 2 })
  })

  test('a handler that throws at the end as what the answer was', async () => {
    const options = await before(await named('done'))
    const fault = new Error('mine')
    const end = (): never => {
      throw fault
    }
    for (const way of ['callbacks', 'methods']) {
      const caught = await new Promise(resolve => {
        const handler =
          way === 'methods'
            ? {
                onRequestStart: () => {},
                onResponseEnd: end,
                onResponseError: (_: unknown, error: Error) => resolve(error),
              }
            : { onConnect: () => {}, onHeaders: () => true, onData: () => true, onComplete: end, onError: resolve }
        rig.dispatcher.dispatch(options, handler)
      })
      assert.equal(caught, fault)
    }
    await expect({ ok: 2 })
  })

  test('a response that is refused by its content length as error', async () => {
    const options = await before(
      await startRawOrigin(socket =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc')
        }),
      ),
    )
    await assert.rejects(async () => (await rig.dispatcher.request(options)).body.text())
    await expect({ error: 1 })
  })

  test('an upgraded connection as ok, when it closes', async () => {
    const options = await before(
      await startOrigin(
        () => {},
        socket => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
          socket.pipe(socket)
        },
      ),
    )
    const { socket } = await rig.dispatcher.upgrade({ ...options, protocol: 'echo' })
    socket.write('hello')
    const [echo] = await once(socket, 'data')
    assert.equal(String(echo), 'hello')
    assert.equal(reports(rig.box)[0].inflight, 1)
    socket.end()
    await expect({ ok: 1 })
  })

  test('an upgrade that is refused as abandoned, or a failure from 500 on', async () => {
    const options = await before(
      await startRawOrigin(socket =>
        socket.once('data', head => {
          const status = /\/(\d+)/.exec(String(head))?.[1]
          socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`)
        }),
      ),
    )
    for (const path of ['/404', '/503']) await assert.rejects(rig.dispatcher.upgrade({ ...options, path }))
    await expect({ abandoned: 1, error: 1 }, 'abandoned', 'gateway')
  })

  test('what destroy() ends as abandoned, sent or waiting', async () => {
    const options = await before(await startOrigin(() => {}), { pool: { connections: 1 } })
    const fault = new Error('over')
    const all = Promise.allSettled([1, 2, 3].map(() => rig.dispatcher.request(options)))
    await eventually('they are in flight', () => reports(rig.box)[0].inflight === 3)
    await rig.dispatcher.destroy(fault)
    assert.deepEqual(
      (await all).map(each => each.status === 'rejected' && each.reason),
      [fault, fault, fault],
    )
    await expect({ abandoned: 3 })
  })

  test('hundreds at once, of every kind', async () => {
    const options = await before(
      await startOrigin((incoming, response) => {
        const kind = Number(incoming.url?.slice(1)) % 4
        if (kind === 0) response.end('ok')
        else if (kind === 1) response.writeHead(500).end()
        else if (kind === 2) incoming.socket.destroy()
        else response.write('never ends')
      }),
      { pool: { connections: 16 } },
    )
    const each = async (n: number): Promise<void> => {
      const { body } = await rig.dispatcher.request({ ...options, path: `/${n}` })
      if (n % 4 === 3) body.on('error', () => {}).destroy()
      else await body.dump()
    }
    await Promise.allSettled(Array.from({ length: 400 }, (_, n) => each(n)))
    // A quarter each; the kinds that answer 500 and that cut the connection are both errors.
    await expect({ ok: 100, error: 200, abandoned: 100 })
  })
})
