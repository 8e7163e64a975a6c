import { type Case, HOST, hostile } from '../case.ts'

/** Field lines, byte by byte, and what is too much. */

const GET = `GET /f HTTP/1.1\r\n${HOST}`
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/

/** A byte in the middle of a name. Outside of a token there is no such name; a colon ends it. */
function inName(code: number): Case | undefined {
  const byte = String.fromCharCode(code)
  if (TOKEN.test(byte) || byte === ':') return undefined
  return hostile(`byte 0x${hex(code)} in a name`, '9110 5.1', `${GET}X${byte}Y: z\r\n\r\n`)
}

/** A byte in the middle of a value: control bytes are refused or replaced, all others arrive as they are. */
function inValue(code: number): Case | undefined {
  const byte = String.fromCharCode(code)
  const bytes = `${GET}X: a${byte}b\r\n\r\n`
  if (code === 9 || (code > 0x1f && code !== 0x7f)) return undefined
  return hostile(`byte 0x${hex(code)} in a value`, '9110 5.5', bytes, {
    want: [
      { status: 'error', origin: [] },
      { status: 200, origin: [{ has: ['X: a b'] }] },
    ],
    because: 'nginx and HAProxy look for CR and LF, nginx for NUL too, and let other control bytes through',
  })
}

const hex = (code: number): string => code.toString(16).padStart(2, '0')
const bytes = Array.from({ length: 256 }, (_, code) => code)
const printable = bytes.filter(code => code === 9 || (code > 0x1f && code !== 0x7f))

/** All bytes a value may have, sixteen fields at a time. */
const VALUES: readonly Case[] = Array.from({ length: Math.ceil(printable.length / 16) }, (_, i) => {
  const fields = printable.slice(i * 16, i * 16 + 16).map(code => `X-${hex(code)}: a${String.fromCharCode(code)}b`)
  return {
    name: `bytes 0x${hex(printable[i * 16]!)} and on in a value`,
    rule: '9110 5.5',
    script: [{ send: `${GET}${fields.join('\r\n')}\r\n\r\n` }],
    want: [{ status: 200, origin: [{ has: fields }] }],
  }
})

const isCase = (found: Case | undefined): found is Case => found !== undefined

const folded = {
  want: [
    { status: 'error', origin: [] },
    { status: 200, origin: [{ has: ['X: y folded'] }] },
  ],
} as const

export const FIELDS: readonly Case[] = [
  ...bytes.map(inName).filter(isCase),
  ...bytes.map(inValue).filter(isCase),
  ...VALUES,
  hostile('a folded field', '9112 5.2', `${GET}X: y\r\n folded\r\n\r\n`, folded),
  hostile('a field folded by a tab', '9112 5.2', `${GET}X: y\r\n\tfolded\r\n\r\n`, folded),
  hostile('a folded first field', '9112 5.2', `GET /f HTTP/1.1\r\n X: y\r\n${HOST}\r\n`),
  hostile('a field without a colon', '9112 5.1', `${GET}X\r\n\r\n`),
  hostile('a field without a name', '9112 5.1', `${GET}: x\r\n\r\n`),
  hostile('a bare LF after a field', '9112 2.2', `${GET}X: y\nZ: w\r\n\r\n`, {
    want: [
      { status: 'error', origin: [] },
      { status: 200, origin: [{ has: ['X: y', 'Z: w'] }] },
    ],
  }),
  hostile('a bare CR after a field', '9112 2.2', `${GET}X: y\rZ: w\r\n\r\n`),
  hostile('a header that ends in bare LFs', '9112 2.2', `${GET}X: y\n\n`, {
    want: [
      { status: 'error', origin: [] },
      { status: 200, answers: 1, origin: [{ has: ['X: y'] }] },
    ],
  }),
  hostile('a CR, CR, LF', '9112 2.2', `${GET}X: y\r\r\nZ: w\r\n\r\n`),
  hostile('an expectation nobody knows', '9110 10.1.1', `${GET}Expect: the-unexpected\r\n\r\n`, {
    want: [
      { status: 417, origin: [] },
      { status: 200, interim: [], origin: [{}] },
    ],
    reason: undefined,
  }),
  hostile('an expectation with a parameter', '9110 10.1.1', `${GET}Expect: 100-continue;x=y\r\n\r\n`, {
    want: [
      { status: 417, origin: [] },
      { status: 200, origin: [{}] },
    ],
    reason: undefined,
  }),
  hostile(
    'an expectation twice',
    '9110 10.1.1',
    `POST /e HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nExpect: x\r\nContent-Length: 3\r\n\r\nabc`,
    {
      want: [{ status: 417 }, { status: 200, origin: [{ body: 'abc' }] }],
      reason: undefined,
    },
  ),
  hostile(
    'a refused body that waits for 100 Continue',
    '9110 10.1.1',
    `POST /e HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`,
    {
      want: [{ status: 413, interim: [], origin: [] }],
      reason: 'body-too-large',
    },
  ),
  hostile(
    'Upgrade to a protocol nobody asked the origin for',
    '9110 7.8',
    `${GET}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    {
      // The request behind it may be lost, if the connection ends and says so.
      want: [
        {
          status: 200,
          interim: [],
          connection: 'closed',
          has: ['Connection: close'],
          origin: [{ lacks: ['Upgrade', 'HTTP2-Settings'] }],
        },
        { status: 200, interim: [], connection: 'kept', origin: [{ lacks: ['Upgrade', 'HTTP2-Settings'] }] },
      ],
      reason: undefined,
      because: 'nginx lets HTTP2-Settings through, HAProxy the whole wish',
    },
  ),
  hostile(
    'a wish for h2c in HTTP/2.0',
    '9112 2.3',
    `GET /f HTTP/2.0\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
    {
      reason: 'http-version',
    },
  ),
  hostile(
    'a wish for a WebSocket in HTTP/1.0',
    '9110 7.8',
    `GET /f HTTP/1.0\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    {
      want: [{ status: 200, answers: 1, origin: [{ lacks: ['Upgrade'] }] }],
      reason: undefined,
    },
  ),
  hostile(
    'a wish for h2c with a request for a body',
    '9110 7.8',
    `POST /f HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      want: [{ status: 200, answers: 1, origin: [{ body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  hostile(
    'a wish for h2c with a request in chunks',
    '9110 7.8',
    `POST /f HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    {
      want: [{ status: 200, answers: 1, origin: [{ body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  hostile(
    'a wish for h2c with both lengths',
    '9112 6.1',
    `POST /f HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ),
  hostile(
    'a request behind a wish that the origin declines',
    '9110 7.8',
    `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /second HTTP/1.1\r\n${HOST}\r\n`,
    {
      // It is a request of its own, or nothing at all; it never reaches the origin as something said in the other protocol.
      want: [
        { status: 200, connection: 'closed', origin: [{ line: 'GET /f HTTP/1.1' }] },
        { status: 200, answers: 2, origin: [{ line: 'GET /f HTTP/1.1' }, { line: 'GET /second HTTP/1.1' }] },
      ],
      reason: undefined,
    },
  ),
  hostile('a header beyond its limit', '6585 5', `${GET}${`X: ${'y'.repeat(1000)}\r\n`.repeat(40)}\r\n`, {
    reason: 'header-too-large',
  }),
  hostile('a header just beyond its limit', '6585 5', `${GET}X: ${'y'.repeat(8192)}\r\n\r\n`, {
    reason: 'header-too-large',
  }),
  hostile('one field beyond the limit', '6585 5', `${GET}X: ${'y'.repeat(40_000)}\r\n\r\n`, {
    reason: 'header-too-large',
  }),
  hostile('one name beyond the limit', '6585 5', `${GET}${'x'.repeat(40_000)}: y\r\n\r\n`, {
    reason: 'header-too-large',
  }),
  hostile('too many fields', '6585 5', `${GET}${'X: y\r\n'.repeat(120)}\r\n`, {
    reason: 'too-many-headers',
  }),
  hostile('a target beyond its limit', '9110 15.5.15', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n${HOST}\r\n`, {
    reason: undefined,
  }),
  hostile('a method beyond all limits', '9112 3', `${'G'.repeat(40_000)} / HTTP/1.1\r\n${HOST}\r\n`, {
    reason: 'bad-request',
  }),
  hostile(
    'a declared body beyond its limit',
    '9110 15.5.14',
    `POST /b HTTP/1.1\r\n${HOST}Content-Length: 99999999\r\n\r\n`,
    {
      reason: 'body-too-large',
    },
  ),
  hostile('a header that never ends', '9112 2', GET, { script: [{ send: GET }], reason: 'header-timeout' }),
  hostile('silence', '9112 9.5', '', { script: [], reason: 'header-timeout' }),
  hostile('a body that stops coming', '9112 9.5', '', {
    script: [{ send: `POST /b HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc` }],
    want: [{ status: 'error', origin: 'cut' }],
    reason: 'body-timeout',
  }),
]
