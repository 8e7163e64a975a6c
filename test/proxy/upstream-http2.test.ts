import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as askHttp1, type IncomingMessage } from 'node:http'
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import { checkEndpoint } from '../../agents/health-monitor/actions.ts'
import { RoutedDispatcher } from '../../engine/undici.ts'
import { makeAuthority } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { ECHO, listen, startH2c } from './http2-origin.ts'
import { inflight, type Rig, startOrigin, startRig } from './rig.ts'

const authority = makeAuthority()
const here = authority.sign('here', 'IP:127.0.0.1')
after(() => authority.remove())

async function rigOf(t: TestContext, urls: string[], service: Record<string, unknown> = {}): Promise<Rig> {
  const rig = await startRig(urls, { service: { protocol: 'http2', ...service } })
  t.after(() => rig.close())
  return rig
}

/** A call as gRPC makes one: a stream of pieces each way, te: trailers, status in the trailer. */
async function call(rig: Rig, path = '/echo.Echo/Say', trailers: Record<string, string> = {}) {
  const asked = askHttp1({
    port: rig.port,
    host: '127.0.0.1',
    method: 'POST',
    path,
    agent: false,
    headers: { te: 'trailers', 'content-type': 'application/grpc', 'transfer-encoding': 'chunked', trailer: 'x-sum' },
  })
  asked.addTrailers(trailers)
  asked.flushHeaders()
  asked.on('error', () => {})
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('error', reject)
  })
  answered.catch(() => {})
  return { asked, answered }
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of message) text += piece
  return text
}

const settled = (rig: Rig): Promise<unknown> => eventually('all is settled', () => inflight(rig.box) === 0)

describe('protocol: http2', () => {
  it('speaks HTTP/2 by prior knowledge to http, and by ALPN to https', async t => {
    const plain = await startH2c(t, ECHO)
    const secure = await listen(t, createSecureServer(here), 'https', ECHO)
    for (const { url } of [plain, secure]) {
      const rig = await rigOf(t, [url], url.startsWith('https') ? { tls: { ca: authority.ca } } : {})
      const answer = await fetch(`${rig.url}/a?b=c`)
      assert.equal(answer.headers.get('content-type'), 'text/plain')
      assert.equal(await answer.text(), `GET /a?b=c 127.0.0.1:${rig.port}`)
    }
  })

  it('is answered with 502 where the endpoint does not speak it', async t => {
    const plain = await startOrigin((_, response) => response.end('http1'))
    t.after(() => plain.close())
    const answer = await fetch((await rigOf(t, [plain.url])).url)
    assert.equal(answer.status, 502)
    assert.equal(answer.headers.get('x-signalbox-reason'), 'connect-failed')
  })

  it('shares one connection among many requests', async t => {
    let open = 0
    let most = 0
    const origin = await startH2c(t, stream => {
      most = Math.max(most, ++open)
      // Answered when all are there: they must be under way together.
      const timer = setInterval(() => {
        if (most < 50) return
        clearInterval(timer)
        stream.respond({ ':status': 200 })
        stream.end('ok')
      }, 5)
    })
    const rig = await rigOf(t, [origin.url])
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(rig.url).then(each => each.text())))
    assert.deepEqual([...new Set(answers)], ['ok'])
    assert.equal(origin.sessions.length, 1)
    await settled(rig)
    assert.equal(rig.box.explain('api').connections, 1)
  })

  it('opens further connections when the streams of one are used up, as many as the service may have', async t => {
    const held: ServerHttp2Stream[] = []
    const origin = await startH2c(t, stream => void held.push(stream), { settings: { maxConcurrentStreams: 2 } })
    const rig = await rigOf(t, [origin.url], { limits: { connections: 2 } })
    const first = Array.from({ length: 4 }, () => fetch(rig.url))
    await eventually('four are asked', () => held.length === 4)
    assert.equal(origin.sessions.length, 2)
    const fifth = await fetch(rig.url)
    assert.deepEqual([fifth.status, fifth.headers.get('x-signalbox-reason')], [503, 'overloaded'])
    for (const stream of held) stream.respond({ ':status': 204 }, { endStream: true })
    for (const answer of await Promise.all(first)) assert.equal(answer.status, 204)
  })

  it('keeps reason to itself, passes early hints, duplicates and each Set-Cookie', async t => {
    const origin = await startH2c(t, stream => {
      stream.additionalHeaders({ ':status': 103, link: '</x>' })
      stream.respond({ ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'x-two': ['1', '2'] })
      stream.end()
    })
    const rig = await rigOf(t, [origin.url])
    const hints: unknown[] = []
    const asked = askHttp1({ port: rig.port, host: '127.0.0.1', agent: false })
    asked.on('information', ({ statusCode, headers }) => hints.push([statusCode, headers.link]))
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 201)
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(answer.headers['x-two'], '1, 2')
    assert.deepEqual(hints, [[103, '</x>']])
    answer.resume()
  })
})

describe('a call as gRPC makes it', () => {
  it('streams both ways at once, and its trailers arrive both ways', async t => {
    let te: unknown
    let sum: unknown
    const origin = await startH2c(t, (stream, headers) => {
      te = headers.te
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('data', piece => stream.write(piece))
      stream.on('trailers', fields => {
        sum = fields['x-sum']
      })
      stream.on('end', () => stream.end())
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }))
    })
    const rig = await rigOf(t, [origin.url])
    const { asked, answered } = await call(rig, '/echo.Echo/Chat', { 'x-sum': '42' })
    const answer = await answered
    // Each piece comes back before the next is sent.
    for (const word of ['one', 'two', 'three']) {
      asked.write(word)
      const [piece] = await once(answer, 'data')
      assert.equal(String(piece), word)
    }
    asked.end()
    answer.resume()
    await once(answer, 'end')
    assert.deepEqual({ ...answer.trailers }, { 'grpc-status': '0', 'grpc-message': 'fine' })
    assert.equal(te, 'trailers')
    await eventually('the trailers of the request have come', () => sum === '42')
    await settled(rig)
    assert.equal(rig.box.explain('api').endpoints[0].totals.ok, 1)
  })

  it('carries large messages whole, with back-pressure both ways', async t => {
    const origin = await startH2c(t, stream => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const rig = await rigOf(t, [origin.url])
    const { asked, answered } = await call(rig)
    const message = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijk')
    asked.end(message)
    const answer = await answered
    const pieces: Buffer[] = []
    for await (const piece of answer) pieces.push(piece)
    assert.ok(Buffer.concat(pieces).equals(message))
    await settled(rig)
  })

  it('that fails at once has its status in the only header', async t => {
    const origin = await startH2c(t, stream => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true })
    })
    const { asked, answered } = await call(await rigOf(t, [origin.url]))
    asked.end()
    const answer = await answered
    assert.equal(answer.headers['grpc-status'], '12')
    assert.equal(await textOf(answer), '')
  })

  it('that is cancelled is cancelled at the endpoint, and its neighbours go on', async t => {
    let code = -1
    const origin = await startH2c(t, (stream, headers) => {
      stream.respond({ ':status': 200 })
      stream.write('begun')
      if (headers[':path'] === '/cancelled') stream.on('close', () => (code = stream.rstCode as number))
      else stream.on('data', () => stream.end(' and ended'))
    })
    const rig = await rigOf(t, [origin.url])
    const neighbour = await call(rig, '/neighbour')
    const whole = await neighbour.answered
    const { asked, answered } = await call(rig, '/cancelled')
    const answer = await answered
    answer.on('error', () => {})
    await once(answer, 'data')
    asked.destroy()
    await eventually('the endpoint sees it', () => code === constants.NGHTTP2_CANCEL)
    neighbour.asked.end('go on')
    assert.equal(await textOf(whole), 'begun and ended')
    assert.equal(origin.sessions.length, 1)
    await settled(rig)
  })
})

describe('an HTTP/2 endpoint', () => {
  it('that refuses a stream is asked again, even by a POST', async t => {
    let refused = 0
    const origin = await startH2c(t, stream => {
      if (refused++ === 0) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM)
        return
      }
      stream.respond({ ':status': 200 })
      stream.end('second time')
    })
    const rig = await rigOf(t, [origin.url])
    const { asked, answered } = await call(rig)
    asked.write('begun')
    const answer = await answered
    assert.equal(await textOf(answer), 'second time')
    asked.end()
    await settled(rig)
    assert.equal(rig.box.explain('api').endpoints[0].totals.error, 0)
  })

  it('that goes finishes what it has begun, and is asked the rest on a new connection', async t => {
    const held: ServerHttp2Stream[] = []
    const origin = await startH2c(t, (stream, headers, session) => {
      if (headers[':path'] === '/held') held.push(stream)
      else {
        stream.respond({ ':status': 200 })
        stream.end(`session ${session}`)
      }
    })
    const rig = await rigOf(t, [origin.url])
    const begun = fetch(`${rig.url}/held`)
    await eventually('it is asked', () => held.length === 1)
    origin.sessions[0].goaway(constants.NGHTTP2_NO_ERROR, held[0].id as number)
    await eventually('the rest goes elsewhere', async () => (await (await fetch(rig.url)).text()) === 'session 1')
    held[0].respond({ ':status': 200 })
    held[0].end('finished')
    assert.equal(await (await begun).text(), 'finished')
    await settled(rig)
  })

  it('that has closed an idle connection is asked again on a new one, even at once', async t => {
    const origin = await startH2c(t, (stream, headers, session) =>
      ECHO(stream, { ...headers, ':path': session }, session),
    )
    const rig = await rigOf(t, [origin.url], { connections: { keepAlive: '1h' }, retry: { attempts: 0 } })
    for (let i = 0; i < 3; i++) {
      assert.equal((await fetch(rig.url)).status, 200)
      origin.sessions.at(-1)?.destroy()
    }
    assert.equal(origin.sessions.length, 3)
  })

  it('that resets a stream before its answer is a broken one, after it a broken answer', async t => {
    const origin = await startH2c(t, (stream, headers) => {
      if (headers[':path'] === '/late') {
        stream.respond({ ':status': 200 })
        stream.write('begun')
        setImmediate(() => stream.destroy(new Error('internal error')))
      } else stream.destroy(new Error('internal error'))
    })
    const rig = await rigOf(t, [origin.url], { retry: { attempts: 0 } })
    const early = await fetch(rig.url, { method: 'POST', body: 'x' })
    assert.deepEqual([early.status, early.headers.get('x-signalbox-reason')], [502, 'upstream-broke'])
    await early.text()
    await assert.rejects(fetch(`${rig.url}/late`).then(each => each.text()))
    await settled(rig)
  })

  it('that is silent has the time it is given, and the connection stays', async t => {
    const origin = await startH2c(t, (stream, headers) => {
      if (headers[':path'] !== '/silent') ECHO(stream, headers, 0)
    })
    const rig = await rigOf(t, [origin.url], { timeouts: { firstByte: '50ms' }, retry: { attempts: 0 } })
    const late = await fetch(`${rig.url}/silent`)
    assert.deepEqual([late.status, late.headers.get('x-signalbox-reason')], [504, 'first-byte-timeout'])
    await late.text()
    assert.equal((await fetch(rig.url)).status, 200)
    // Another may be there by now: it was asked whether it is alive, and avoided until it said so.
    assert.equal(origin.sessions[0].destroyed, false)
  })

  it('that is silent from the first byte on is no endpoint', async t => {
    const { createServer: createSilent } = await import('node:net')
    const silent = createSilent(socket => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => silent.close())
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const rig = await rigOf(t, [url], { timeouts: { connect: '100ms' }, retry: { attempts: 0 } })
    const answer = await fetch(rig.url)
    assert.deepEqual([answer.status, answer.headers.get('x-signalbox-reason')], [504, 'connect-timeout'])
  })

  it('is checked over HTTP/2, and reached by a RoutedDispatcher', async t => {
    const origin = await startH2c(t, ECHO)
    const edge = {
      attachment: undefined as never,
      now: () => Math.floor(performance.now()),
      later: () => () => {},
      signal: new AbortController().signal,
    }
    const params = { row: 1, generation: 1, round: 0, url: origin.url, path: '/', timeoutMs: 5000 }
    const { verdict } = await checkEndpoint.run({ ...params, upstream: { isHttp2: true } }, edge)
    assert.equal(verdict, 'passed')
    assert.equal((await checkEndpoint.run(params, edge)).verdict, 'failed')
    const rig = await rigOf(t, [origin.url])
    await using dispatcher = new RoutedDispatcher(rig.box, 'api')
    const { statusCode, body } = await dispatcher.request({ origin: 'http://x', path: '/y', method: 'GET' })
    assert.equal(statusCode, 200)
    assert.match(await body.text(), /^GET \/y /)
  })
})
