import { alone, type Case, HOST, type Want } from '../case.ts'

/** Answers of an origin that are none, or that two readers could take for two things. */

const GET = `GET /a HTTP/1.1\r\n${HOST}\r\n`
/** Ends the connection whether it is refused or cut. */
const LAST = `GET /a HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
const OK = 'HTTP/1.1 200 OK\r\n'
const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled'
const REFUSED: Want = { status: 502, interim: [] }

/** An answer that must not be passed on: 502, and no connection of it is used again. */
const refused = (name: string, rule: string, answer: string, more: Partial<Case> = {}): Case => ({
  name,
  rule,
  script: [{ send: GET }],
  answer,
  want: [REFUSED],
  reason: 'bad-response',
  ...more,
})

/** An answer whose head was in order: what came of its body may have gone down, and is seen to be cut. */
const cut = (name: string, rule: string, answer: string, more: Partial<Case> = {}): Case =>
  refused(name, rule, answer, {
    want: [REFUSED, { status: 200, isWhole: false, connection: 'closed' }],
    script: [{ send: LAST }],
    reason: undefined,
    isLast: true,
    ...more,
  })

const chunks = (name: string, body: string, more: Partial<Case> = {}): Case =>
  cut(`answer in chunks: ${name}`, '9112 7.1', `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`, more)

/** More than its answer: what is behind must never be taken for the answer of the next request. */
const more = (name: string, answer: string, extra: Partial<Case> = {}): Case => ({
  name: `behind the answer: ${name}`,
  rule: '9112 9.3',
  script: [{ send: GET }],
  answer,
  want: [{ status: 200, body: 'ok', connection: 'kept' }],
  ...extra,
})

const control = [0x00, 0x01, 0x08, 0x0b, 0x0c, 0x0d, 0x1b, 0x1f, 0x7f]
const inName = [0x00, 0x01, 0x09, 0x20, 0x22, 0x28, 0x2f, 0x40, 0x5b, 0x7b, 0x7f, 0x80, 0xff]
const hex = (code: number): string => code.toString(16).padStart(2, '0')

export const HOSTILE_ANSWERS: readonly Case[] = [
  refused('answer with two unequal lengths', '9112 6.3', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`),
  refused('answer with a list of lengths', '9112 6.3', `${OK}Content-Length: 2, 3\r\n\r\nok`),
  refused('answer with a signed length', '9112 6.3', `${OK}Content-Length: +2\r\n\r\nok`),
  refused('answer with a length below zero', '9112 6.3', `${OK}Content-Length: -1\r\n\r\nok`),
  refused('answer with a hexadecimal length', '9112 6.3', `${OK}Content-Length: 0x2\r\n\r\nok`),
  refused('answer with an empty length', '9112 6.3', `${OK}Content-Length: \r\n\r\nok`),
  refused(
    'answer with a length and a coding',
    '9112 6.3',
    `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    {
      want: [REFUSED, { status: 200, body: '', framing: 'chunked', lacks: ['Content-Length'] }],
    },
  ),
  refused(
    'answer with a coding and a length',
    '9112 6.3',
    `${OK}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
    {
      want: [REFUSED, { status: 200, body: '', framing: 'chunked', lacks: ['Content-Length'] }],
    },
  ),
  refused('answer with a coding under chunked', '9112 6.1', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
  refused(
    'answer with chunked in two fields',
    '9112 6.1',
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    {
      want: [REFUSED, { status: 200, body: '' }],
      reason: undefined,
    },
  ),
  refused('answer with a coding nobody knows', '9112 6.1', `${OK}Transfer-Encoding: xchunked\r\n\r\nok`),
  refused('answer with a coding in disguise', '9112 6.1', `${OK}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`),
  refused(
    'answer with a coding in HTTP/1.0',
    '9112 6.1',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    {
      want: [REFUSED, { status: 200, body: 'ok' }],
      reason: undefined,
    },
  ),
  refused('answer with a blank before a colon', '9112 5.1', `${OK}Content-Length : 2\r\n\r\nok`, {
    // A proxy removes such blanks from an answer (5.1), or refuses it.
    want: [REFUSED, { status: 200, body: 'ok', has: ['Content-Length: 2'] }],
  }),
  refused('answer with a field without a colon', '9112 5.1', `${OK}X\r\nContent-Length: 2\r\n\r\nok`),
  refused('answer with a field without a name', '9112 5.1', `${OK}: x\r\nContent-Length: 2\r\n\r\nok`),
  refused('answer with a folded field', '9112 5.2', `${OK}X: y\r\n z\r\nContent-Length: 2\r\n\r\nok`, {
    want: [REFUSED, { status: 200, body: 'ok', has: ['X: y z'] }, { status: 200, body: 'ok', has: ['X: y  z'] }],
    reason: undefined,
  }),
  refused('answer with bare LFs', '9112 2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', {
    want: [REFUSED, { status: 200, body: 'ok', has: ['Content-Length: 2'] }],
  }),
  refused(
    'answer with a bare LF in a field',
    '9112 2.2',
    `${OK}X: y\nSet-Cookie: smug=gled\r\nContent-Length: 2\r\n\r\nok`,
    {
      want: [REFUSED, { status: 200, body: 'ok', has: ['X: y'] }],
    },
  ),
  refused(
    'answer with a bare CR in a field',
    '9112 2.2',
    `${OK}X: y\rSet-Cookie: smug=gled\r\nContent-Length: 2\r\n\r\nok`,
  ),
  ...control.map(code =>
    refused(
      `answer with byte 0x${hex(code)} in a value`,
      '9110 5.5',
      `${OK}X: a${String.fromCharCode(code)}b\r\nContent-Length: 2\r\n\r\nok`,
      {
        want: [REFUSED, { status: 200, body: 'ok', has: ['X: a b'] }],
        because: 'nginx and HAProxy look for NUL, CR and LF alone',
      },
    ),
  ),
  ...inName.map(code =>
    refused(
      `answer with byte 0x${hex(code)} in a name`,
      '9110 5.1',
      `${OK}X${String.fromCharCode(code)}Y: z\r\nContent-Length: 2\r\n\r\nok`,
      {
        want: [REFUSED, { status: 200, body: 'ok', lacks: ['X'] }],
        reason: undefined,
      },
    ),
  ),
  refused('answer without a status', '9112 4', 'HTTP/1.1\r\nContent-Length: 2\r\n\r\nok'),
  ...alone(
    'nginx and HAProxy believe an origin its status and length',
    refused('answer with a length beyond 64 bits', '9112 6.3', `${OK}Content-Length: 18446744073709551618\r\n\r\nok`),
    refused('answer with a status of two digits', '9112 4', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok'),
    refused('answer with a status of four digits', '9112 4', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok'),
    refused('answer with status 000', '9110 15', 'HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok'),
    refused('answer with status 099', '9110 15', 'HTTP/1.1 099 None\r\nContent-Length: 2\r\n\r\nok'),
  ),
  refused('answer with status 999', '9110 15', 'HTTP/1.1 999 Much\r\nContent-Length: 2\r\n\r\nok', {
    // Outside of what there is, and to be taken for a 5xx.
    want: [REFUSED, { status: 999, body: 'ok' }],
    reason: undefined,
  }),
  refused('answer with letters for a status', '9112 4', 'HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok'),
  refused('answer with a NUL in its reason', '9112 4', 'HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok', {
    want: [REFUSED, { status: 200, body: 'ok' }],
    reason: undefined,
    because: 'nginx and HAProxy do not look into a reason phrase',
  }),
  refused('answer in HTTP/2.0', '9112 2.3', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', {
    want: [REFUSED, { status: 200, body: 'ok', framing: 'length' }],
  }),
  refused('answer in HTTP/0.9', '9112 2.3', 'just some text', { ends: 'close' }),
  refused('answer in a version of lower case', '9112 2.3', 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  refused('a greeting of SSH for an answer', '9112 4', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  refused('a request for an answer', '9112 4', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused(
    'an unasked 101',
    '9110 15.2.2',
    `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${SMUGGLED}`,
    { reason: undefined },
  ),
  refused(
    'interim answers without an end',
    '9110 15.2',
    `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)}${OK}Content-Length: 2\r\n\r\nok`,
    {
      want: [{ status: 502 }, { status: 200, body: 'ok' }],
    },
  ),
  refused(
    'an interim answer that declares a length',
    '9110 8.6',
    `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    {
      // It has no content whatever it declares: what follows is the answer.
      want: [{ status: 502 }, { status: 200, body: 'ok' }],
    },
  ),
  refused('a header of 100 KB', '9110 5.4', `${OK}X: ${'y'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`),
  refused(
    'a header of 2,000 fields',
    '9110 5.4',
    `${OK}${`X: ${'y'.repeat(40)}\r\n`.repeat(2000)}Content-Length: 2\r\n\r\nok`,
  ),
  chunks('a size that is none', 'zz\r\nok\r\n0\r\n\r\n'),
  chunks('a size beyond 64 bits', 'fffffffffffffffff\r\nok\r\n0\r\n\r\n'),
  chunks('a size with 0x', '0x2\r\nok\r\n0\r\n\r\n'),
  chunks('a chunk longer than its size', '2\r\nokay\r\n0\r\n\r\n'),
  chunks('a bare LF behind the size', '2\nok\r\n0\r\n\r\n', {
    want: [REFUSED, { status: 200, isWhole: false }, { status: 200, body: 'ok' }],
  }),
  chunks('a bare LF behind a chunk', '2\r\nok\n0\r\n\r\n', {
    want: [REFUSED, { status: 200, isWhole: false }, { status: 200, body: 'ok' }],
  }),
  chunks('a bare CR in an extension', '2;x\ry\r\nok\r\n0\r\n\r\n', {
    want: [REFUSED, { status: 200, isWhole: false }, { status: 200, body: 'ok' }],
  }),
  chunks('a trailer without a colon', '2\r\nok\r\n0\r\nX\r\n\r\n'),
  chunks('a length for a trailer', '2\r\nok\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n', {
    want: [
      REFUSED,
      { status: 200, isWhole: false, connection: 'closed' },
      { status: 200, body: 'ok', lacks: ['Content-Length'] },
    ],
    isLast: false,
  }),
  more('another answer', `${OK}Content-Length: 2\r\n\r\nok${SMUGGLED}`),
  more('another answer behind chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${SMUGGLED}`),
  more('garbage', `${OK}Content-Length: 2\r\n\r\nok\0\0\0\0`),
  more('a body with HEAD', `${OK}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, {
    script: [{ send: `HEAD /a HTTP/1.1\r\n${HOST}\r\n` }],
    methods: ['HEAD'],
    want: [{ status: 200, body: '', connection: 'kept' }],
  }),
  more('a body with 204', `HTTP/1.1 204 No Content\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, {
    want: [{ status: 204, body: '', connection: 'kept' }, { status: 502 }],
  }),
  more('a body with 304', `HTTP/1.1 304 Not Modified\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, {
    want: [{ status: 304, body: '', connection: 'kept' }],
  }),
  more('chunks with 204', `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nsmuggled\r\n0\r\n\r\n`, {
    want: [{ status: 204, body: '', connection: 'kept' }, { status: 502 }],
  }),
  more('an answer that nobody has asked for yet', '', {
    script: [
      { send: GET },
      { originGets: '/a' },
      { originSends: `${OK}Content-Length: 2\r\n\r\nok` },
      { gets: 'ok' },
      { originSends: SMUGGLED },
    ],
    answer: '',
  }),
]
