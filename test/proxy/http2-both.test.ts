import assert from 'node:assert/strict'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { type Answer, type H2Origin, startH2c } from './http2-origin.ts'
import { ask, collect, connect } from './http2-rig.ts'
import { inflight, type Rig, startRig } from './rig.ts'

let folder: CertificateFolder
before(() => {
  folder = certificateFolder()
  folder.make('a', 'a.example')
})
after(() => folder.remove())

/** A proxy that speaks HTTP/2 on both sides: over TLS to its downstreams, in plain text to this endpoint. */
async function start(t: TestContext, answer: Answer, service: object = {}): Promise<{ rig: Rig; origin: H2Origin }> {
  const origin = await startH2c(t, answer)
  const listen = { address: '127.0.0.1:0', tls: { cert: folder.path('a.pem'), key: folder.path('a.key') } }
  const config = { listen, service: { protocol: 'http2', ...service } } as Parameters<typeof startRig>[1]
  const rig = await startRig([origin.url], config)
  t.after(() => rig.close())
  return { rig, origin }
}

const settled = (rig: Rig): Promise<unknown> => eventually('all is settled', () => inflight(rig.box) === 0)

const BIG = 64 * 2 ** 20
/** What may lie between two ends of which one does not read: windows and buffers of three hops. */
const BETWEEN = 16 * 2 ** 20

/** Writes zeros as long as there is room for them; tells how many there were. */
function pour(stream: { write(chunk: Buffer): boolean; once(event: 'drain', then: () => void): unknown; end(): void }) {
  const piece = Buffer.alloc(64 * 1024)
  const poured = { bytes: 0 }
  const more = (): void => {
    while (poured.bytes < BIG) {
      poured.bytes += piece.length
      if (!stream.write(piece)) {
        stream.once('drain', more)
        return
      }
    }
    stream.end()
  }
  more()
  return poured
}

/** Waits until this number has not grown for a while. */
async function standsStill(poured: { bytes: number }): Promise<void> {
  let last = -1
  let since = 0
  await eventually('it stands still', () => {
    if (poured.bytes !== last) since = performance.now()
    last = poured.bytes
    return last > 0 && performance.now() - since > 500
  })
}

describe('HTTP/2 on both sides', () => {
  it('holds a downstream back whose endpoint does not read, and loses nothing', async t => {
    let asked: ServerHttp2Stream | undefined
    let bytes = 0
    const { rig } = await start(t, stream => {
      asked = stream
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        stream.end(String(bytes))
      })
    })
    const stream = connect(t, rig).request({ ':method': 'POST' })
    const answer = collect(stream)
    const poured = pour(stream)
    await eventually('it is asked', () => asked)
    await standsStill(poured)
    assert.ok(poured.bytes < BETWEEN, `${poured.bytes}`)
    asked?.on('data', chunk => {
      bytes += chunk.length
    })
    assert.equal((await answer).body, String(BIG))
    await settled(rig)
  })

  it('holds an endpoint back whose downstream does not read, and loses nothing', async t => {
    let poured = { bytes: 0 }
    const { rig } = await start(t, stream => {
      stream.respond({ ':status': 200 })
      poured = pour(stream)
    })
    const session = connect(t, rig)
    const stream = session.request({ ':path': '/' })
    stream.pause()
    await eventually('it has begun', () => poured.bytes > 0)
    await standsStill(poured)
    assert.ok(poured.bytes < BETWEEN, `${poured.bytes}`)
    // Others on the same two connections go on meanwhile.
    const other = session.request({ ':path': '/' })
    other.once('data', () => other.close(constants.NGHTTP2_CANCEL))
    await collect(other)
    let bytes = 0
    stream.on('data', chunk => {
      bytes += chunk.length
    })
    stream.resume()
    await new Promise(resolve => stream.on('end', resolve))
    assert.equal(bytes, BIG)
    await settled(rig)
  })

  it('carries a hundred streams at once over one connection each side, each with its own body', async t => {
    const waiting: ServerHttp2Stream[] = []
    const { rig, origin } = await start(t, stream => {
      if (waiting.push(stream) < 100) return
      for (const each of waiting) {
        each.respond({ ':status': 200 })
        each.pipe(each)
      }
    })
    const session = connect(t, rig)
    await new Promise(resolve => session.once('remoteSettings', resolve))
    const bodies = Array.from({ length: 100 }, (_, i) => `body ${i} `.repeat(10_000))
    const answers = await Promise.all(bodies.map(body => ask(session, { ':method': 'POST' }, body)))
    answers.forEach(({ status, body }, i) => {
      assert.equal(status, 200)
      assert.ok(body === bodies[i], `${i}`)
    })
    assert.equal(origin.sessions.length, 1)
    await settled(rig)
  })

  it('passes trailers both ways', async t => {
    let sum: unknown
    const { rig } = await start(t, stream => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('trailers', fields => {
        sum = fields['x-sum']
      })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-count': '1', 'x-other': ['a', 'b'] }))
      stream.pipe(stream)
    })
    const stream = connect(t, rig).request({ ':method': 'POST' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    const answer = collect(stream)
    stream.end('body')
    const { body, trailers } = await answer
    assert.deepEqual([body, trailers['x-count'], trailers['x-other']], ['body', '1', 'a, b'])
    assert.equal(sum, '42')
  })

  it('passes early hints, 100 Continue, cookies, HEAD, 204, 304, an empty body and large headers', async t => {
    const large = 'x'.repeat(30_000)
    const { rig } = await start(t, (stream, headers) => {
      const path = String(headers[':path'])
      if (path === '/hints') {
        stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
        stream.respond({ ':status': 200 })
        stream.end('after hints')
      } else if (path === '/cookies') {
        stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] })
        stream.end(String(headers.cookie))
      } else if (path === '/large') {
        stream.respond({ ':status': 200, 'x-large': String(headers['x-large']) })
        stream.end()
      } else if (path === '/continue') {
        stream.respond({ ':status': 200 })
        stream.pipe(stream)
      } else {
        const status = Number(path.slice(1))
        stream.respond({ ':status': status, ...(status !== 204 && { 'content-length': '5' }), etag: '"1"' })
        stream.end(headers[':method'] === 'GET' && status === 200 ? 'hello' : undefined)
      }
    })
    const session = connect(t, rig)
    const hints = await ask(session, { ':path': '/hints' })
    assert.deepEqual([hints.interim, hints.status, hints.body], [[103], 200, 'after hints'])
    const cookies = await ask(session, { ':path': '/cookies', cookie: ['x=1', 'y=2', 'z=3'] })
    assert.deepEqual([cookies.body, cookies.headers['set-cookie']], ['x=1; y=2; z=3', ['a=1', 'b=2']])
    const { headers, code } = await ask(session, { ':path': '/large', 'x-large': large })
    assert.deepEqual([headers['x-large'], code], [large, 0])
    const stream = session.request({ ':path': '/continue', ':method': 'POST', expect: '100-continue' })
    const continued = collect(stream)
    stream.on('continue', () => stream.end('went on'))
    assert.equal((await continued).body, 'went on')
    const cases: [string, number, string, string | undefined][] = [
      ['GET', 200, 'hello', '5'],
      ['HEAD', 200, '', '5'],
      ['GET', 204, '', undefined],
      ['GET', 304, '', '5'],
      ['HEAD', 304, '', '5'],
    ]
    for (const [method, status, body, length] of cases) {
      const answer = await ask(session, { ':path': `/${status}`, ':method': method })
      const { 'content-length': told, etag } = answer.headers
      const seen = [answer.status, answer.body, told, etag, answer.code]
      assert.deepEqual(seen, [status, body, length, '"1"', 0], `${method} ${status}`)
    }
    await settled(rig)
  })

  it('tells each side when the other gives a stream up, and the other streams go on', async t => {
    const codes: Record<string, number> = {}
    const seen: string[] = []
    const held: ServerHttp2Stream[] = []
    const { rig, origin } = await start(t, (stream, headers) => {
      const path = String(headers[':path'])
      seen.push(path)
      stream.on('close', () => {
        codes[path] = stream.rstCode as number
      })
      if (path === '/held') held.push(stream)
      if (path === '/before') stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      if (path === '/before' || path === '/mute') return
      stream.respond({ ':status': 200 })
      stream.write('begun')
      if (path === '/after') setImmediate(() => stream.destroy(new Error('broken')))
    })
    const session = connect(t, rig)
    const neighbour = collect(session.request({ ':path': '/held' }))
    for (const path of ['/mute', '/begun']) {
      const stream = session.request({ ':path': path, ':method': 'POST' }, { endStream: false })
      const given = collect(stream)
      stream.write('x')
      if (path === '/begun') await new Promise(resolve => stream.once('data', resolve))
      else await eventually('it is asked', () => seen.includes(path))
      stream.close(constants.NGHTTP2_CANCEL)
      await given
      await eventually('the endpoint sees it', () => codes[path] === constants.NGHTTP2_CANCEL)
    }
    const before = await ask(session, { ':path': '/before', ':method': 'POST' }, 'x')
    assert.deepEqual([before.status, before.headers['x-signalbox-reason']], [502, 'upstream-broke'])
    const later = await ask(session, { ':path': '/after' })
    assert.deepEqual([later.status, later.body, later.code], [200, 'begun', constants.NGHTTP2_INTERNAL_ERROR])
    held[0].end(' and ended')
    const { body, code } = await neighbour
    assert.deepEqual([body, code], ['begun and ended', 0])
    assert.equal(origin.sessions.length, 1)
    await settled(rig)
  })
})
