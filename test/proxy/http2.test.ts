import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import http2 from 'node:http2'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { ConfigInput } from '../../engine/index.ts'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import {
  DATA,
  END_STREAM,
  fields,
  frame,
  get,
  HEADERS,
  number,
  openRawSession,
  RST_STREAM,
} from '../support/http2-frames.ts'
import { ask, collect, connect } from './http2-rig.ts'
import { inflight, type Origin, type Rig, startOrigin, startRawOrigin, startRig } from './rig.ts'

let folder: CertificateFolder
let origin: Origin
/** Requests the origin was asked for, and of those the ones that were given up. */
let asked = 0
let gone = 0
/** Ends what an endless answer waits for. */
let release: (() => void)[] = []

before(async () => {
  folder = certificateFolder()
  folder.make('a', 'a.example')
  origin = await startOrigin((request, response) => {
    asked++
    response.on('close', () => {
      if (!response.writableFinished) gone++
    })
    if (request.url === '/endless') {
      response.write('begun')
      release.push(() => response.end())
    } else if (request.url === '/silent') {
      release.push(() => response.end('late'))
    } else if (request.url === '/cut') {
      response.write('part', () => response.destroy())
    } else if (request.url === '/early') {
      response.writeHead(403).end('no')
    } else if (request.url === '/trailers') {
      response.writeHead(200, { Trailer: 'grpc-status' })
      response.write('body')
      response.addTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' })
      response.end()
    } else if (request.url === '/cookies') {
      response.writeHead(
        200,
        [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['X-A', '1'],
          ['X-A', '2'],
          ['Age', '1'],
          ['Age', '2'],
        ].flat(),
      )
      response.end()
    } else if (request.url === '/hints') {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.end('after hints'))
    } else if (request.url === '/large') {
      response.writeHead(200, { 'Content-Length': 8 * 2 ** 20 }).end(Buffer.alloc(8 * 2 ** 20, 'x'))
    } else {
      let body = ''
      request.on('data', chunk => {
        body += chunk
      })
      request.on('end', () => response.end(JSON.stringify({ raw: request.rawHeaders, body, method: request.method })))
    }
  })
})
after(async () => {
  await origin.close()
  folder.remove()
})

async function startHttp2(rest: Partial<ConfigInput> & { service?: object } = {}, urls = [origin.url]): Promise<Rig> {
  const tls = { cert: folder.path('a.pem'), key: folder.path('a.key') }
  const given = { listen: { address: '127.0.0.1:0', tls }, ...rest }
  return startRig(urls, given as Parameters<typeof startRig>[1])
}

describe('HTTP/2', () => {
  it('passes a request on as HTTP/1.1 has it', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const headers = {
      ':path': '/a?b=c',
      ':authority': 'a.example',
      cookie: ['x=1', 'y=2'],
      'x-a': ['1', '2'],
      te: 'trailers',
    }
    const { status, body } = await ask(session, headers)
    assert.equal(status, 200)
    const { raw } = JSON.parse(body)
    raw.splice(raw.indexOf('X-Request-Id'), 2)
    assert.deepEqual(raw, [
      ...['Host', 'a.example', 'cookie', 'x=1; y=2'],
      ...['x-a', '1', 'x-a', '2', 'te', 'trailers'],
      ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'a.example'],
      ...['Via', '2.0 signalbox', 'Connection', 'TE'],
    ])
  })

  it('passes a body on with its length, or in chunks where none is told', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const told = JSON.parse((await ask(session, { ':method': 'POST', 'content-length': '5' }, 'hello')).body)
    assert.equal(told.body, 'hello')
    assert.ok(told.raw.includes('content-length') && !told.raw.includes('Transfer-Encoding'), told.raw)
    const chunked = JSON.parse((await ask(session, { ':method': 'PUT' }, 'hello')).body)
    assert.equal(chunked.body, 'hello')
    assert.ok(chunked.raw.includes('Transfer-Encoding'), chunked.raw)
    const empty = JSON.parse((await ask(session, { ':method': 'POST', 'content-length': '0' }, '')).body)
    assert.equal(empty.body, '')
  })

  it('gives back trailers, repeated fields and cookies, and no field of a connection', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const { body, trailers, code } = await ask(session, { ':path': '/trailers' })
    assert.deepEqual([body, trailers['grpc-status'], trailers['grpc-message'], code], ['body', '0', 'fine', 0])
    const { headers } = await ask(session, { ':path': '/cookies' })
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(headers['x-a'], '1, 2')
    assert.equal(headers.age, '1, 2')
    assert.equal(headers.connection, undefined)
  })

  it('gives back the head of HEAD, with its length and without a body', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const { status, headers, body, code } = await ask(connect(t, rig), { ':path': '/large', ':method': 'HEAD' })
    assert.deepEqual([status, headers['content-length'], body, code], [200, String(8 * 2 ** 20), '', 0])
  })

  it('passes interim responses on, and asks for a body that waits for 100 Continue', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const hints = await ask(session, { ':path': '/hints' })
    assert.deepEqual([hints.interim, hints.status, hints.body], [[103], 200, 'after hints'])
    const stream = session.request({ ':method': 'POST', expect: '100-continue', 'content-length': '2' })
    const answer = collect(stream)
    stream.on('continue', () => stream.end('ok'))
    const { body } = await answer
    assert.equal(JSON.parse(body).body, 'ok')
  })

  it('answers by itself with a reason, in the shape HTTP/2 has for it', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const cases: [http2.OutgoingHttpHeaders, number, string][] = [
      [{ ':path': '/', ':authority': 'a.example', host: 'b.example' }, 400, 'bad-host'],
      [{ ':path': 'http://b.example/', ':scheme': 'x' }, 400, 'bad-request'],
      [{ ':path': '/', ':scheme': 'x' }, 400, 'bad-request'],
      [{ ':path': '/', ':method': 'GETT' }, 400, 'bad-request'],
      [{ ':method': 'CONNECT', ':authority': 'b.example:443' }, 405, 'method-not-allowed'],
      [{ ':path': `/${'x'.repeat(17_000)}` }, 414, 'url-too-long'],
      [{ ':path': '/', 'x-a': 'x'.repeat(33_000) }, 431, 'header-too-large'],
      [Object.fromEntries(Array.from({ length: 210 }, (_, i) => [`x-${i}`, '1'])), 431, 'too-many-headers'],
    ]
    for (const [headers, status, reason] of cases) {
      const answer = await ask(session, headers)
      assert.deepEqual([answer.status, answer.headers['x-signalbox-reason']], [status, reason])
      assert.equal(answer.headers.connection, undefined)
    }
    assert.equal((await ask(session, { ':path': '/' })).status, 200)
  })

  it('resets a stream whose header is far too large, and the others go on', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`x-${i}`, '1']))
    assert.deepEqual((await ask(session, many)).code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
    assert.deepEqual(
      (await ask(session, { 'x-a': 'x'.repeat(60_000) })).code,
      http2.constants.NGHTTP2_ENHANCE_YOUR_CALM,
    )
    assert.equal((await ask(session, { ':path': '/' })).status, 200)
  })

  it('cuts a response that the upstream broke off by a reset of its stream alone', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const other = collect(session.request({ ':path': '/endless' }))
    await eventually('the other has begun', () => release.length > 0)
    const { status, body, code } = await ask(session, { ':path': '/cut' })
    assert.deepEqual([status, body, code], [200, 'part', http2.constants.NGHTTP2_INTERNAL_ERROR])
    for (const end of release.splice(0)) end()
    assert.deepEqual([(await other).body, (await other).code], ['begun', 0])
  })

  it('never ends a stream that it cuts: no END_STREAM comes before the reset', async t => {
    const broken = await startRawOrigin(socket => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', () => socket.destroy())
    })
    t.after(() => broken.close())
    const rig = await startHttp2({}, [broken.url])
    t.after(() => rig.close())
    const session = await openRawSession(rig.port)
    t.after(() => session.close())
    session.send(frame(HEADERS, 4 | END_STREAM, 1, fields(get())))
    await eventually('it is reset', () => session.find(RST_STREAM, 1))
    const of = session.frames.filter(({ stream }) => stream === 1)
    assert.deepEqual(
      of.map(({ type, flags }) => [type, type === DATA ? flags & END_STREAM : 0]),
      [
        [HEADERS, 0],
        [DATA, 0],
        [RST_STREAM, 0],
      ],
    )
  })

  it('gives up upstream what the downstream gives up, and the others go on', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const before = gone
    const stream = session.request({ ':path': '/silent' })
    const closed = collect(stream)
    await eventually('it is on its way', () => release.length > 0)
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await closed
    await eventually('the upstream is told', () => gone === before + 1)
    assert.equal((await ask(session, { ':path': '/' })).status, 200)
    assert.equal(inflight(rig.box), 0)
    release = []
  })

  it('gives up everything of a connection that is cut', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    for (let i = 0; i < 5; i++) void collect(session.request({ ':path': '/silent' }))
    await eventually('they are on their way', () => inflight(rig.box) === 5)
    session.destroy()
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
    await eventually('no connection is left', () => rig.proxy.threads()[0].openConnections === 0)
    release = []
  })

  it('answers before a body has come whole, and stops its sending without an error', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    // More than the windows of all its streams together: what is not read must be given back to the connection.
    for (let i = 0; i < 20; i++) {
      const stream = session.request({ ':path': '/early', ':method': 'POST' })
      stream.write(Buffer.alloc(60_000))
      const { status, body, code } = await collect(stream)
      assert.deepEqual([status, body, code], [403, 'no', http2.constants.NGHTTP2_NO_ERROR])
    }
    const { body } = await ask(session, { ':path': '/', ':method': 'POST' }, 'y'.repeat(60_000))
    assert.equal(JSON.parse(body).body.length, 60_000)
  })

  it('pauses the upstream while the downstream does not read, and gives it up in the end', async t => {
    const rig = await startHttp2({ service: { timeouts: { idle: '400ms' } } })
    t.after(() => rig.close())
    const session = await openRawSession(rig.port)
    t.after(() => session.close())
    // No WINDOW_UPDATE is ever sent: the window of 65,535 bytes is all that may come.
    session.send(frame(HEADERS, 4 | END_STREAM, 1, fields([...get().slice(0, 3), [':path', '/large']])))
    await eventually('it is given up', () => session.find(RST_STREAM, 1))
    const came = session.frames
      .filter(({ type }) => type === DATA)
      .reduce((sum, { payload }) => sum + payload.length, 0)
    assert.equal(came, 65_535)
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
  })

  it('forgets a response that is written and never read', async t => {
    const small = await startOrigin((_request, response) => response.end('x'.repeat(1000)))
    t.after(() => small.close())
    const rig = await startHttp2({ limits: { bodyIdle: '400ms' } }, [small.url])
    t.after(() => rig.close())
    // SETTINGS_INITIAL_WINDOW_SIZE of 0: nothing of a body may come.
    const session = await openRawSession(rig.port, Buffer.concat([Buffer.from([0, 4]), number(0)]))
    t.after(() => session.close())
    session.send(frame(HEADERS, 4 | END_STREAM, 1, fields(get())))
    await eventually('it is given up', () => session.find(RST_STREAM, 1))
    assert.equal(session.find(DATA), undefined)
  })

  it('answers 408 where a body stops to come, and the others go on', async t => {
    const rig = await startHttp2({ limits: { bodyIdle: '300ms' } })
    t.after(() => rig.close())
    const session = connect(t, rig)
    const stream = session.request({ ':method': 'POST' })
    stream.write('begun')
    const { status, headers } = await collect(stream)
    assert.deepEqual([status, headers['x-signalbox-reason']], [408, 'body-timeout'])
    assert.equal((await ask(session, { ':path': '/' })).status, 200)
  })

  it('closes a session that has nothing to do', async t => {
    const rig = await startHttp2({ limits: { keepAliveIdle: '300ms' } })
    t.after(() => rig.close())
    const session = connect(t, rig)
    const closed = new Promise(resolve => session.once('close', resolve))
    assert.equal((await ask(session, { ':path': '/' })).status, 200)
    await closed
    await eventually('no connection is left', () => rig.proxy.threads()[0].openConnections === 0)
  })

  it('closes a session whose first header begins and never ends', async t => {
    const rig = await startHttp2({ limits: { headerTimeout: '300ms' } })
    t.after(() => rig.close())
    const session = await openRawSession(rig.port)
    session.send(frame(HEADERS, END_STREAM, 1, fields(get())))
    await eventually('it is closed', () => session.isClosed)
  })

  it('drains: says GOAWAY, serves what is open and what is on the way, then closes', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    const goaway = new Promise(resolve => session.once('goaway', resolve))
    const closed = new Promise(resolve => session.once('close', resolve))
    const open = collect(session.request({ ':path': '/endless' }))
    await eventually('it has begun', () => release.length > 0)
    const drained = rig.proxy.drain(20_000)
    await goaway
    for (const end of release.splice(0)) end()
    assert.deepEqual([(await open).body, (await open).code], ['begun', 0])
    await closed
    await drained
  })

  it('ends a session after as many requests as a connection may bring', async t => {
    const rig = await startHttp2({ limits: { requestsPerConnection: 3 } })
    t.after(() => rig.close())
    const session = connect(t, rig)
    const closed = new Promise(resolve => session.once('close', resolve))
    const answers = await Promise.all([1, 2, 3].map(() => ask(session, { ':path': '/' })))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    await closed
  })

  it('is not offered where the config says so', async t => {
    const tls = { cert: folder.path('a.pem'), key: folder.path('a.key'), http2: false }
    const rig = await startHttp2({ listen: { address: '127.0.0.1:0', tls } })
    t.after(() => rig.close())
    const session = http2.connect(`https://127.0.0.1:${rig.port}`, { rejectUnauthorized: false })
    await assert.rejects(new Promise((resolve, reject) => session.once('error', reject).once('connect', resolve)))
  })

  it('is spoken with curl', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const args = [
      '--silent',
      '--insecure',
      '--http2',
      '--write-out',
      '\n%{http_version}',
      `https://127.0.0.1:${rig.port}/x`,
    ]
    const { stdout } = await promisify(execFile)('curl', args, { timeout: 20_000 })
    const [body, version] = stdout.split('\n')
    assert.equal(version, '2')
    assert.equal(JSON.parse(body).method, 'GET')
  })

  it('carries a hundred streams at once, each with its own body', async t => {
    const rig = await startHttp2()
    t.after(() => rig.close())
    const session = connect(t, rig)
    await new Promise(resolve => session.once('remoteSettings', resolve))
    const before = asked
    const bodies = Array.from({ length: 100 }, (_, i) => `body ${i} `.repeat(1000))
    const answers = await Promise.all(bodies.map(body => ask(session, { ':method': 'POST' }, body)))
    answers.forEach(({ status, body }, i) => {
      assert.equal(status, 200)
      assert.equal(JSON.parse(body).body, bodies[i])
    })
    assert.equal(asked, before + 100)
  })
})
