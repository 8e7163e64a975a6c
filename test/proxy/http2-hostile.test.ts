import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  fields,
  frame,
  GOAWAY,
  get,
  HEADERS,
  number,
  openRawSession,
  PING,
  pseudo,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../support/http2-frames.ts'
import { ask, connect } from './http2-rig.ts'
import { inflight, type Origin, type Rig, startRawOrigin, startRig } from './rig.ts'

const PROTOCOL_ERROR = 1
const ENHANCE_YOUR_CALM = 11

let folder: CertificateFolder
let origin: Origin & { received: () => string }
let rig: Rig
before(async () => {
  folder = certificateFolder()
  const { cert, key } = folder.make('a', 'a.example')
  origin = await startRawOrigin()
  // nghttp2 stops reading after some errors, and then only patience ends the connection.
  const limits = { headerTimeout: '3s', keepAliveIdle: '3s' }
  rig = await startRig([origin.url], { listen: { address: '127.0.0.1:0', tls: { cert, key } }, limits })
})
after(async () => {
  await rig.close()
  await origin.close()
  folder.remove()
})

const request = (list: readonly Field[], stream = 1): Buffer =>
  frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(list))
const opened = (list: readonly Field[], stream = 1): Buffer => frame(HEADERS, END_HEADERS, stream, fields(list))
const post = (...further: Field[]): Field[] => [...pseudo('POST'), ...further]

/** Malformed messages (RFC 9113 8.1.1): each is a reset of its stream, and nothing of it reaches the origin. */
const MALFORMED: Record<string, Buffer[]> = {
  'a field name in upper case': [request(get(['X-A', '1']))],
  'a Connection field': [request(get(['connection', 'keep-alive']))],
  'a Keep-Alive field': [request(get(['keep-alive', '1']))],
  'a Proxy-Connection field': [request(get(['proxy-connection', 'x']))],
  'an Upgrade field': [request(get(['upgrade', 'websocket']))],
  'a Transfer-Encoding field': [request(get(['transfer-encoding', 'chunked']))],
  'a TE other than trailers': [request(get(['te', 'gzip']))],
  'no path': [request(get().slice(0, 3))],
  'an empty path': [request(pseudo('GET', ''))],
  'no method': [request(get().slice(1))],
  'no scheme': [request(get().filter(([name]) => name !== ':scheme'))],
  'no authority and no Host': [request(get().filter(([name]) => name !== ':authority'))],
  'two paths': [request(get([':path', '/x']))],
  'a pseudo field after others': [request([['x', '1'], ...get()])],
  'a pseudo field nobody knows': [request([[':x', '1'], ...get()])],
  'a pseudo field of a response': [request([[':status', '200'], ...get()])],
  'a pseudo field in trailers': [
    opened(post()),
    frame(HEADERS, END_HEADERS | END_STREAM, 1, fields([[':path', '/x']])),
  ],
  'two Content-Lengths': [opened(post(['content-length', '1'], ['content-length', '1']))],
  'a signed Content-Length': [opened(post(['content-length', '+1']))],
  'a Content-Length without a body': [request(post(['content-length', '1']))],
  'less than its Content-Length': [opened(post(['content-length', '5'])), frame(DATA, END_STREAM, 1, 'abc')],
  'a line break in the path': [request(pseudo('GET', '/a HTTP/1.1\r\nX: y'))],
  'a blank in the path': [request(pseudo('GET', '/a b'))],
  'an absolute path': [request(pseudo('GET', 'http://b.example/'))],
  'a blank in the method': [request(pseudo('GET / HTTP/1.1\r\nX:'))],
  'a blank in the authority': [request([...get().filter(([name]) => name !== ':authority'), [':authority', 'a b']])],
  'an extended CONNECT': [
    opened([...pseudo('CONNECT'), [':protocol', 'websocket']]),
  ],
} // biome-ignore format: pairs read better in rows

describe('a malformed HTTP/2 request', () => {
  for (const [name, frames] of Object.entries(MALFORMED)) {
    it(`with ${name} is a reset, and the session goes on`, async t => {
      const session = await openRawSession(rig.port)
      t.after(() => session.close())
      const before = wholeRequests()
      session.send(...frames)
      const reset = await eventually('it is reset', () => session.find(RST_STREAM, 1))
      assert.equal(reset.payload.readUInt32BE(0), PROTOCOL_ERROR)
      session.send(request(get(), 3))
      await eventually('the next one is answered', () => session.find(HEADERS, 3))
      await eventually('it is the only one', () => wholeRequests() === before + 1)
    })
  }

  /** A newer nghttp2 ends the session for what an older one, or we, refuse alone. */
  const EITHER: Record<string, Buffer[]> = {
    'more than its Content-Length': [opened(post(['content-length', '2'])), frame(DATA, 0, 1, 'abc')],
    'an authority with user information': [
      request([...get().filter(([name]) => name !== ':authority'), [':authority', 'u@a.example']]),
    ],
  }
  for (const [name, frames] of Object.entries(EITHER)) {
    it(`with ${name} is refused, and nothing of it reaches the origin`, async t => {
      const session = await openRawSession(rig.port)
      t.after(() => session.close())
      const before = wholeRequests()
      session.send(...frames)
      await eventually('it is', () => session.find(RST_STREAM, 1) ?? session.find(GOAWAY) ?? session.find(HEADERS, 1))
      session.close()
      await eventually('nothing is in flight', () => inflight(rig.box) === 0)
      assert.equal(wholeRequests(), before)
    })
  }

  // nghttp2 leaves such a field out and tells nobody: what is forwarded is what is left, and nothing else.
  const LEFT_OUT: [string, Field][] = [
    ['a NUL in a value', ['x-a', 'a\0b']],
    ['a line break in a value', ['x-a', 'a\r\nX-B: c']],
    ['a line break in a name', ['x-a: b\r\nx-b', 'c']],
    ['a blank in a name', ['x a', 'c']],
    ['a colon in a name', ['x:a', 'c']],
    ['no name', ['', 'c']],
  ]
  for (const [name, field] of LEFT_OUT) {
    it(`with ${name} brings no such field upstream`, async t => {
      const session = await openRawSession(rig.port)
      t.after(() => session.close())
      const before = origin.received().length
      session.send(request(get(field, ['x-last', '1'])))
      await eventually('it is answered', () => session.find(HEADERS, 1) ?? session.find(RST_STREAM, 1))
      const received = origin.received().slice(before)
      if (received !== '')
        assert.match(received, /^GET \/ HTTP\/1\.1\r\nHost: a\.example\r\nx-last: 1\r\nX-Request-Id: /)
    })
  }
})

/** Requests whose header came whole to the origin. */
function wholeRequests(): number {
  return origin.received().split('\r\n\r\n').length - 1
}

/** Floods: each ends its session, and what it wasted is given back. */
const FLOODS: Record<string, () => Buffer[]> = {
  'rapid resets': () =>
    Array.from({ length: 300 }, (_, i) => [request(get(), 2 * i + 1), frame(RST_STREAM, 0, 2 * i + 1, number(8))]).flat(),
  'resets we are brought to': () =>
    Array.from({ length: 300 }, (_, i) => [
      opened(post(['content-length', '1']), 2 * i + 1),
      frame(DATA, END_STREAM, 2 * i + 1, ''),
    ]).flat(),
  PINGs: () => Array.from({ length: 3000 }, () => frame(PING, 0, 0, '12345678')),
  SETTINGS: () => Array.from({ length: 3000 }, () => frame(SETTINGS, 0, 0)),
  'more SETTINGS in a frame than there are': () => [
    frame(SETTINGS, 0, 0, Buffer.concat(Array.from({ length: 200 }, () => Buffer.from([0, 9, 0, 0, 0, 1])))),
  ],
  CONTINUATIONs: () => [
    frame(HEADERS, END_STREAM, 1, fields(get())),
    ...Array.from({ length: 2000 }, () => frame(CONTINUATION, 0, 1, fields([['a', 'b']]))),
  ],
  'empty CONTINUATIONs': () => [
    frame(HEADERS, END_STREAM, 1, fields(get())),
    ...Array.from({ length: 2000 }, () => frame(CONTINUATION, 0, 1)),
  ],
  'empty DATA': () => [opened(post()), ...Array.from({ length: 5000 }, () => frame(DATA, 0, 1))],
  'more streams than it may open': () => Array.from({ length: 300 }, (_, i) => opened(post(), 2 * i + 1)),
  'a WINDOW_UPDATE beyond all windows': () => [
    frame(WINDOW_UPDATE, 0, 0, number(0x7fffffff)),
    frame(WINDOW_UPDATE, 0, 0, number(0x7fffffff)),
  ],
  'a frame larger than agreed': () => [frame(DATA, 0, 1, Buffer.alloc(20_000)), frame(PING, 0, 0, '12345678')],
  'DATA on a stream that was never opened': () => [frame(DATA, END_STREAM, 5, 'x')],
  'an even stream': () => [request(get(), 2)],
  'noise': () => [Buffer.from('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')],
} // biome-ignore format: pairs read better in rows

describe('an HTTP/2 session', () => {
  for (const [name, frames] of Object.entries(FLOODS)) {
    it(`that brings ${name} ends`, async t => {
      const session = await openRawSession(rig.port)
      t.after(() => session.close())
      session.send(...frames())
      await eventually('it is ended', () => session.isClosed || session.find(GOAWAY))
      session.close()
      await eventually('nothing is in flight', () => inflight(rig.box) === 0)
      await eventually('no connection is left', () => rig.proxy.threads()[0].openConnections === 0)
      assert.equal(rig.proxy.threads()[0].restarts, 0)
    })
  }

  it('is told to calm down after 200 resets, not before', async t => {
    const session = await openRawSession(rig.port)
    t.after(() => session.close())
    const reset = async (from: number, to: number): Promise<void> => {
      const before = rig.proxy.threads()[0].noResponse
      for (let i = from; i < to; i++) {
        session.send(opened(post(), 2 * i + 1), frame(RST_STREAM, 0, 2 * i + 1, number(8)))
      }
      await eventually('they are counted', () => rig.proxy.threads()[0].noResponse === before + to - from)
    }
    // In tens, for streams that were just closed may still count among those that may be open.
    for (let i = 0; i < 200; i += 10) await reset(i, i + 10)
    session.send(request(get(), 401))
    await eventually('it is still served', () => session.find(HEADERS, 401))
    session.send(opened(post(), 403), frame(RST_STREAM, 0, 403, number(8)))
    const goaway = await eventually('it is told', () => session.find(GOAWAY))
    assert.equal(goaway.payload.readUInt32BE(4), ENHANCE_YOUR_CALM)
    await eventually('it is closed', () => session.isClosed)
  })

  it('is refused a stream above the hundred it knows of', async t => {
    const session = await openRawSession(rig.port)
    t.after(() => session.close())
    const settings = await eventually('SETTINGS have come', () => session.find(SETTINGS, 0))
    // SETTINGS_MAX_CONCURRENT_STREAMS is 3, in six bytes each.
    const told = Array.from({ length: settings.payload.length / 6 }, (_, i) =>
      settings.payload.subarray(i * 6, i * 6 + 6),
    )
    assert.equal(told.find(each => each.readUInt16BE(0) === 3)?.readUInt32BE(2), 100)
    assert.equal(told.find(each => each.readUInt16BE(0) === 8)?.readUInt32BE(2) ?? 0, 0)
    session.send(frame(SETTINGS, ACK, 0), ...Array.from({ length: 101 }, (_, i) => opened(post(), 2 * i + 1)))
    await eventually('it is refused', () => session.isClosed || session.find(RST_STREAM, 201))
  })

  it('that unpacks a small header into a huge one is refused it', async t => {
    const session = await openRawSession(rig.port)
    t.after(() => session.close())
    const before = wholeRequests()
    // One field of 4000 bytes goes into the table, and is then named by one byte, 60 times.
    const value = 'x'.repeat(3900)
    const added = fields([['x', value]])
    added[0] = 0x40
    const bomb = Buffer.concat([fields(get()), added, Buffer.alloc(60, 0x80 | 62)])
    session.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb))
    const answer = await eventually('it is refused', () => session.find(RST_STREAM, 1) ?? session.find(GOAWAY))
    assert.equal(answer.payload.readUInt32BE(answer.type === GOAWAY ? 4 : 0), ENHANCE_YOUR_CALM)
    assert.equal(wholeRequests(), before)
  })
})

describe('an answer', () => {
  it('of a status that HTTP/2 cannot pass on is answered with 502', async t => {
    const odd = await startRawOrigin('HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n')
    t.after(() => odd.close())
    const tls = { cert: folder.path('a.pem'), key: folder.path('a.key') }
    const rig = await startRig([odd.url], { listen: { address: '127.0.0.1:0', tls } })
    t.after(() => rig.close())
    const { status, headers } = await ask(connect(t, rig), { ':path': '/' })
    assert.deepEqual([status, headers['x-signalbox-reason']], [502, 'bad-response'])
  })
})
