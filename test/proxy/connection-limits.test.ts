import assert from 'node:assert/strict'
import net from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, type Origin, type Rig, startOrigin, startRig } from './rig.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
const count = (text: string, what: string): number => text.split(what).length - 1

describe('limits of downstream connections', () => {
  let origin: Origin
  let asked = 0
  let rig: Rig
  before(async () => {
    origin = await startOrigin((_, response) => {
      asked++
      response.end('ok')
    })
  })
  after(() => origin.close())
  afterEach(() => rig.close())

  it('limits.requestsPerConnection: the last request is answered with Connection: close, and no further one is taken', async () => {
    rig = await startRig([origin.url], { limits: { requestsPerConnection: 2 } })
    asked = 0
    const text = await exchangeRaw(rig.port, GET.repeat(4))
    assert.equal(count(text, 'HTTP/1.1 200 OK'), 2)
    assert.equal(count(text, 'Connection: close'), 1)
    assert.ok(text.indexOf('Connection: close') > text.lastIndexOf('HTTP/1.1'), 'the second says so')
    assert.equal(asked, 2, 'what came behind it was sent nowhere')
  })

  it('limits.requestsPerConnection follows a reload on connections that are open', async () => {
    rig = await startRig([origin.url])
    let text = ''
    const socket = net.connect(rig.port, '127.0.0.1')
    socket.on('data', chunk => (text += chunk))
    const closed = new Promise(resolve => socket.once('close', resolve))
    const ask = async (times: number): Promise<void> => {
      socket.write(GET)
      await eventually(`${times} answers`, () => count(text, 'HTTP/1.1 200') === times)
    }
    await ask(1)
    const api = { policy: 'round-robin', endpoints: [{ id: 'e0', url: origin.url }] }
    const limits = { requestsPerConnection: 1 }
    await rig.box.reload({ listen: '127.0.0.1:0', workers: 1, services: { api }, limits })
    await ask(2)
    await closed
    assert.match(text, /Connection: close/)
  })

  it('limits.connectionsPerClient closes one more of the same address, and counts it', async () => {
    rig = await startRig([origin.url], { limits: { connectionsPerClient: 2 } })
    const held = await Promise.all(Array.from({ length: 2 }, () => connected(rig.port)))
    await eventually('both are counted', () => rig.proxy.threads()[0]!.openConnections === 2)
    assert.equal(await exchangeRaw(rig.port, GET), '')
    assert.equal(rig.proxy.threads()[0]!.refusedConnections, 1)
    held[0]!.destroy()
    await eventually('there is room again', async () =>
      (await exchangeRaw(rig.port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).includes('200 OK'),
    )
    held[1]!.destroy()
  })

  it('limits.connectionsPerClient does not count a trusted proxy: it stands for many', async () => {
    rig = await startRig([origin.url], { limits: { connectionsPerClient: 1 }, trustedProxies: ['127.0.0.1/32'] })
    const held = await connected(rig.port)
    await eventually('it is counted', () => rig.proxy.threads()[0]!.openConnections === 1)
    const text = await exchangeRaw(rig.port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    assert.match(text, /200 OK/)
    held.destroy()
  })
})

describe('drain() with a delay', () => {
  it('serves on for the delay, also on new connections, and closes each after its response', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    // Far longer than what is asked meanwhile takes: it is ended by close().
    const rig = await startRig([origin.url], { drain: { delay: '60s', timeout: '1s' } })
    const held = await connected(rig.port)
    await eventually('it is there', () => rig.proxy.threads()[0]!.openConnections === 1)
    const drained = rig.proxy.drain()
    let text = ''
    held.on('data', chunk => (text += chunk))
    const over = new Promise(resolve => held.once('close', resolve))
    const fresh = await eventually('a new connection is told to close', async () => {
      const answer = await exchangeRaw(rig.port, GET, { timeoutMs: 500 })
      return answer.includes('Connection: close') ? answer : ''
    })
    assert.match(fresh, /^HTTP\/1.1 200 OK/)
    held.write(GET)
    await over
    assert.match(text, /^HTTP\/1.1 200 OK[\s\S]*Connection: close/)
    assert.deepEqual(
      rig.proxy.threads().map(({ state }) => state),
      ['serving'],
    )
    await rig.proxy.close()
    await drained
    await rig.close()
    await origin.close()
  })

  it('then refuses what is new and ends within the timeout', async () => {
    const origin = await startOrigin(() => {})
    const rig = await startRig([origin.url], { drain: { delay: '20ms', timeout: '100ms' } })
    const cut = exchangeRaw(rig.port, GET)
    await eventually('it is in flight', () => rig.box.explain('api').inflight === 1)
    await rig.proxy.drain()
    assert.equal(await cut, '', 'what hangs is cut')
    assert.deepEqual(
      rig.proxy.threads().map(({ state }) => state),
      ['stopped'],
    )
    await rig.close()
    await origin.close()
  })
})

function connected(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}
