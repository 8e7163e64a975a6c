import { type Case, HOST } from '../case.ts'

/** What good requests must look like at the origin. */

const LONG = 'v'.repeat(6000)
const LATIN1 = 'caf\u00e9 \u00ff\u00a0\u0085 na\u00efve'
const BIG = Array.from({ length: 20_000 }, (_, i) => `${i.toString(36)}-signalbox;`).join('')

/** A request that must reach the origin with this line. */
function goesUp(name: string, rule: string, bytes: string, line: string, more: Partial<Case> = {}): Case {
  const want = [{ status: 200, body: 'ok', connection: 'kept', origin: [{ line }] }] as const
  return { name, rule, script: [{ send: bytes }], want, ...more }
}

const method = (name: string): Case => ({
  ...goesUp(`${name} reaches the origin`, '9110 9', `${name} /m HTTP/1.1\r\n${HOST}\r\n`, `${name} /m HTTP/1.1`),
})

const withBody = (name: string): Case => ({
  name: `${name} takes its body along`,
  rule: '9110 9.3',
  script: [{ send: `${name} /m HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello` }],
  want: [
    {
      status: 200,
      connection: 'kept',
      origin: [{ line: `${name} /m HTTP/1.1`, body: 'hello', framing: 'length', has: ['Content-Length: 5'] }],
    },
  ],
})

/** A target that must arrive byte for byte. */
const target = (name: string, text: string): Case =>
  goesUp(
    `target with ${name} arrives byte for byte`,
    '9110 7.7',
    `GET ${text} HTTP/1.1\r\n${HOST}\r\n`,
    `GET ${text} HTTP/1.1`,
  )

/** Fields that must arrive, and others that must not. */
function fields(
  name: string,
  rule: string,
  sent: string,
  has: string[],
  lacks: string[],
  more: Partial<Case> = {},
): Case {
  return {
    name,
    rule,
    script: [{ send: `GET /f HTTP/1.1\r\n${HOST}${sent}\r\n` }],
    want: [{ status: 200, origin: [{ has, lacks }] }],
    ...more,
  }
}

export const GOOD_REQUESTS: readonly Case[] = [
  ...['GET', 'DELETE', 'OPTIONS', 'PURGE', 'REPORT', 'PROPFIND'].map(method),
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'GET'].map(withBody),
  goesUp('HEAD reaches the origin', '9110 9.3.2', `HEAD /m HTTP/1.1\r\n${HOST}\r\n`, 'HEAD /m HTTP/1.1', {
    methods: ['HEAD'],
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
    want: [{ status: 200, body: '', has: ['Content-Length: 1234'], connection: 'kept' }],
  }),
  {
    name: 'POST without content has Content-Length: 0 or none',
    rule: '9110 8.6',
    script: [{ send: `POST /m HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n` }],
    want: [{ status: 200, connection: 'kept', origin: [{ line: 'POST /m HTTP/1.1', body: '' }] }],
  },
  target('an empty query', '/?'),
  target('question marks in the query', '/a?b?c=?&?'),
  target('percent signs that escape nothing', '/a?x=%zz&y=100%'),
  target('escapes in either case', '/%41%2f%2F%7e%C3%A9'),
  target('quotes', '/a?q="b"&r=\'c\''),
  target('pipes, brackets and braces', '/a|b[1]?x[]={y}|^`'),
  target('empty segments', '//a//b///'),
  target('dot segments', '/a/./b/../c/..'),
  target('escaped dot segments', '/a/%2e%2e/b'),
  target('semicolons and commas', '/a;v=1,2/b;jsessionid=3?x;y'),
  target('a scheme in its query', '/go?to=http://b.example/%3F#'.slice(0, -1)),
  target('4,000 bytes', `/${'x'.repeat(3999)}`),
  {
    name: 'absolute form goes to the authority it names',
    rule: '9112 3.2.2',
    script: [{ send: `GET http://b.example:81/x?y HTTP/1.1\r\n${HOST}\r\n` }],
    want: [
      { status: 200, origin: [{ line: 'GET /x?y HTTP/1.1', has: ['Host: b.example:81'] }] },
      { status: 200, origin: [{ line: 'GET http://b.example:81/x?y HTTP/1.1', has: ['Host: b.example:81'] }] },
    ],
    because: 'nginx keeps a Host that says otherwise, HAProxy refuses it',
  },
  {
    name: 'absolute form without a path asks for /',
    rule: '9110 7.7',
    script: [{ send: 'GET http://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n' }],
    want: [{ status: 200, origin: [{ line: 'GET /?q HTTP/1.1', has: ['Host: a.example'] }] }],
  },
  {
    name: 'OPTIONS * is answered, by the proxy or by the origin',
    rule: '9110 9.3.7',
    script: [{ send: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n` }],
    want: [
      { status: [200, 204], origin: [], connection: 'kept' },
      { status: 200, origin: [{ line: 'OPTIONS * HTTP/1.1' }] },
    ],
  },
  {
    name: 'Max-Forwards: 0 ends an OPTIONS at the proxy',
    rule: '9110 7.6.2',
    script: [{ send: `OPTIONS /x HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n` }],
    want: [{ status: [200, 204], origin: [], connection: 'kept' }],
    because: 'nginx and HAProxy count nothing down',
  },
  {
    name: 'Max-Forwards is counted down for OPTIONS and TRACE',
    rule: '9110 7.6.2',
    script: [{ send: `OPTIONS /x HTTP/1.1\r\n${HOST}Max-Forwards: 7\r\n\r\n` }],
    want: [{ status: 200, origin: [{ has: ['Max-Forwards: 6'] }] }],
    because: 'nginx and HAProxy count nothing down',
  },
  fields('Max-Forwards is left alone for GET', '9110 7.6.2', 'Max-Forwards: 7\r\n', ['Max-Forwards: 7'], []),
  fields('fields arrive with empty values', '9110 5.5', 'X-Empty:\r\nX-Blank: \t \r\n', ['X-Empty:', 'X-Blank:'], []),
  fields('a value loses the blanks around it and none within', '9110 5.5', 'X: \t a  b\tc \t\r\n', ['X: a  b\tc'], []),
  fields('latin1 bytes of a value arrive as they are', '9110 5.5', `X-Name: ${LATIN1}\r\n`, [`X-Name: ${LATIN1}`], []),
  fields('a value of 6,000 bytes arrives whole', '9110 5.4', `X-Long: ${LONG}\r\n`, [`X-Long: ${LONG}`], []),
  fields(
    'every sign that a name may have is let through',
    '9110 5.6.2',
    "X!#$%&'*+-.^`|~9: 1\r\n",
    ["X!#$%&'*+-.^`|~9: 1"],
    [],
  ),
  fields('an underscore in a name is let through', '9110 5.6.2', 'X_Y: 1\r\n', ['X_Y: 1'], []),
  fields(
    'names like those of prototypes are only names',
    '9110 5.1',
    '__proto__: 1\r\nconstructor: 2\r\ntoString: 3\r\n',
    ['__proto__: 1', 'constructor: 2', 'toString: 3'],
    [],
  ),
  {
    name: 'order, case and duplicates of fields are kept',
    rule: '9110 5.3',
    script: [{ send: `GET / HTTP/1.1\r\n${HOST}X-B: 1\r\nx-a: 2\r\nX-b: 3\r\nACCEPT: a\r\naccept: b\r\n\r\n` }],
    want: [{ status: 200, origin: [{ exact: ['X-B: 1', 'x-a: 2', 'X-b: 3', 'ACCEPT: a', 'accept: b'] }] }],
  },
  fields('Host arrives as it came', '9112 3.2', '', ['Host: a.example'], []),
  fields(
    'Connection and what it names stop here',
    '9110 7.6.1',
    'Connection: keep-alive, X-Hop , x-two\r\nX-Hop: 1\r\nX-Two: 2\r\nX-Three: 3\r\n',
    ['X-Three: 3'],
    ['X-Hop', 'X-Two'],
    { because: 'nginx and HAProxy look for nothing but close and keep-alive in Connection' },
  ),
  fields(
    'two Connection fields are one list',
    '9110 5.3',
    'Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\n',
    [],
    ['X-Hop'],
    { because: 'nginx and HAProxy look for nothing but close and keep-alive in Connection' },
  ),
  fields(
    'Connection cannot take out what the next hop relies on',
    '9110 7.6.1',
    'Connection: Host, Authorization, Cookie\r\nAuthorization: Basic x\r\nCookie: a=b\r\n',
    ['Host: a.example', 'Authorization: Basic x', 'Cookie: a=b'],
    [],
  ),
  fields(
    'Connection cannot take out what we say of the downstream',
    '9110 7.6.1',
    'Connection: X-Forwarded-For\r\n',
    ['X-Forwarded-For: 127.0.0.1'],
    [],
  ),
  fields(
    'Keep-Alive, Proxy-Connection and TE: gzip stop here',
    '9110 7.6.1',
    'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n',
    [],
    ['Keep-Alive', 'Proxy-Connection', 'TE'],
    { because: 'nginx and HAProxy take out what a request of theirs would have, and let these through' },
  ),
  fields('Upgrade without an upgrade stops here', '9110 7.8', 'Upgrade: websocket\r\n', [], ['Upgrade']),
  fields(
    'an upgrade to h2c is not asked for',
    '9113 3.1',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    [],
    ['Upgrade', 'HTTP2-Settings'],
    { because: 'nginx lets HTTP2-Settings through, HAProxy the whole wish' },
  ),
  fields(
    'Proxy-Authorization is for us',
    '9110 11.7.2',
    'Proxy-Authorization: Basic x\r\n',
    [],
    ['Proxy-Authorization'],
    {
      because: 'nginx and HAProxy let it through',
    },
  ),
  fields('Via tells of us', '9110 7.6.3', 'Via: 1.0 fred\r\n', ['Via: 1.0 fred', 'Via: 1.1 signalbox'], [], {
    because: 'nginx and HAProxy write no Via',
  }),
  fields(
    'X-Forwarded-For tells of the peer, and nothing it made up',
    '9110 7.6',
    'X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n',
    ['X-Forwarded-For: 127.0.0.1'],
    ['Forwarded'],
    { because: 'nginx and HAProxy believe claims unless told to delete them' },
  ),
  fields(
    'Content-Encoding, Range and conditions arrive untouched',
    '9110 7.7',
    'Accept-Encoding: br;q=1, gzip\r\nRange: bytes=0-4\r\nIf-None-Match: "x"\r\nIf-Range: "y"\r\n',
    ['Accept-Encoding: br;q=1, gzip', 'Range: bytes=0-4', 'If-None-Match: "x"', 'If-Range: "y"'],
    [],
  ),
  {
    name: 'a request in HTTP/1.0 is sent on in HTTP/1.1, and its connection closes',
    rule: '9110 2.5',
    script: [{ send: `GET /old HTTP/1.0\r\n${HOST}\r\n` }],
    want: [{ status: 200, body: 'ok', connection: 'closed', origin: [{ line: 'GET /old HTTP/1.1' }] }],
  },
  {
    name: 'a request in HTTP/1.0 may ask to keep its connection',
    rule: '9112 C.2.2',
    script: [{ send: `GET /old HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n` }],
    want: [{ status: 200, body: 'ok', connection: 'kept', has: ['Connection: keep-alive'] }],
  },
  {
    name: 'a request in HTTP/1.0 needs no Host',
    rule: '9112 3.2',
    script: [{ send: 'GET /old HTTP/1.0\r\n\r\n' }],
    want: [{ status: 200, body: 'ok', connection: 'closed' }],
  },
  {
    name: 'Connection: close closes after the answer',
    rule: '9112 9.6',
    script: [{ send: `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n` }],
    want: [{ status: 200, has: ['Connection: close'], connection: 'closed' }],
  },
  goesUp(
    'an empty line before a request is nothing',
    '9112 2.2',
    `\r\nGET /e HTTP/1.1\r\n${HOST}\r\n`,
    'GET /e HTTP/1.1',
  ),
  {
    name: 'a chunked body arrives with its bytes',
    rule: '9112 7.1',
    script: [
      {
        send: `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0006;x=y;z="q\\"\\\\"\r\n world\r\n0\r\n\r\n`,
      },
    ],
    want: [{ status: 200, connection: 'kept', origin: [{ body: 'hello world' }] }],
  },
  {
    name: 'Chunked is chunked in any case',
    rule: '9112 7',
    script: [{ send: `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n` }],
    want: [{ status: 200, connection: 'kept', origin: [{ body: '0123456789' }] }],
  },
  {
    name: 'trailers of a request end here or arrive as trailers, never as fields',
    rule: '9110 6.5.1',
    script: [
      { send: `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n` },
    ],
    want: [
      { status: 200, connection: 'kept', origin: [{ body: 'abc', lacks: ['X-Sum'] }] },
      { status: 200, connection: 'kept', origin: [{ body: 'abc', trailers: ['X-Sum: 1'] }] },
    ],
  },
  {
    name: 'a body of 300 KB arrives byte for byte',
    rule: '9110 6.4',
    script: [{ send: `POST /big HTTP/1.1\r\n${HOST}Content-Length: ${BIG.length}\r\n\r\n` }, { send: BIG }],
    want: [{ status: 200, connection: 'kept', origin: [{ body: BIG }] }],
  },
  {
    name: 'every byte may be in a body',
    rule: '9110 6.4',
    script: [{ send: `PUT /all HTTP/1.1\r\n${HOST}Content-Length: 256\r\n\r\n${allBytes()}` }],
    want: [{ status: 200, connection: 'kept', origin: [{ body: allBytes() }] }],
  },
]

function allBytes(): string {
  return String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
}
