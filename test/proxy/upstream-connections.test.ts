import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { AddressBook } from '../../engine/upstream/address-book.ts'
import { Dialer } from '../../engine/upstream/dialer.ts'
import { eventually } from '../support/eventually.ts'
import { inflight, type Origin, type Rig, startOrigin, startRawOrigin, startRig } from './rig.ts'

/** An origin that knows its connections: `opened` ever, `open` now. */
async function startCounting(t: TestContext, fields: Record<string, string> = {}) {
  const sockets = new Set<Socket>()
  let opened = 0
  const ports: (number | undefined)[] = []
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    ports.push(request.socket.remotePort)
    response.writeHead(200, fields).end('ok')
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', socket => {
    opened++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}`, opened: () => opened, open: () => sockets.size, ports }
}

async function rigOf(t: TestContext, urls: string[], service: Record<string, unknown>): Promise<Rig> {
  const rig = await startRig(urls, { service })
  t.after(() => rig.close())
  return rig
}

const get = async (rig: Rig): Promise<number> => {
  const answer = await fetch(rig.url)
  await answer.text()
  await eventually('the request is settled', () => inflight(rig.box) === 0)
  return answer.status
}

describe('connections.keepAlive', () => {
  it('closes what was idle for so long', async t => {
    const origin = await startCounting(t)
    const rig = await rigOf(t, [origin.url], { connections: { keepAlive: '50ms' } })
    await get(rig)
    await eventually('the connection is closed', () => origin.open() === 0)
    await eventually('and counted no more', () => rig.box.explain('api').connections === 0)
    assert.equal(await get(rig), 200)
  })

  it('gives way to an endpoint that says it keeps it for less', async t => {
    const origin = await startCounting(t, { 'Keep-Alive': 'timeout=2' })
    const rig = await rigOf(t, [origin.url], { connections: { keepAlive: '1h' } })
    await get(rig)
    // Two seconds less a margin of two is at once.
    await eventually('the connection is closed', () => origin.open() === 0)
  })
})

describe('connections.maxAge', () => {
  it('is the age beyond which a connection is used no more', async t => {
    const origin = await startCounting(t)
    const rig = await rigOf(t, [origin.url], { connections: { maxAge: '30ms', keepAlive: '1h' } })
    await eventually('another connection is used', async () => {
      assert.equal(await get(rig), 200)
      return origin.opened() > 2
    })
    await eventually('the old ones are closed', () => origin.open() <= 1)
    assert.ok(rig.box.explain('api').connections <= 1)
  })
})

describe('connections.maxIdle', () => {
  it('is how many are kept that nobody uses', async t => {
    const origin = await startCounting(t)
    const rig = await rigOf(t, [origin.url], { connections: { maxIdle: 1, keepAlive: '1h' } })
    await Promise.all(Array.from({ length: 8 }, () => fetch(rig.url).then(each => each.text())))
    await eventually('one is left', () => origin.open() <= 1 && rig.box.explain('api').connections <= 1)
  })
})

describe('connections.warm', () => {
  it('opens connections before the first request, which takes one of them', async t => {
    const origin = await startCounting(t)
    const rig = await rigOf(t, [origin.url], { connections: { warm: 3 } })
    await eventually('they are open', () => origin.open() === 3)
    assert.equal(rig.box.explain('api').connections, 3)
    assert.equal(await get(rig), 200)
    assert.equal(origin.opened(), 3)
    rig.box.service('api').remove('e0')
    await eventually('they are closed', () => origin.open() === 0 && rig.box.explain('api').connections === 0)
  })

  it('opens anew what has closed, and no more than the service may have', async t => {
    const origin = await startCounting(t)
    const rig = await rigOf(t, [origin.url], {
      connections: { warm: 3, keepAlive: '100ms' },
      limits: { connections: 2 },
    })
    await eventually('they were opened several times', () => origin.opened() > 4)
    assert.ok(origin.open() <= 2, `${origin.open()} open`)
    assert.ok(rig.box.explain('api').connections <= 2)
  })

  it('waits for an endpoint that is barred, and finds one that comes later', async t => {
    const [first, later] = [await startCounting(t), await startCounting(t)]
    const rig = await rigOf(t, [first.url], { connections: { warm: 1 } })
    await eventually('the first is open', () => first.open() === 1)
    rig.box.service('api').quarantine('e0')
    rig.box.service('api').add({ id: 'later', url: later.url })
    await eventually('the later one is open', () => later.open() === 1)
  })
})

describe('a kept connection that turns out closed', () => {
  /** Answers once on each connection; the next request on it finds a reset. */
  const startOnce = (): Promise<Origin & { received: () => string }> =>
    startRawOrigin(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      socket.removeAllListeners('data')
      socket.once('data', () => socket.resetAndDestroy())
    })

  it('costs an idempotent request no try, no wait and no blame', async t => {
    const origin = await startOnce()
    t.after(() => origin.close())
    // A wait would be longer than the test may take.
    const rig = await rigOf(t, [origin.url], { retry: { backOff: '10s', maxBackOff: '60s' } })
    for (const method of ['GET', 'PUT', 'GET', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(rig.url, { method })
      assert.equal(answer.status, 200, method)
      await answer.text()
      await eventually('the request is settled', () => inflight(rig.box) === 0)
    }
    assert.equal(rig.proxy.threads()[0].retries, 0)
    assert.equal(rig.box.explain('api').endpoints[0].totals.error, 0)
  })

  it('is told to who sent a POST on it: it may have been processed', async t => {
    const origin = await startOnce()
    t.after(() => origin.close())
    const rig = await rigOf(t, [origin.url], { retry: { attempts: 2, backOff: '1ms' } })
    assert.equal(await get(rig), 200)
    const answer = await fetch(rig.url, { method: 'POST', body: 'x' })
    assert.deepEqual([answer.status, answer.headers.get('x-signalbox-reason')], [502, 'upstream-broke'])
  })
})

describe('Dialer', () => {
  it('goes round the addresses of a name, and past those where nobody listens', async t => {
    const reached: string[] = []
    const origin = await startOrigin((_, response) => response.end())
    t.after(() => origin.close())
    const book = new AddressBook((_name, tell) =>
      tell(null, [
        // On Linux all of 127/8 is this machine; the origin listens on the first of them alone.
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
    )
    const dialer = new Dialer({ url: `http://api.internal:${origin.port}`, isHttp2: false, timeoutMs: 5000 }, book)
    const dial = (): Promise<Socket> =>
      new Promise((resolve, reject) => {
        const onBytes = (bytes: Buffer): boolean => heard.push(bytes.toString()) > 0
        dialer.dial((error, socket) => (socket === null ? reject(error) : resolve(socket)), onBytes)
      })
    const heard: string[] = []
    for (let i = 1; i <= 3; i++) {
      const socket = await dial()
      reached.push(socket.remoteAddress ?? '')
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await eventually('what comes is handed over', () => heard.length === i)
      socket.destroy()
    }
    assert.deepEqual(reached, ['127.0.0.1', '127.0.0.1', '127.0.0.1'])
    for (const text of heard) assert.match(text, /^HTTP\/1\.1 200 /)
  })
})
