import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, head, inflight, startOrigin, startRawOrigin, startRig } from './rig.ts'

/** Sends so many MiB and takes back what comes, never holding more than a piece. */
function echo(url: string, mib: number): Promise<{ digest: string; rssPeak: number }> {
  const got = createHash('sha256')
  let rssPeak = 0
  return new Promise((resolve, reject) => {
    const upload = httpRequest(url, { method: 'POST', headers: { 'Content-Length': mib << 20 } })
    upload.on('error', reject)
    upload.on('response', response => {
      response.on('data', chunk => {
        got.update(chunk)
        rssPeak = Math.max(rssPeak, process.memoryUsage.rss())
      })
      response.on('end', () => resolve({ digest: got.digest('hex'), rssPeak }))
      response.on('error', reject)
    })
    let left = mib
    const write = (): void => {
      while (left > 0) {
        left--
        if (!upload.write(piece)) {
          upload.once('drain', write)
          return
        }
      }
      upload.end()
    }
    write()
  })
}

function listeningOn(server: net.Server): Promise<string> {
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  )
}

const piece = Buffer.alloc(1 << 20, 'signalbox')

describe('a body', () => {
  const MIB = 64

  it('of 64 MiB passes both ways, whole, without gathering in memory', async () => {
    const origin = await startOrigin((request, response) => {
      response.writeHead(200, { 'Content-Length': request.headers['content-length'] ?? '' })
      request.pipe(response)
    })
    const rig = await startRig([origin.url])
    const wanted = createHash('sha256')
    for (let i = 0; i < MIB; i++) wanted.update(piece)
    // Downstream, proxy and origin live in this process, and their heaps grow to working size in the first round.
    // What is held for the length of a body would show again in the second, which begins with nothing held.
    const first = await echo(`${rig.url}/echo`, MIB)
    const second = await echo(`${rig.url}/echo`, MIB)
    const digest = wanted.digest('hex')
    assert.deepEqual([first.digest, second.digest], [digest, digest])
    const grown = (second.rssPeak - first.rssPeak) >> 20
    assert.ok(grown < MIB / 2, `grew by ${grown} MiB`)
    assert.equal(inflight(rig.box), 0)
    await rig.close()
    await origin.close()
  })

  it('is not read on from the upstream while the downstream does not read', async () => {
    let sent = 0
    const origin = await startOrigin((_, response) => {
      const write = (): void => {
        while (sent < 256 << 20) {
          sent += piece.length
          if (!response.write(piece)) {
            response.once('drain', write)
            return
          }
        }
        response.end()
      }
      response.writeHead(200)
      write()
    })
    const rig = await startRig([origin.url])
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    socket.pause()
    socket.on('error', () => {})
    socket.write(head('/endless'))
    let last = -1
    await eventually('the origin is held up', async () => {
      const isStill = sent === last && sent > 0
      last = sent
      await new Promise(resolve => setTimeout(resolve, 100))
      return isStill
    })
    // Four socket buffers of the kernel, which grow to several MiB each on loopback, and what the streams hold.
    assert.ok(sent < 64 << 20, `${sent >> 20} MiB were taken`)
    socket.destroy()
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('passes on chunked, with its trailers, to HTTP/1.1', async () => {
    const origin = await startRawOrigin(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n',
    )
    const rig = await startRig([origin.url])
    const answer = await exchangeRaw(rig.port, head('/', 'TE: trailers'))
    assert.match(answer, /\r\nTransfer-Encoding: chunked\r\n/i)
    assert.match(answer, /0\r\nX-Sum: 5\r\n\r\n$/)
    const old = await exchangeRaw(rig.port, 'GET / HTTP/1.0\r\n\r\n')
    assert.ok(!/transfer-encoding/i.test(old))
    assert.match(old, /\r\n\r\nabcde$/)
    await rig.close()
    await origin.close()
  })

  it('is never sent with HEAD, 204 and 304, and the length of HEAD stays', async () => {
    const origin = await startOrigin((request, response) => {
      response.statusCode = Number(request.url?.slice(1))
      if (response.statusCode === 200) response.setHeader('Content-Length', '1234')
      response.end()
    })
    const rig = await startRig([origin.url])
    const answer = await exchangeRaw(rig.port, 'HEAD /200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(answer, /\r\nContent-Length: 1234\r\n/)
    assert.match(answer, /\r\n\r\n$/)
    for (const status of [204, 304]) {
      const empty = await exchangeRaw(rig.port, head(`/${status}`))
      assert.match(empty, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.ok(!/content-length|transfer-encoding/i.test(empty), empty)
    }
    await rig.close()
    await origin.close()
  })

  it('that comes in chunks and grows too long is answered with 413', async () => {
    const origin = await startOrigin((request, response) => {
      request.resume()
      request.on('end', () => response.end('took it'))
    })
    const rig = await startRig([origin.url], { limits: { bodyBytes: '1KiB' } })
    const chunk = `400\r\n${'x'.repeat(0x400)}\r\n`
    const post = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`
    assert.match(await exchangeRaw(rig.port, `${post}0\r\n\r\n`, { timeoutMs: 500 }), /^HTTP\/1\.1 200 /)
    assert.match(await exchangeRaw(rig.port, post + chunk), /^HTTP\/1\.1 413 [\s\S]*x-signalbox-reason: body-too-large/)
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('that stops coming is answered with 408', async () => {
    const origin = await startOrigin(request => request.resume())
    const rig = await startRig([origin.url], { limits: { bodyIdle: '200ms' } })
    const answer = await exchangeRaw(rig.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*x-signalbox-reason: body-timeout/)
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })

  it('that stops coming after the answer began breaks that off, and the endpoint is not to blame', async () => {
    const origin = await startOrigin((request, response) => {
      request.resume()
      response.writeHead(200)
      const talking = setInterval(() => response.write('on and on,'), 20)
      response.on('close', () => clearInterval(talking))
    })
    let log = ''
    const options = { onAccessLines: (lines: Uint8Array) => void (log += Buffer.from(lines).toString()) }
    const chunk = '1\r\nx\r\n'
    const post = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`
    for (const [limits, goesOn, reason] of [
      [{ bodyIdle: '200ms' }, false, 'body-timeout'],
      [{ bodyRate: '1KiB' }, true, 'body-too-slow'],
    ] as const) {
      const rig = await startRig([origin.url], { limits, options, service: { timeouts: { idle: '0s' } } })
      const socket = net.connect({ host: '127.0.0.1', port: rig.port })
      let text = ''
      let isClosed = false
      socket.on('error', () => {})
      socket.on('data', piece => (text += piece))
      socket.on('close', () => (isClosed = true))
      socket.write(post)
      const sending = goesOn ? setInterval(() => socket.write(chunk), 50) : undefined
      await eventually('it is broken off', () => isClosed, 20_000)
      clearInterval(sending)
      assert.match(text, /^HTTP\/1\.1 200 OK[\s\S]*on and on,/)
      assert.ok(!text.endsWith('0\r\n\r\n'), 'it does not look whole')
      await eventually('the request is settled', () => inflight(rig.box) === 0)
      assert.equal(rig.box.explain('api').endpoints[0].totals.abandoned, 1)
      await eventually('it is told', () => log.includes(`"reason":"${reason}"`))
      await rig.close()
    }
    await origin.close()
  })

  it('that waits for messages of an HTTP/2 endpoint that has answered may wait as long as those come', async () => {
    const server = createHttp2Server()
    server.on('stream', stream => {
      stream.on('error', () => {})
      stream.respond({ ':status': 200 })
      let beats = 0
      const beating = setInterval(() => stream.write(`${++beats};`), 50)
      stream.on('close', () => clearInterval(beating))
      stream.on('data', () => {})
      stream.on('end', () => {
        clearInterval(beating)
        stream.end('bye')
      })
    })
    const rig = await startRig([await listeningOn(server)], {
      limits: { bodyIdle: '100ms', bodyRate: '1MiB' },
      service: { protocol: 'http2' },
    })
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    let text = ''
    socket.on('data', piece => (text += piece))
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n')
    // Twenty beats take ten times the patience there is before an answer.
    await eventually('it goes on', () => text.includes('20;'), 20_000)
    socket.write('0\r\n\r\n')
    await eventually('it ends whole', () => text.endsWith('bye\r\n0\r\n\r\n'))
    socket.destroy()
    await rig.close()
    await new Promise(resolve => server.close(resolve))
  })

  it('that is refused is not listened to for ever', async () => {
    const rig = await startRig(['http://127.0.0.1:1'], { limits: { bodyBytes: '1KiB' } })
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    let text = ''
    let isClosed = false
    socket.on('error', () => {})
    socket.on('data', piece => (text += piece))
    socket.on('close', () => (isClosed = true))
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n')
    const sending = setInterval(() => socket.write('x'), 10)
    await eventually('it is closed', () => isClosed)
    clearInterval(sending)
    assert.match(text, /^HTTP\/1\.1 413 /)
    await rig.close()
  })

  it('is asked for with 100 Continue only when somebody takes it', async () => {
    const origin = await startOrigin((request, response) => {
      request.on('data', () => {})
      request.on('end', () => response.end(JSON.stringify(request.headers)))
    })
    const rig = await startRig([origin.url], { limits: { bodyBytes: '1KiB' } })
    const post = (length: number) =>
      `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`
    const refused = await exchangeRaw(rig.port, post(2000))
    assert.match(refused, /^HTTP\/1\.1 413 /)
    const answer = await new Promise<string>(resolve => {
      const socket = net.connect({ host: '127.0.0.1', port: rig.port })
      let text = ''
      socket.write(post(3))
      socket.on('data', chunk => {
        if (text === '') socket.write('abc')
        text += chunk
      })
      socket.on('close', () => resolve(text))
    })
    assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    const headers = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as IncomingHttpHeaders
    assert.equal(headers.expect, undefined)
    assert.equal(headers['content-length'], '3')
    await rig.close()
    await origin.close()
  })
})
