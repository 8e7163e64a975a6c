import { type Case, HOST } from '../case.ts'

/** What good answers must look like at the downstream. */

const GET = `GET /a HTTP/1.1\r\n${HOST}\r\n`
const LATIN1 = 'caf\u00e9 \u00ff'
const BIG = Array.from({ length: 20_000 }, (_, i) => `${i.toString(36)}-signalbox;`).join('')

function answer(name: string, rule: string, bytes: string, want: Case['want'][number], more: Partial<Case> = {}): Case {
  return { name, rule, script: [{ send: GET }], answer: bytes, want: [want], ...more }
}

const status = (code: number): Case =>
  answer(`${code} comes back with its body`, '9110 15', `HTTP/1.1 ${code} Well\r\nContent-Length: 4\r\n\r\nbody`, {
    status: code,
    body: 'body',
    connection: 'kept',
  })

export const GOOD_ANSWERS: readonly Case[] = [
  ...[200, 201, 206, 302, 400, 404, 410, 429, 451, 500, 503, 599].map(status),
  answer('204 has no body and no length', '9110 15.3.5', 'HTTP/1.1 204 No Content\r\n\r\n', {
    status: 204,
    body: '',
    lacks: ['Content-Length', 'Transfer-Encoding'],
    connection: 'kept',
  }),
  answer(
    '304 has no body, and keeps what it says of one',
    '9110 15.4.5',
    'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
    {
      status: 304,
      body: '',
      has: ['ETag: "x"'],
      lacks: ['Transfer-Encoding'],
      connection: 'kept',
    },
  ),
  answer(
    '304 may tell the length of what it does not bring',
    '9110 8.6',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n',
    {
      status: 304,
      body: '',
      connection: 'kept',
    },
  ),
  answer('205 with no content stays empty', '9110 15.3.6', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', {
    status: 205,
    body: '',
    connection: 'kept',
  }),
  answer(
    'HEAD keeps the length that GET would have',
    '9110 8.6',
    'HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n',
    {
      status: 200,
      has: ['Content-Length: 77'],
      body: '',
      connection: 'kept',
    },
    { script: [{ send: `HEAD /a HTTP/1.1\r\n${HOST}\r\n` }], methods: ['HEAD'] },
  ),
  answer(
    'HEAD of a chunked answer has no chunks',
    '9110 9.3.2',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    {
      status: 200,
      body: '',
      connection: 'kept',
    },
    { script: [{ send: `HEAD /a HTTP/1.1\r\n${HOST}\r\n` }], methods: ['HEAD'] },
  ),
  answer(
    'a chunked answer comes with its bytes',
    '9112 7.1',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n06\r\n world\r\n0\r\n\r\n',
    {
      status: 200,
      body: 'hello world',
      framing: 'chunked',
      connection: 'kept',
    },
  ),
  answer(
    'trailers of an answer follow it',
    '9110 6.5.1',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n',
    {
      status: 200,
      body: 'abc',
      trailers: ['X-Sum: 1'],
      connection: 'kept',
    },
  ),
  {
    name: 'a chunked answer comes to HTTP/1.0 without chunks',
    rule: '9112 6.1',
    script: [{ send: `GET /a HTTP/1.0\r\n${HOST}\r\n` }],
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    want: [{ status: 200, body: 'hello', framing: 'close', lacks: ['Transfer-Encoding'], connection: 'closed' }],
  },
  answer(
    'an answer that ends with its connection is framed anew',
    '9112 6.3',
    'HTTP/1.1 200 OK\r\n\r\nuntil the end',
    {
      status: 200,
      body: 'until the end',
      framing: 'chunked',
      connection: 'kept',
    },
    { ends: 'close' },
  ),
  answer(
    'an answer in HTTP/1.0 is sent on in HTTP/1.1',
    '9110 2.5',
    'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold',
    {
      status: 200,
      body: 'old',
      connection: 'kept',
    },
    { ends: 'close' },
  ),
  answer(
    'an origin in HTTP/1.0 may keep its connection',
    '9112 C.2.2',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold',
    {
      status: 200,
      body: 'old',
      connection: 'kept',
    },
  ),
  answer(
    "Connection: close of the origin is not the downstream's",
    '9110 7.6.1',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      connection: 'kept',
    },
    { ends: 'close' },
  ),
  answer(
    'Connection and what it names stop here',
    '9110 7.6.1',
    'HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=4242\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      lacks: ['X-Hop', 'Keep-Alive: timeout=4242'],
      connection: 'kept',
    },
    { because: 'nginx and HAProxy look for nothing but close and keep-alive in Connection' },
  ),
  answer(
    'two Connection fields of an answer are one list',
    '9110 5.3',
    'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      lacks: ['X-Hop'],
    },
    { because: 'nginx and HAProxy look for nothing but close and keep-alive in Connection' },
  ),
  answer(
    'each Set-Cookie stays apart, in order',
    '6265 3',
    'HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      has: ['Set-Cookie: a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'Set-Cookie: b=2', 'Set-Cookie: c=3'],
    },
  ),
  answer(
    'order, case and duplicates of fields are kept',
    '9110 5.3',
    'HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: 2\r\nX-b: 3\r\nVARY: a\r\nvary: b\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      exact: ['X-B: 1', 'x-a: 2', 'X-b: 3', 'VARY: a', 'vary: b'],
    },
  ),
  answer(
    'empty values and latin1 bytes are kept',
    '9110 5.5',
    `HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Name: ${LATIN1}\r\nContent-Length: 2\r\n\r\nok`,
    {
      status: 200,
      has: ['X-Empty:', `X-Name: ${LATIN1}`],
    },
  ),
  answer(
    'a value of 6,000 bytes comes whole',
    '9110 5.4',
    `HTTP/1.1 200 OK\r\nX-Long: ${'v'.repeat(6000)}\r\nContent-Length: 2\r\n\r\nok`,
    {
      status: 200,
      has: [`X-Long: ${'v'.repeat(6000)}`],
    },
  ),
  answer(
    'Date of the origin stays, one of them',
    '9110 6.6.1',
    'HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok',
    {
      status: 200,
      has: ['Date: Mon, 01 Jan 2024 00:00:00 GMT'],
    },
  ),
  answer(
    'Content-Encoding and its bytes come untouched',
    '9110 7.7',
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00',
    {
      status: 200,
      has: ['Content-Encoding: gzip'],
      body: '\x1f\x8b\x08\x00',
    },
  ),
  answer(
    'a range comes untouched',
    '9110 15.3.7',
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nAccept-Ranges: bytes\r\nContent-Length: 5\r\n\r\n01234',
    {
      status: 206,
      has: ['Content-Range: bytes 0-4/10', 'Accept-Ranges: bytes'],
      body: '01234',
    },
  ),
  answer(
    'a body of 300 KB comes byte for byte',
    '9110 6.4',
    `HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n${BIG}`,
    {
      status: 200,
      body: BIG,
      connection: 'kept',
    },
  ),
  answer(
    'a reason phrase of latin1 bytes, and none at all, do no harm',
    '9112 4',
    `HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok`,
    {
      status: 200,
      body: 'ok',
      connection: 'kept',
    },
  ),
]
