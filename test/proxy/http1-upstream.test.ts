import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Dispatching, Taker } from '../../engine/proxy/upstreams/link.ts'
import type { Supply } from '../../engine/proxy/upstreams/supply.ts'
import { UpstreamError } from '../../engine/proxy/upstreams/upstream-error.ts'
import { eventually } from '../support/eventually.ts'
import { frontHere } from './front-here.ts'

/** An endpoint whose sockets are at hand, and the upstream to it, in this thread: so what happens in one turn of the loop can be chosen. */
async function startHere(t: TestContext) {
  const sockets: Socket[] = []
  let requests = 0
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', () => {
      requests++
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { front, attachment } = await frontHere(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const upstream = front.upstreams.of(attachment.endpoint(0), front.rules.supplies.get('api') as Supply)
  t.after(() => upstream.destroy())

  /** Sends a request, and says what is told of it. */
  const ask = (method: string): { told: string[]; error: () => unknown } => {
    const told: string[] = []
    let error: unknown
    const taker: Taker = {
      waitsSince: Number.POSITIVE_INFINITY,
      rescue: () => {},
      onMoved: () => {},
      onSent: () => void told.push('sent'),
      onHead: status => void told.push(String(status)),
      onUpgrade: () => {},
      onPiece: piece => {
        told.push(piece.toString())
        return true
      },
      onWhole: () => {
        told.push('whole')
        link?.release()
      },
      onBroken: cause => {
        told.push('broken')
        error = cause
        link?.drop()
      },
    }
    const link = upstream.take(taker, false)
    const sending: Dispatching = { path: '/', method, headers: ['Host', 'a'], body: null, upgrade: undefined }
    link?.dispatch(sending, taker)
    return { told, error: () => error }
  }
  /**
   * Has the endpoint do something, and asks before this thread has read of it, but not before it could: immediates run behind the reading
   * of sockets, timers before it, and what is put off to the end of a turn behind it.
   */
  const askBeforeReading = (method: string, doFirst: (socket: Socket) => void): Promise<ReturnType<typeof ask>> =>
    new Promise(resolve => {
      setImmediate(() => {
        doFirst(sockets[0])
        setTimeout(() => resolve(ask(method)))
        // By then it is in the kernel, and the timer is due.
        const until = performance.now() + 30
        while (performance.now() < until);
      })
    })
  return { ask, sockets, askBeforeReading, requests: () => requests }
}

const answered = ['sent', '200', 'ok', 'whole']

describe('Http1Upstream', () => {
  it('uses a connection again that was given back', async t => {
    const { ask, sockets } = await startHere(t)
    for (let i = 0; i < 3; i++) {
      const { told } = ask('GET')
      await eventually('it is answered', () => told.includes('whole'))
      assert.deepEqual(told, answered)
    }
    assert.equal(sockets.length, 1)
  })

  it('sends nothing on a connection that was closed in the turn it was taken in, and says so', async t => {
    const { ask, askBeforeReading, requests } = await startHere(t)
    const first = ask('POST')
    await eventually('it is answered', () => first.told.includes('whole'))
    const second = await askBeforeReading('POST', socket => socket.end())
    await eventually('it has failed', () => second.told.includes('broken'))
    assert.deepEqual(second.told, ['broken'])
    const error = second.error()
    assert.equal(error instanceof UpstreamError && error.flaw, 'not-processed')
    assert.equal(requests(), 1)
  })

  it('takes nothing for an answer that came before the request went out', async t => {
    const { ask, sockets, askBeforeReading } = await startHere(t)
    const first = ask('GET')
    await eventually('it is answered', () => first.told.includes('whole'))
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
    const second = await askBeforeReading('GET', socket => void socket.write(poison))
    await eventually('it has failed', () => second.told.includes('broken'))
    assert.deepEqual(second.told, ['broken'])
    const third = ask('GET')
    await eventually('another connection is used', () => third.told.includes('whole'))
    assert.deepEqual(third.told, answered)
    assert.equal(sockets.length, 2)
  })
})
