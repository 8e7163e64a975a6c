import { ANY_HOST, alone as byUsAlone, type Case, HOST, hostile, hostileBody } from '../case.ts'

/** Requests whose end two readers could see in two places. What the second would see as a request of its own is /smuggled. */

const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
const SECOND = `GET /second HTTP/1.1\r\n${HOST}\r\n`
const POST = `POST /p HTTP/1.1\r\n${HOST}`
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`
/** Nothing of which the end is in doubt may be read on: the connection ends with the answer. */
const closes: Partial<Case> = { want: [{ status: 'error', connection: 'closed', origin: [] }] }
const unknownCoding: Partial<Case> = { ...closes, reason: 'transfer-coding' }

/** Whoever takes the coding and forgets the length closes behind it (9112 6.1): nothing is smuggled then either. */
const chunkedWins: Partial<Case> = {
  want: [
    ...closes.want!,
    { status: 200, connection: 'closed', origin: [{ body: '', framing: 'chunked', lacks: ['Content-Length'] }] },
  ],
}

/** A Transfer-Encoding in disguise, with a body whose end it decides. */
const disguised = (name: string, field: string, more: Partial<Case> = {}): Case =>
  hostile(
    `Transfer-Encoding ${name}`,
    '9112 6.1',
    `${POST}${field}\r\nContent-Length: 4\r\n\r\n5c\r\n${SMUGGLED}0\r\n\r\n`,
    {
      ...closes,
      ...more,
    },
  )

/** The same without a Content-Length beside it: a coding nobody knows, not chunked, or no field at all. */
const alone = (name: string, field: string, more: Partial<Case> = {}): Case =>
  hostile(`${name}, alone`, '9112 6.3', `${POST}${field}\r\n\r\n0\r\n\r\n${SMUGGLED}`, { ...closes, ...more })

const length = (name: string, value: string, more: Partial<Case> = {}): Case =>
  hostile(`Content-Length ${name}`, '9112 6.3', `${POST}Content-Length:${value}\r\n\r\n${SMUGGLED}`, {
    ...closes,
    ...more,
  })

const chunk = (name: string, bytes: string, more: Partial<Case> = {}): Case =>
  hostileBody(`chunks: ${name}`, '9112 7.1', `${CHUNKED}${bytes}`, more)

export const FRAMING: readonly Case[] = [
  hostile('CL.TE', '9112 6.1', `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`, chunkedWins),
  hostile(
    'TE.CL',
    '9112 6.1',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    closes,
  ),
  hostile(
    'CL.TE with a whole request behind',
    '9112 6.1',
    `${POST}Content-Length: ${5 + SMUGGLED.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    chunkedWins,
  ),
  hostile(
    'TE.CL in HTTP/1.0',
    '9112 6.1',
    `POST /p HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    closes,
  ),
  hostile(
    'a coding in HTTP/1.0',
    '9112 6.1',
    `POST /p HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    closes,
  ),
  disguised('with a blank before the colon', 'Transfer-Encoding : chunked'),
  disguised('with a tab before the colon', 'Transfer-Encoding\t: chunked'),
  disguised('with a tab before the value', 'Transfer-Encoding:\tchunked'),
  disguised('with a vertical tab before the value', 'Transfer-Encoding: \x0bchunked'),
  disguised('with a form feed before the value', 'Transfer-Encoding:\x0cchunked'),
  disguised('with a vertical tab behind the value', 'Transfer-Encoding: chunked\x0b'),
  disguised('with a NUL before the value', 'Transfer-Encoding: \0chunked'),
  disguised('with a NUL behind the value', 'Transfer-Encoding: chunked\0'),
  disguised('with 0x85 before the value', 'Transfer-Encoding: \x85chunked'),
  disguised('with 0xa0 before the value', 'Transfer-Encoding:\xa0chunked'),
  disguised('with 0xa0 behind the value', 'Transfer-Encoding: chunked\xa0'),
  disguised('with 0xff behind the value', 'Transfer-Encoding: chunked\xff'),
  disguised('in double quotes', 'Transfer-Encoding: "chunked"'),
  disguised('in single quotes', "Transfer-Encoding: 'chunked'"),
  disguised('in mixed case', 'tRANSFER-eNCODING: cHuNkEd'),
  disguised('twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  disguised('as chunked and identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'),
  disguised('as identity and chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked'),
  disguised('as a list with x', 'Transfer-Encoding: x, chunked'),
  disguised('as a list that begins empty', 'Transfer-Encoding: ,chunked'),
  disguised('with a parameter', 'Transfer-Encoding: chunked;x=y'),
  disguised('with a comma behind', 'Transfer-Encoding: chunked,'),
  disguised('folded', 'Transfer-Encoding:\r\n chunked'),
  disguised('folded behind another field', 'X: y\r\n Transfer-Encoding: chunked'),
  disguised('behind a bare LF', 'X: y\nTransfer-Encoding: chunked'),
  disguised('behind a bare CR', 'X: y\rTransfer-Encoding: chunked'),
  disguised('behind a NUL in another field', 'X: y\0Transfer-Encoding: chunked'),
  hostile(
    'Transfer_Encoding is a field like any other',
    '9112 6.1',
    `${POST}Transfer_Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${SECOND}`,
    {
      want: [
        { status: 200, answers: 2, origin: [{ body: '5c\r\n', framing: 'length' }, { line: 'GET /second HTTP/1.1' }] },
      ],
      reason: undefined,
    },
  ),
  alone('a coding that is not chunked', 'Transfer-Encoding: gzip', { ...closes }),
  alone('identity', 'Transfer-Encoding: identity', closes),
  alone('xchunked', 'Transfer-Encoding: xchunked', closes),
  alone('chunked before gzip', 'Transfer-Encoding: chunked, gzip', closes),
  alone('gzip under chunked', 'Transfer-Encoding: gzip, chunked', unknownCoding),
  alone('chunked twice in a list', 'Transfer-Encoding: chunked, chunked', closes),
  alone('chunked in two fields', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', closes),
  alone('an empty coding', 'Transfer-Encoding:', closes),
  alone('a coding with a parameter', 'Transfer-Encoding: chunked;q=0.5', closes),
  alone('a coding in quotes', 'Transfer-Encoding: "chunked"', closes),
  alone('a coding with a vertical tab', 'Transfer-Encoding: \x0bchunked', closes),
  alone('a coding with 0xa0', 'Transfer-Encoding: \xa0chunked', closes),
  hostile(
    'CL.0: GET with a length and a request for a body',
    '9110 9.3.1',
    `GET /g HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      want: [{ status: 200, answers: 1, origin: [{ line: 'GET /g HTTP/1.1', body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  hostile(
    'OPTIONS with a length and a request for a body',
    '9110 9.3.7',
    `OPTIONS /g HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      want: [{ status: 200, answers: 1, origin: [{ line: 'OPTIONS /g HTTP/1.1', body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  hostile(
    'OPTIONS * with a length and a request for a body',
    '9110 9.3.7',
    `OPTIONS * HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      want: [
        { status: [200, 204], answers: 1, origin: [] },
        { status: 'error', origin: [] },
        { status: 200, answers: 1, origin: [{ body: SMUGGLED }] },
      ],
      reason: undefined,
    },
  ),
  hostile(
    'a body for a request that has no route to take it',
    '9112 9.3',
    `GET /g HTTP/1.1\r\nHost: u@a.example\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      reason: 'bad-host',
      because: ANY_HOST,
    },
  ),
  hostile(
    'two unequal Content-Lengths',
    '9112 6.3',
    `${POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    closes,
  ),
  hostile(
    'Content-Length twice in two cases',
    '9112 6.3',
    `${POST}Content-Length: 0\r\ncontent-length: 44\r\n\r\n${SMUGGLED}`,
    closes,
  ),
  hostile('two equal Content-Lengths', '9112 6.3', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, {
    ...closes,
    // They may be taken for one (9110 8.6).
    want: [...closes.want!, { status: 200, origin: [{ body: 'abc', has: ['Content-Length: 3'] }] }],
  }),
  length('as a list', ' 0, 44'),
  hostile('Content-Length as a list of equals', '9110 8.6', `${POST}Content-Length: 0, 0\r\n\r\n${SECOND}`, {
    // They may be taken for one.
    want: [...closes.want!, { status: 200, answers: 2, origin: [{ body: '' }, { line: 'GET /second HTTP/1.1' }] }],
  }),
  length('with a sign', ' +44'),
  length('below zero', ' -1'),
  length('in hexadecimal', ' 0x2c'),
  length('with a fraction', ' 44.0'),
  length('with an exponent', ' 4e1'),
  length('with a blank within', ' 4 4'),
  length('with a tab within', ' 4\t4'),
  length('with a vertical tab', ' \x0b44'),
  length('with 0xa0', ' 44\xa0'),
  length('with a NUL', ' 44\0'),
  length('in quotes', ' "44"'),
  length('with an underscore', ' 4_4'),
  length('that is empty', ''),
  length('that is blank', ' \t '),
  length('beyond 64 bits', ' 18446744073709551660'),
  length('beyond all bounds', ` ${'9'.repeat(400)}`),
  length('folded', '\r\n 44'),
  length('with a semicolon', ' 44;x'),
  hostile('Content-Length with a blank before its colon', '9112 5.1', `${POST}Content-Length : 3\r\n\r\nabc`, closes),
  hostile(
    'Content-Length in Connection',
    '9110 7.6.1',
    `${POST}Connection: Content-Length, keep-alive\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    {
      want: [{ status: 200, origin: [{ body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  hostile(
    'Transfer-Encoding in Connection',
    '9110 7.6.1',
    `${POST}Connection: Transfer-Encoding, keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    {
      want: [{ status: 200, origin: [{ body: SMUGGLED }] }],
      reason: undefined,
    },
  ),
  chunk('a size that is none', 'zz\r\nabc\r\n0\r\n\r\n'),
  chunk('an empty size', '\r\nabc\r\n0\r\n\r\n'),
  chunk('a size with 0x', '0x3\r\nabc\r\n0\r\n\r\n'),
  chunk('a size below zero', '-3\r\nabc\r\n0\r\n\r\n'),
  chunk('a size with a sign', '+3\r\nabc\r\n0\r\n\r\n'),
  chunk('a blank before the size', ' 3\r\nabc\r\n0\r\n\r\n'),
  chunk('a tab before the size', '\t3\r\nabc\r\n0\r\n\r\n'),
  chunk('a blank behind the size', '3 \r\nabc\r\n0\r\n\r\n', {
    // Blanks before an extension were once allowed (9112 7.1.1): to ignore them is no smuggling.
    want: [
      { status: 'error', connection: 'closed', origin: 'cut' },
      { status: 200, origin: [{ body: 'abc' }] },
    ],
  }),
  chunk('a NUL behind the size', '3\0\r\nabc\r\n0\r\n\r\n'),
  chunk('0xa0 behind the size', '3\xa0\r\nabc\r\n0\r\n\r\n'),
  chunk('an underscore in the size', '0_3\r\nabc\r\n0\r\n\r\n'),
  chunk('a size beyond 64 bits', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'),
  chunk('a size that wraps to 3 in 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n'),
  chunk('a size that wraps to 3 in 32 bits', '100000003\r\nabc\r\n0\r\n\r\n', {
    want: [{ status: 'error', origin: 'cut' }],
    reason: undefined,
  }),
  chunk('a chunk longer than its size', '3\r\nabcdef\r\n0\r\n\r\n'),
  chunk('a chunk shorter than its size', '5\r\nabc\r\n0\r\n\r\n'),
  chunk('no CRLF behind a chunk', '3\r\nabc0\r\n\r\n'),
  chunk('two bytes instead of CRLF behind a chunk', '3\r\nabcXX0\r\n\r\n'),
  chunk('a bare CR behind the size', '3\rabc\r\n0\r\n\r\n'),
  chunk('a bare CR behind a chunk', '3\r\nabc\r0\r\n\r\n'),
  chunk('a bare LF within an extension', '3;x\ny\r\nabc\r\n0\r\n\r\n'),
  chunk('a bare CR within an extension', '3;x\ry\r\nabc\r\n0\r\n\r\n'),
  chunk('an extension without a name', '3;\r\nabc\r\n0\r\n\r\n', {
    want: [
      { status: 'error', connection: 'closed', origin: 'cut' },
      { status: 200, origin: [{ body: 'abc' }] },
    ],
  }),
  chunk('an extension of 100 KB', `3;x=${'y'.repeat(100_000)}\r\nabc\r\n0\r\n\r\n`, { reason: undefined }),
  chunk(
    'extensions of 100 KB in small chunks',
    `${`1;xxxxxxxxxxxxxxxxxxxx=${'y'.repeat(41)}\r\nz\r\n`.repeat(1600)}0\r\n\r\n`,
    {
      want: [
        { status: 'error', connection: 'closed', origin: 'cut' },
        { status: 200, origin: [{ body: 'z'.repeat(1600) }] },
      ],
      reason: undefined,
    },
  ),
  chunk('a trailer without a colon', '0\r\nX\r\n\r\n'),
  chunk('trailers of 100 KB', `0\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(100)}\r\n`, { reason: undefined }),
  ...byUsAlone(
    'nginx and HAProxy take a bare LF for the end of a line of chunks, and do not look into extensions and trailers',
    chunk('a bare LF behind the size', '3\nabc\r\n0\r\n\r\n'),
    chunk('a bare LF behind a chunk', '3\r\nabc\n0\r\n\r\n'),
    chunk('a bare LF behind the last size', '3\r\nabc\r\n0\n\r\n'),
    chunk('bare LFs at the end', '3\r\nabc\r\n0\r\n\n'),
    chunk('a NUL within an extension', '3;x\0\r\nabc\r\n0\r\n\r\n'),
    chunk('a trailer with a blank before its colon', '0\r\nX : y\r\n\r\n'),
    chunk('a trailer behind a bare LF', '0\r\nX: y\nZ: w\r\n\r\n'),
    chunk('a folded trailer', '0\r\nX: y\r\n z\r\n\r\n'),
    chunk('a trailer with a NUL', '0\r\nX: y\0z\r\n\r\n'),
  ),
  ...[
    'Content-Length: 44',
    'Transfer-Encoding: chunked',
    'Host: b.example',
    'Content-Encoding: gzip',
    'Authorization: x',
    'Connection: X',
    'X-Forwarded-For: 6.6.6.6',
  ].map(
    (field): Case => ({
      name: `a trailer ${field} changes nothing`,
      rule: '9110 6.5.1',
      script: [{ send: `${CHUNKED}3\r\nabc\r\n0\r\n${field}\r\n\r\n` }],
      want: [
        { status: 200, origin: [{ body: 'abc', lacks: /^(Content-E|Auth)/.test(field) ? [field] : [] }] },
        { status: 'error', origin: 'cut' },
      ],
    }),
  ),
]
