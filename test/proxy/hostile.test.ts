import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { exchangeRaw, type Origin, type Rig, startRawOrigin, startRig } from './rig.ts'

const host = 'Host: a.example\r\n'
const long = (length: number): string => 'x'.repeat(length)

/** What is sent, and the status and reason that must come back. Nothing of any of these may reach the origin. */
const HOSTILE: Record<string, { bytes: string; status: number; reason: string }> = {
  'Content-Length and Transfer-Encoding': bad(
    `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  'Transfer-Encoding and Content-Length': bad(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  ),
  'two unequal Content-Lengths': bad(`POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
  'two equal Content-Lengths': bad(`POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`),
  'a list of Content-Lengths': bad(`POST / HTTP/1.1\r\n${host}Content-Length: 3, 3\r\n\r\nabc`),
  'a signed Content-Length': bad(`POST / HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`),
  'a negative Content-Length': bad(`POST / HTTP/1.1\r\n${host}Content-Length: -3\r\n\r\nabc`),
  'a hexadecimal Content-Length': bad(`POST / HTTP/1.1\r\n${host}Content-Length: 0x3\r\n\r\nabc`),
  'a Content-Length beyond 64 bits': bad(`POST / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\nabc`),
  'a bare LF after a field': bad(`GET / HTTP/1.1\r\n${host}X: y\nZ: w\r\n\r\n`),
  'a bare CR in a field': bad(`GET / HTTP/1.1\r\n${host}X: y\rZ: w\r\n\r\n`),
  'a folded field': bad(`GET / HTTP/1.1\r\n${host}X: y\r\n folded\r\n\r\n`),
  'a blank before the colon': bad(`GET / HTTP/1.1\r\n${host}Content-Length : 3\r\n\r\nabc`),
  'a blank before the first field': bad(`GET / HTTP/1.1\r\n Host: a.example\r\n\r\n`),
  'a NUL in a value': bad(`GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`),
  'a NUL in a name': bad(`GET / HTTP/1.1\r\n${host}X\0: a\r\n\r\n`),
  'a field without a colon': bad(`GET / HTTP/1.1\r\n${host}X\r\n\r\n`),
  'a field without a name': bad(`GET / HTTP/1.1\r\n${host}: x\r\n\r\n`),
  'a chunk size that is none': bad(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
    true,
  ),
  'a chunk longer than its size': bad(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n`,
    true,
  ),
  'a chunk size beyond 64 bits': bad(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n`,
    true,
  ),
  'a chunk size ended by a bare LF': bad(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n`,
    true,
  ),
  'a coding that is not chunked at last': bad(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n`),
  'a coding nobody knows': bad(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n`),
  'a coding in HTTP/1.0': bad(`POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  'a coding under chunked': {
    ...bad(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
    status: 501,
    reason: 'transfer-coding',
  },
  'no Host': { bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, reason: 'bad-host' },
  'two Hosts': { bytes: `GET / HTTP/1.1\r\n${host}Host: b.example\r\n\r\n`, status: 400, reason: 'bad-host' },
  'two equal Hosts': { bytes: `GET / HTTP/1.1\r\n${host}${host}\r\n`, status: 400, reason: 'bad-host' },
  'a Host with user information': {
    bytes: 'GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n',
    status: 400,
    reason: 'bad-host',
  },
  'a Host with a blank': { bytes: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', status: 400, reason: 'bad-host' },
  'an absolute target with user information': bad(`GET http://u@a/ HTTP/1.1\r\n${host}\r\n`),
  'a target that is no path': bad(`GET * HTTP/1.1\r\n${host}\r\n`),
  'a blank in the target': bad(`GET /a b HTTP/1.1\r\n${host}\r\n`),
  'a method with a control byte': bad(`G\x01T / HTTP/1.1\r\n${host}\r\n`),
  'a method nobody knows': bad(`GETT / HTTP/1.1\r\n${host}\r\n`),
  'a version nobody knows': bad(`GET / HTTP/3.7\r\n${host}\r\n`),
  garbage: bad('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  'a tunnel': {
    bytes: 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n',
    status: 405,
    reason: 'method-not-allowed',
  },
  'a huge header': {
    bytes: `GET / HTTP/1.1\r\n${host}X: ${long(80_000)}\r\n\r\n`,
    status: 431,
    reason: 'header-too-large',
  },
  'a header just beyond its limit': {
    bytes: `GET / HTTP/1.1\r\n${host}X: ${long(4096)}\r\n\r\n`,
    status: 431,
    reason: 'header-too-large',
  },
  'many fields': {
    bytes: `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(60)}\r\n`,
    status: 431,
    reason: 'too-many-headers',
  },
  'a long target': { bytes: `GET /${long(2000)} HTTP/1.1\r\n${host}\r\n`, status: 414, reason: 'url-too-long' },
  'a declared body that is too long': {
    bytes: `POST / HTTP/1.1\r\n${host}Content-Length: 2000\r\n\r\n`,
    status: 413,
    reason: 'body-too-large',
  },
  'a slow header': { bytes: `GET / HTTP/1.1\r\n${host}X: `, status: 408, reason: 'header-timeout' },
  silence: { bytes: '', status: 408, reason: 'header-timeout' },
}

interface Case {
  bytes: string
  status: number
  reason: string
  /** The header is in order, and may have gone up before the body turned out not to be. */
  hasGoodHead: boolean
}

function bad(bytes: string, hasGoodHead = false): Case {
  return { bytes, status: 400, reason: 'bad-request', hasGoodHead }
}

describe('hostile requests', () => {
  let origin: Origin & { received: () => string }
  let rig: Rig

  before(async () => {
    origin = await startRawOrigin()
    rig = await startRig([origin.url], {
      limits: { headerBytes: '4KiB', headers: 50, urlBytes: '1KiB', bodyBytes: '1KiB', headerTimeout: '500ms' },
    })
  })
  after(async () => {
    await rig.close()
    await origin.close()
  })

  for (const [what, { bytes, status, reason, ...rest }] of Object.entries(HOSTILE)) {
    it(`answers ${what} with ${status}, and sends nothing of it on`, async () => {
      const before = origin.received().length
      // A second request behind it: where the first were misread, this one would be smuggled.
      const behind = 'GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n'
      const answer = await exchangeRaw(rig.port, reason === 'header-timeout' ? bytes : bytes + behind, {
        timeoutMs: 3000,
      })
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.match(answer, new RegExp(`\r\nx-signalbox-reason: ${reason}\r\n`))
      const [, body] = answer.split('\r\n\r\n')
      assert.equal(JSON.parse(body.split('\n')[0]).error.code, `SBX_${reason.replaceAll('-', '_').toUpperCase()}`)
      const sent = origin.received().slice(before)
      if ((rest as Partial<Case>).hasGoodHead === true)
        assert.ok(!sent.includes('0\r\n\r\n'), 'the body reached its end')
      // The refused request may be followed by a good one where its end is beyond doubt; it is a request of its own then.
      assert.ok(sent === '' || /^(GET \/smuggled|POST \/ HTTP)/.test(sent), sent)
      if (/Content-Length|Transfer-Encoding/.test(what)) assert.equal(sent, '')
    })
  }

  it('still serves after all of that', async () => {
    const answer = await fetch(`${rig.url}/well`)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'ok')
  })
})
