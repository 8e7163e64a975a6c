import { type Case, HOST } from '../case.ts'

/** What takes turns: interim answers, pipelines, early and late answers, and either side leaving in the middle. */

const GET = `GET /a HTTP/1.1\r\n${HOST}\r\n`
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

export const CONVERSATIONS: readonly Case[] = [
  {
    name: '103 comes before the answer',
    rule: '9110 15.2',
    script: [{ send: GET }],
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${OK}`,
    want: [{ status: 200, interim: [103], body: 'ok', connection: 'kept' }],
  },
  {
    name: '102 and 103 come one after the other',
    rule: '9110 15.2',
    script: [{ send: GET }],
    answer: `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n${OK}`,
    want: [{ status: 200, interim: [102, 103], body: 'ok', connection: 'kept' }],
  },
  {
    name: 'HTTP/1.0 gets no interim answer',
    rule: '9110 15.2',
    script: [{ send: `GET /a HTTP/1.0\r\n${HOST}\r\n` }],
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${OK}`,
    because: 'nginx 1.22 takes an interim answer for the answer, HAProxy passes it to everybody',
    want: [{ status: 200, interim: [], body: 'ok', connection: 'closed' }],
  },
  {
    name: '100 Continue lets a waiting body come',
    rule: '9110 10.1.1',
    script: [
      { send: `POST /e HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n` },
      { gets: 'HTTP/1.1 100 Continue\r\n\r\n' },
      { send: 'hello' },
    ],
    want: [{ status: 200, interim: [100], connection: 'kept', origin: [{ body: 'hello' }] }],
  },
  {
    name: 'a body that does not wait for 100 Continue is taken all the same',
    rule: '9110 10.1.1',
    script: [{ send: `POST /e HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello` }],
    want: [{ status: 200, connection: 'kept', origin: [{ body: 'hello' }] }],
  },
  {
    name: 'an expectation in HTTP/1.0 is none',
    rule: '9110 10.1.1',
    script: [{ send: `POST /e HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello` }],
    want: [{ status: 200, interim: [], origin: [{ body: 'hello' }] }],
  },
  {
    name: 'three requests at once are answered in their order',
    rule: '9112 9.3.2',
    script: [{ send: ['/1', '/2', '/3'].map(path => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join('') }],
    want: [{ status: 200, answers: 3, connection: 'kept' }],
  },
  {
    name: 'a request behind a body is a request of its own',
    rule: '9112 9.3.2',
    script: [{ send: `POST /1 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n${HOST}\r\n` }],
    want: [
      {
        status: 200,
        answers: 2,
        connection: 'kept',
        origin: [{ line: 'POST /1 HTTP/1.1', body: 'abc' }, { line: 'GET /2 HTTP/1.1' }],
      },
    ],
  },
  {
    name: 'a request may come byte by byte',
    rule: '9112 2.2',
    script: [...`POST /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`].map(send => ({
      send,
    })),
    want: [{ status: 200, connection: 'kept', origin: [{ line: 'POST /b HTTP/1.1', body: 'abc' }] }],
  },
  {
    name: 'a body is passed on as it comes',
    rule: '9110 7.7',
    script: [
      { send: `POST /s HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nfirst` },
      { originGets: 'first' },
      { send: '-last' },
    ],
    want: [{ status: 200, connection: 'kept', origin: [{ body: 'first-last' }] }],
  },
  {
    name: 'events of a stream come one by one',
    rule: '9110 7.7',
    script: [
      { send: GET },
      { originGets: '/a' },
      { originSends: `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n` },
      { gets: 'text/event-stream' },
      { originSends: '9\r\ndata: 1\n\n\r\n' },
      { gets: 'data: 1' },
      { originSends: '9\r\ndata: 2\n\n\r\n' },
      { gets: 'data: 2' },
      { originSends: '0\r\n\r\n' },
    ],
    answer: '',
    want: [{ status: 200, body: 'data: 1\n\ndata: 2\n\n', connection: 'kept' }],
  },
  {
    name: 'the head of an answer may come byte by byte',
    rule: '9112 2.2',
    script: [{ send: GET }, { originGets: '/a' }, ...[...OK].map(originSends => ({ originSends }))],
    answer: '',
    want: [{ status: 200, body: 'ok', connection: 'kept' }],
  },
  {
    name: 'an answer before the body has come reaches a downstream that still sends',
    rule: '9112 9.5',
    script: [
      { send: `POST /early HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n${'x'.repeat(1000)}` },
      { originGets: 'xxx' },
      { originSends: 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig' },
      { gets: 'big' },
    ],
    answer: '',
    isLast: true,
    want: [{ status: 413, body: 'big', connection: 'closed' }],
  },
  ...(
    [
      ['a chunked answer', `${CHUNKED}5\r\nhello\r\n`, 'chunked'],
      ['an answer with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'length'],
    ] as const
  ).flatMap(([what, bytes, framing]): Case[] =>
    (['close', 'reset'] as const).map(how => ({
      name: `${what} that breaks off by ${how} is seen to be cut`,
      rule: '9112 8',
      script: [{ send: GET }, { originGets: '/a' }, { originSends: bytes }, { gets: 'hello' }, { originLeaves: how }],
      answer: '',
      isLast: true,
      want: [{ status: 200, framing, isWhole: false, connection: 'closed' }],
    })),
  ),
  {
    name: 'an answer to HTTP/1.0 that breaks off ends in a reset',
    rule: '9112 8',
    script: [
      { send: `GET /a HTTP/1.0\r\n${HOST}\r\n` },
      { originGets: '/a' },
      { originSends: `${CHUNKED}5\r\nhello\r\n` },
      { gets: 'hello' },
      { originLeaves: 'close' },
    ],
    answer: '',
    isLast: true,
    want: [{ status: 200 }],
  },
  {
    name: 'an origin that leaves without an answer is answered for',
    rule: '9110 15.6.3',
    script: [
      { send: `POST /a HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi` },
      { originGets: 'hi' },
      { originLeaves: 'close' },
    ],
    answer: '',
    want: [{ status: 502, origin: [{ line: 'POST /a HTTP/1.1', body: 'hi' }] }],
  },
  {
    name: 'an origin that leaves in the middle of its head is answered for',
    rule: '9110 15.6.3',
    script: [
      { send: `POST /a HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi` },
      { originGets: 'hi' },
      { originSends: 'HTTP/1.1 200 OK\r\nX: ' },
      { originLeaves: 'close' },
    ],
    answer: '',
    want: [{ status: 502 }],
  },
  ...(['close', 'reset'] as const).map(
    (leaves): Case => ({
      name: `a downstream that leaves by ${leaves} before its answer takes its request along`,
      rule: '9112 9.5',
      script: [{ send: GET }, { originGets: '/a' }, { leaves }, { originLosesDownstream: true }],
      answer: '',
      want: [{}],
    }),
  ),
  {
    name: 'a downstream that leaves in the middle of an answer takes its request along',
    rule: '9112 9.5',
    script: [
      { send: GET },
      { originGets: '/a' },
      { originSends: `${CHUNKED}5\r\nhello\r\n` },
      { gets: 'hello' },
      { leaves: 'close' },
      { originLosesDownstream: true },
    ],
    answer: '',
    want: [{}],
  },
  {
    name: 'a downstream that leaves in the middle of its body is not taken for done',
    rule: '9112 8',
    script: [
      { send: `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n` },
      { originGets: 'hello' },
      { leaves: 'close' },
      { originLosesDownstream: true },
    ],
    answer: '',
    want: [{ origin: 'cut' }],
  },
]
