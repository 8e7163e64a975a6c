import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import net from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, inflight, type Origin, type Rig, startOrigin, startRawOrigin, startRig } from './rig.ts'

const HELLO =
  'GET /chat?x=1 HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: Echo/1\r\nX-Own: 1\r\n\r\n'
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nX-Said: yes\r\n\r\n'

/** An origin that goes on with whatever `then` does once it was asked to. */
async function switchingOrigin(
  then: (socket: net.Socket) => void,
  answer = SWITCH,
): Promise<Origin & { received: () => string; sockets: net.Socket[] }> {
  const sockets: net.Socket[] = []
  const origin = await startRawOrigin(socket => {
    sockets.push(socket)
    socket.removeAllListeners('data')
    socket.write(answer)
    then(socket)
    socket.resume()
  })
  return { ...origin, sockets }
}

/** A connection by hand, and what has come on it. */
async function connect(
  rig: Rig,
  bytes: string,
): Promise<{ socket: net.Socket; text: () => string; closed: () => boolean }> {
  const socket = net.connect({ host: '127.0.0.1', port: rig.port, allowHalfOpen: true })
  let text = ''
  let isClosed = false
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.write(bytes, 'latin1')
  return { socket, text: () => text, closed: () => isClosed }
}

describe('an upgrade', () => {
  it('is routed as a request, passes bytes both ways, and is settled when it ends', async () => {
    const origin = await switchingOrigin(socket => socket.on('data', chunk => socket.write(chunk)))
    const rig = await startRig([origin.url])
    // What is said too early, in one piece with the head, is not lost.
    const { socket, text, closed } = await connect(rig, `${HELLO}early,`)
    await eventually('it comes back', () => text().endsWith('early,'))
    assert.match(
      text(),
      /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\/1\r\nX-Said: yes\r\n\r\nearly,$/,
    )
    socket.write('later')
    await eventually('it comes back', () => text().endsWith('early,later'))
    assert.match(origin.received(), /^GET \/chat\?x=1 HTTP\/1\.1\r\n/)
    assert.match(origin.received(), /\r\nupgrade: Echo\/1\r\n/i)
    assert.match(origin.received(), /\r\nX-Own: 1\r\n/)
    assert.equal(inflight(rig.box), 1)
    socket.end()
    await eventually('the origin ends, too', () => closed())
    await eventually('it is settled', () => inflight(rig.box) === 0)
    assert.equal(rig.box.explain('api').endpoints[0].totals.ok, 1)
    assert.equal(rig.box.explain('api').connections, 0)
    await rig.close()
    await origin.close()
  })

  it('that the endpoint ends is ended for the downstream, with what was said before', async () => {
    const origin = await switchingOrigin(socket => socket.end('bye'))
    const rig = await startRig([origin.url])
    const { socket, text } = await connect(rig, HELLO)
    await eventually('all has come', () => text().endsWith('bye') && socket.readableEnded)
    socket.end()
    await eventually('it is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('that breaks off breaks off on the other side', async () => {
    const origin = await switchingOrigin(() => {})
    const rig = await startRig([origin.url])
    const { socket, text } = await connect(rig, HELLO)
    await eventually('it stands', () => text().includes('101'))
    let isGone = false
    origin.sockets[0].once('close', () => {
      isGone = true
    })
    socket.resetAndDestroy()
    await eventually('the origin hears of it', () => isGone)
    await eventually('it is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('that is refused is answered with what the endpoint said, and the connection closes', async () => {
    const origin = await startOrigin((_, response) => response.writeHead(403, { 'x-why': 'no' }).end('forbidden'))
    const rig = await startRig([origin.url])
    const answer = await exchangeRaw(rig.port, HELLO)
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.match(answer, /\r\nx-why: no\r\n/)
    assert.match(answer, /\r\nConnection: close\r\n/i)
    assert.match(answer, /\r\n\r\nforbidden$|forbidden\r\n0\r\n\r\n$/)
    await rig.close()
    await origin.close()
  })

  it('to something that was not asked for is no valid answer', async () => {
    const origin = await switchingOrigin(() => {}, SWITCH.replace('echo/1', 'other'))
    const rig = await startRig([origin.url], { service: { retry: { attempts: 0 } } })
    assert.match(await exchangeRaw(rig.port, HELLO), /^HTTP\/1\.1 502 [\s\S]*\r\nx-signalbox-reason: bad-response\r\n/)
    await rig.close()
    await origin.close()
  })

  it('to an endpoint that is not there goes to another one, or is answered with 502', async () => {
    const origin = await switchingOrigin(socket => socket.end('here'))
    const rig = await startRig(['http://127.0.0.1:1', origin.url])
    for (let i = 0; i < 2; i++) assert.match(await exchangeRaw(rig.port, HELLO), /^HTTP\/1\.1 101 [\s\S]*here$/)
    await rig.close()
    await origin.close()
    const none = await startRig(['http://127.0.0.1:1'])
    assert.match(await exchangeRaw(none.port, HELLO), /^HTTP\/1\.1 502 /)
    await none.close()
  })

  it('to HTTP/2, with a body or to several protocols is passed over: the connection goes on', async () => {
    const origin = await startOrigin((request, response) => {
      let text = ''
      request.on('data', piece => {
        text += piece
      })
      request.on('end', () => response.end(`${request.method} ${request.url} ${request.headers.upgrade} ${text}`))
    })
    const rig = await startRig([origin.url])
    const fields = 'Host: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\n'
    const answer = await exchangeRaw(
      rig.port,
      `POST /a HTTP/1.1\r\n${fields}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 3\r\n\r\nabc` +
        `GET /b HTTP/1.1\r\n${fields}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n` +
        `GET /c HTTP/1.1\r\n${fields}Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n` +
        'GET /d HTTP/1.1\r\nHost: a.example\r\nConnection: close, Upgrade\r\nUpgrade: websocket, other\r\n\r\n',
      { timeoutMs: 3000 },
    )
    const bodies = answer.match(/(?:GET|POST) \/[^\r\n]*/g)
    // An upgrade behind a request that is not answered yet ends the connection after that answer, so the first may be all.
    assert.equal(bodies?.[0], 'POST /a undefined abc')
    await rig.close()
    await origin.close()
  })

  it('passed over one after the other keeps the connection', async () => {
    const origin = await startOrigin((request, response) => response.end(`${request.url} ${request.headers.upgrade}`))
    const rig = await startRig([origin.url])
    const { socket, text } = await connect(rig, '')
    for (const path of ['/a', '/b', '/c']) {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)
      await eventually('it is answered', () => text().endsWith(`${path} undefined`))
    }
    assert.equal(rig.proxy.threads()[0].openConnections, 1)
    socket.destroy()
    await rig.close()
    await origin.close()
  })

  it('through which nothing is said for upgradeIdle is ended', async () => {
    const origin = await switchingOrigin(() => {})
    const rig = await startRig([origin.url], { service: { timeouts: { upgradeIdle: '100ms' } } })
    const { socket, text } = await connect(rig, HELLO)
    await eventually('it stands', () => text().includes('101'))
    await eventually('it is ended', () => socket.readableEnded)
    socket.end()
    await eventually('it is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('passes much both ways without keeping it, where one side does not read', async () => {
    const piece = randomBytes(1 << 20)
    const origin = await switchingOrigin(socket => {
      const send = (): void => {
        while (socket.writableLength < 1 << 20) socket.write(piece)
      }
      socket.on('drain', send)
      send()
    })
    const rig = await startRig([origin.url])
    const { socket, text } = await connect(rig, HELLO)
    await eventually('it stands', () => text().includes('101'))
    socket.pause()
    const upstream = origin.sockets[0]
    let before = -1
    await eventually('the origin can send no more', async () => {
      const now = upstream.bytesWritten - upstream.writableLength
      const stands = now === before
      before = now
      await new Promise(resolve => setTimeout(resolve, 200))
      return stands
    })
    assert.ok(before < 64 << 20, `${before} bytes are on the way`)
    socket.destroy()
    await eventually('it is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })
})

describe('a WebSocket', () => {
  it('hears 1001 when the proxy drains, between two frames, and the drain is over as soon as it has answered', async () => {
    const key = randomBytes(16).toString('base64')
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const half = Buffer.alloc(10)
    let finish = (): void => {}
    const origin = await switchingOrigin(socket => {
      // A frame of 20 bytes of which 10 come at once.
      socket.write(Buffer.concat([Buffer.from([0x82, 20]), half]))
      finish = () => socket.write(half)
    }, `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    const rig = await startRig([origin.url])
    const hello = `GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
    const { socket, text, closed } = await connect(rig, hello)
    await eventually('half a frame is there', () => text().split('\r\n\r\n')[1]?.length === 12)
    const drained = rig.proxy.drain(20_000)
    await eventually('the proxy drains', () => rig.proxy.threads()[0].state === 'draining')
    assert.equal(text().split('\r\n\r\n')[1].length, 12)
    finish()
    await eventually('goodbye follows the frame', () => text().split('\r\n\r\n')[1]?.length === 26)
    assert.equal(text().slice(-4), '\x88\x02\x03\xe9')
    socket.end()
    await drained
    await eventually('it is closed', closed)
    await rig.close()
    await origin.close()
  })
})
