import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import net from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { deadUrl, exchangeRaw, inflight, startOrigin, startRawOrigin, startRig } from './rig.ts'

const head = (path: string, ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${fields.map(field => `${field}\r\n`).join('')}Connection: close\r\n\r\n`

describe('a request', () => {
  it('reaches the upstream as it came, but for what belongs to one connection', async () => {
    const origin = await startRawOrigin()
    const rig = await startRig([origin.url])
    const sent =
      'GET /a%2Fb/../c?x=%zz&y=1 HTTP/1.1\r\nHost: A.example:99\r\nX-One: 1\r\nConnection: close, x-hop\r\nx-hop: 1\r\nx-one: 2\r\n\r\n'
    await exchangeRaw(rig.port, sent)
    assert.equal(
      origin.received(),
      'GET /a%2Fb/../c?x=%zz&y=1 HTTP/1.1\r\nhost: A.example:99\r\nconnection: keep-alive\r\nX-One: 1\r\nx-one: 2\r\n' +
        'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: A.example:99\r\nVia: 1.1 signalbox\r\n\r\n',
    )
    await rig.close()
    await origin.close()
  })

  it('in absolute form is sent with the host of its target', async () => {
    const origin = await startRawOrigin()
    const rig = await startRig([origin.url])
    await exchangeRaw(rig.port, 'GET http://b.example/x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n')
    assert.match(origin.received(), /^GET \/x\?y HTTP\/1\.1\r\nhost: b\.example\r\n/)
    await rig.close()
    await origin.close()
  })

  it('has its chain of addresses believed only from a trusted peer', async () => {
    const origin = await startRawOrigin()
    const [plain, trusting] = await Promise.all([
      startRig([origin.url]),
      startRig([origin.url], { trustedProxies: ['127.0.0.0/8'] }),
    ])
    await exchangeRaw(plain.port, head('/', 'X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6'))
    assert.match(origin.received(), /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/)
    assert.ok(!origin.received().includes('6.6.6.6'))
    await exchangeRaw(trusting.port, head('/', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https'))
    assert.match(origin.received(), /\r\nX-Forwarded-For: 1\.2\.3\.4, 127\.0\.0\.1\r\nX-Forwarded-Proto: https\r\n/)
    await Promise.all([plain.close(), trusting.close()])
    await origin.close()
  })

  it('for the proxy itself goes no further', async () => {
    const origin = await startRawOrigin()
    const rig = await startRig([origin.url])
    const star = await exchangeRaw(rig.port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(star, /^HTTP\/1\.1 204 /)
    const zero = await exchangeRaw(
      rig.port,
      'OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n',
    )
    assert.match(zero, /^HTTP\/1\.1 204 /)
    assert.equal(origin.received(), '')
    await exchangeRaw(rig.port, 'OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\nConnection: close\r\n\r\n')
    assert.match(origin.received(), /\r\nMax-Forwards: 6\r\n/)
    await rig.close()
    await origin.close()
  })

  it('that asks for another protocol is an ordinary request in this version', async () => {
    const origin = await startRawOrigin()
    const rig = await startRig([origin.url])
    const answer = await exchangeRaw(
      rig.port,
      'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
    )
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(!/upgrade/i.test(origin.received()), origin.received())
    await rig.close()
    await origin.close()
  })

  it('whose expectation nobody knows is answered all the same', async () => {
    const origin = await startRawOrigin()
    const rig = await startRig([origin.url])
    assert.match(await exchangeRaw(rig.port, head('/', 'Expect: the-unexpected')), /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(!/expect/i.test(origin.received()), origin.received())
    await rig.close()
    await origin.close()
  })

  it('goes where its host and path say, and nowhere when no route takes it', async () => {
    const one = await startOrigin((_, response) => response.end('one'))
    const two = await startOrigin((_, response) => response.end('two'))
    const rig = await startRig([], {
      services: {
        one: { endpoints: [{ url: one.url }] },
        two: { endpoints: [{ url: two.url }] },
      },
      routes: [
        { match: { host: 'one.example' }, service: 'one' },
        { match: { path: '/two/' }, service: 'two' },
      ],
    })
    const get = (host: string, path: string) =>
      exchangeRaw(rig.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    assert.match(await get('ONE.example:1', '/two/'), /\r\n\r\n(3\r\n)?one/)
    assert.match(await get('x', '/two/x'), /\r\n\r\n(3\r\n)?two/)
    assert.match(await get('x', '/three'), /^HTTP\/1\.1 404 [\s\S]*x-signalbox-reason: no-route/)
    await rig.close()
    await Promise.all([one.close(), two.close()])
  })
})

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

describe('a response', () => {
  it('keeps reason, order, duplicates and each Set-Cookie', async () => {
    const origin = await startRawOrigin(
      'HTTP/1.1 207 Well Well\r\nX-B: 1\r\nSet-Cookie: a=1\r\nDate: yesterday\r\nSet-Cookie: b=2\r\nx-b: 2\r\nContent-Length: 2\r\n\r\nok',
    )
    const rig = await startRig([origin.url])
    assert.match(
      await exchangeRaw(rig.port, head('/')),
      /^HTTP\/1\.1 207 Well Well\r\nX-B: 1\r\nSet-Cookie: a=1\r\nDate: yesterday\r\nSet-Cookie: b=2\r\nx-b: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok$/,
    )
    await rig.close()
    await origin.close()
  })

  it('is preceded by the early hints of the upstream', async () => {
    const origin = await startRawOrigin(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    )
    const rig = await startRig([origin.url])
    assert.match(
      await exchangeRaw(rig.port, head('/')),
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    )
    assert.match(await exchangeRaw(rig.port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
    await rig.close()
    await origin.close()
  })

  it('has its head sent before its body has begun', async () => {
    let finish = (): void => {}
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.flushHeaders()
      finish = () => response.end('data: 1\n\n')
    })
    const rig = await startRig([origin.url])
    const answer = await fetch(`${rig.url}/events`)
    assert.equal(answer.status, 200)
    finish()
    assert.equal(await answer.text(), 'data: 1\n\n')
    await rig.close()
    await origin.close()
  })

  it('that breaks off reaches the downstream as broken', async () => {
    for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
      const origin = await startRawOrigin(socket => {
        socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello\r\n`)
        setTimeout(() => socket.destroy(), 20)
      })
      const rig = await startRig([origin.url])
      const answer = await fetch(`${rig.url}/`)
      assert.equal(answer.status, 200)
      await assert.rejects(answer.text())
      await eventually('the request is settled', () => inflight(rig.box) === 0)
      assert.equal(rig.box.explain('api').endpoints[0].totals.error, 1)
      await rig.close()
      await origin.close()
    }
  })

  it('that is none is answered with 502', async () => {
    const broken = [
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX y: z\r\n\r\n',
      'SSH-2.0-OpenSSH_9.2\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ]
    for (const bytes of broken) {
      const origin = await startRawOrigin(bytes)
      const rig = await startRig([origin.url])
      const answer = await exchangeRaw(rig.port, head('/'))
      assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*x-signalbox-reason: (bad-response|upstream-broke)\r\n/, bytes)
      await rig.close()
      await origin.close()
    }
  })
})

describe('a downstream that goes away', () => {
  it('takes its request along, and nothing stays in flight', async () => {
    let aborted = 0
    const origin = await startOrigin(request => {
      request.once('close', () => aborted++)
    })
    const rig = await startRig([origin.url])
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    socket.write(head('/slow'))
    await eventually('the request is in flight', () => inflight(rig.box) === 1)
    socket.destroy()
    await eventually('the origin sees it go', () => aborted === 1)
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    const { totals } = rig.box.explain('api').endpoints[0]
    assert.equal(totals.error, 0)
    await rig.close()
    await origin.close()
  })
})

describe('an endpoint', () => {
  it('is asked again on its kept connections, and loses them when it leaves', async () => {
    const ports = new Set<number | undefined>()
    let open = 0
    const origin = await startOrigin((request, response) => {
      if (!ports.has(request.socket.remotePort)) {
        open++
        request.socket.once('close', () => open--)
      }
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    const rig = await startRig([origin.url])
    for (let i = 0; i < 5; i++) assert.equal(await (await fetch(rig.url)).text(), 'ok')
    assert.equal(ports.size, 1)
    assert.equal(open, 1)
    rig.box.service('api').remove('e0')
    await eventually('its connections are closed', () => open === 0)
    await rig.close()
    await origin.close()
  })

  it('that closed a kept connection is asked again by GET on a new one', async () => {
    const origin = await startRawOrigin(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      // The next request on it finds the connection reset, with no time to notice that before.
      socket.removeAllListeners('data')
      socket.once('data', () => socket.resetAndDestroy())
    })
    const rig = await startRig([origin.url])
    for (let i = 0; i < 4; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.ok(rig.proxy.threads()[0].retries > 0)
    await rig.close()
    await origin.close()
  })
})

describe('a failing endpoint', () => {
  it('that refuses the connection costs nobody a request, whatever its method', async () => {
    const dead = await deadUrl()
    const origin = await startOrigin((request, response) => {
      request.resume()
      request.on('end', () => response.end('ok'))
    })
    const rig = await startRig([dead, origin.url])
    for (let i = 0; i < 10; i++) {
      const answer = await fetch(`${rig.url}/`, i % 2 === 0 ? {} : { method: 'POST', body: 'hello' })
      assert.equal(answer.status, 200)
      assert.equal(await answer.text(), 'ok')
    }
    assert.ok(rig.proxy.threads()[0].retries >= 1)
    await rig.close()
    await origin.close()
  })

  it('is never tried again while another is left', async () => {
    const dead = await Promise.all([deadUrl(), deadUrl()])
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([...dead, origin.url], { service: { retry: { attempts: 2 } } })
    for (let i = 0; i < 9; i++) assert.equal((await fetch(rig.url)).status, 200)
    await rig.close()
    await origin.close()
  })

  it('that breaks off without an answer is made good for GET, and for POST it is not asked twice', async () => {
    let asked = 0
    const breaking = await startRawOrigin(socket => {
      asked++
      socket.destroy()
    })
    let answered = 0
    const origin = await startOrigin((request, response) => {
      request.resume()
      answered++
      response.end('ok')
    })
    const rig = await startRig([breaking.url, origin.url])
    for (let i = 0; i < 6; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.ok(asked > 0)
    asked = 0
    answered = 0
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await fetch(rig.url, { method: 'POST', body: 'x' })).status)
    assert.deepEqual([...new Set(statuses)].sort(), [200, 502])
    assert.equal(asked + answered, 6)
    await rig.close()
    await Promise.all([origin.close(), breaking.close()])
  })

  it('without another is answered with 502, and no endpoint at all with 503', async () => {
    const rig = await startRig([await deadUrl()])
    const refused = await fetch(rig.url)
    assert.equal(refused.status, 502)
    assert.equal(refused.headers.get('x-signalbox-reason'), 'connect-failed')
    rig.box.service('api').remove('e0')
    const none = await fetch(rig.url)
    assert.equal(none.status, 503)
    assert.equal(none.headers.get('x-signalbox-reason'), 'no-endpoint')
    assert.equal(none.headers.get('retry-after'), '1')
    await rig.close()
  })

  it('that stays silent is answered with 504 after firstByte', async () => {
    let asked = 0
    const origin = await startOrigin(() => asked++)
    const rig = await startRig([origin.url, origin.url], { service: { timeouts: { firstByte: '100ms' } } })
    const answer = await fetch(rig.url)
    assert.equal(answer.status, 504)
    assert.equal(answer.headers.get('x-signalbox-reason'), 'first-byte-timeout')
    assert.equal(asked, 1)
    assert.equal(inflight(rig.box), 0)
    await rig.close()
    await origin.close()
  })

  it('is given up when the time of the whole request is over', async () => {
    const origin = await startOrigin(() => {})
    const rig = await startRig([origin.url], { service: { timeouts: { request: '100ms' } } })
    const answer = await fetch(rig.url)
    assert.equal(answer.status, 504)
    assert.equal(answer.headers.get('x-signalbox-reason'), 'request-timeout')
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })
})

describe('a connection', () => {
  it('carries several requests, pipelined ones too, in their order', async () => {
    const origin = await startOrigin((request, response) => {
      setTimeout(() => response.end(`<${request.url}>`), request.url === '/1' ? 50 : 0)
    })
    const rig = await startRig([origin.url])
    const answer = await exchangeRaw(
      rig.port,
      `GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n${head('/3')}`,
    )
    assert.deepEqual(answer.match(/<\/\d>/g), ['</1>', '</2>', '</3>'])
    await rig.close()
    await origin.close()
  })

  it('beyond the limit is refused and counted', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([origin.url], { limits: { connections: 1 } })
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    await eventually('the first is counted', () => rig.proxy.threads()[0].openConnections === 1)
    assert.equal(await exchangeRaw(rig.port, head('/')), '')
    assert.equal(rig.proxy.threads()[0].refusedConnections, 1)
    socket.destroy()
    await rig.close()
    await origin.close()
  })
})

describe('the access log', () => {
  it('tells one line a request, without the query', async () => {
    let text = ''
    const origin = await startOrigin((_, response) => response.end('hello'))
    const rig = await startRig([origin.url], {
      log: { access: true },
      options: { onAccessLines: lines => (text += lines) },
    })
    await fetch(`${rig.url}/a?secret=1`)
    await fetch(`${rig.url}/"b`, { method: 'PUT', body: 'x' })
    await eventually('both lines are there', () => text.split('\n').length === 3)
    const [first, second] = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const { time, durationMs, ...rest } = first
    assert.ok(Math.abs(time - Date.now()) < 60_000 && durationMs > 0)
    assert.deepEqual(rest, {
      level: 30,
      msg: 'request',
      method: 'GET',
      host: `127.0.0.1:${rig.port}`,
      path: '/a',
      status: 200,
      bytes: 5,
      attempts: 1,
      remote: '127.0.0.1',
      service: 'api',
      endpoint: 'e0',
    })
    assert.equal(second.path, '/%22b')
    await rig.close()
    await origin.close()
  })
})
