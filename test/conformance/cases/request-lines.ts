import { ANY_HOST, alone, type Case, HOST, hostile } from '../case.ts'

/** First lines and Host fields that are none, or that two readers could take for two things. */

const line = (name: string, text: string, more: Partial<Case> = {}): Case =>
  hostile(`request line: ${name}`, '9112 3', `${text}\r\n${HOST}\r\n`, more)

const host = (name: string, text: string, more: Partial<Case> = {}): Case =>
  hostile(`Host ${name}`, '9112 3.2', `GET /h HTTP/1.1\r\n${text}\r\n`, { reason: 'bad-host', ...more })

/** Either way is right: refused, or passed on as it came. */
const orUp = (text: string): Partial<Case> => ({
  want: [
    { status: 'error', origin: [] },
    { status: 200, origin: [{ line: text }] },
  ],
  reason: undefined,
})

/** Whoever reads words between blanks of any kind (9112 3) sends them on with one each. */
const blanks = orUp('GET / HTTP/1.1')

export const REQUEST_LINES: readonly Case[] = [
  line('two blanks before the target', 'GET  / HTTP/1.1', blanks),
  line('two blanks behind the target', 'GET /  HTTP/1.1', blanks),
  line('a tab before the target', 'GET\t/ HTTP/1.1', blanks),
  line('a tab behind the target', 'GET /\tHTTP/1.1', blanks),
  line('a blank in the target', 'GET /a b HTTP/1.1'),
  line('a blank at the end', 'GET / HTTP/1.1 ', blanks),
  line('a blank at the beginning', ' GET / HTTP/1.1'),
  line('no version', 'GET /', { reason: 'http-version' }),
  line('no target', 'GET HTTP/1.1'),
  line('nothing but a method', 'GET'),
  line('a version in lower case', 'GET / http/1.1'),
  line('HTTP/0.9', 'GET / HTTP/0.9', { reason: 'http-version' }),
  line('HTTP/1.2', 'GET / HTTP/1.2', orUp('GET / HTTP/1.1')),
  line('HTTP/1.10', 'GET / HTTP/1.10'),
  line('HTTP/01.1', 'GET / HTTP/01.1'),
  line('HTTP/1', 'GET / HTTP/1'),
  line('HTTP/1.', 'GET / HTTP/1.'),
  line('HTTP/2.0', 'GET / HTTP/2.0', { reason: 'http-version' }),
  line('HTTP/3.7', 'GET / HTTP/3.7'),
  line('HTTPS/1.1', 'GET / HTTPS/1.1'),
  line('a version with a letter', 'GET / HTTP/1.1x'),
  line('a method with a control byte', 'G\x01T / HTTP/1.1'),
  line('a method with a byte above ASCII', 'G\xc3T / HTTP/1.1'),
  line('a method with a colon', 'GE:T / HTTP/1.1'),
  line('a method in lower case', 'get / HTTP/1.1', orUp('get / HTTP/1.1')),
  line('a method nobody knows', 'GETT / HTTP/1.1', orUp('GETT / HTTP/1.1')),
  line('a NUL in the target', 'GET /\0 HTTP/1.1'),
  line('a control byte in the target', 'GET /\x01 HTTP/1.1'),
  line('a DEL in the target', 'GET /\x7f HTTP/1.1'),
  line('a bare CR in the target', 'GET /\r HTTP/1.1'),
  line('a bare LF in the target', 'GET /\n HTTP/1.1'),
  ...alone(
    'nginx and HAProxy take a bare LF for the end of a line',
    line('a bare LF at its end', `GET / HTTP/1.1\nX: y`),
  ),
  line('a vertical tab for a blank', 'GET\x0b/ HTTP/1.1'),
  line('0xa0 for a blank', 'GET\xa0/ HTTP/1.1'),
  line('bytes above ASCII in the target', 'GET /caf\xe9 HTTP/1.1', orUp('GET /caf\xe9 HTTP/1.1')),
  line('a backslash for a slash', 'GET \\admin HTTP/1.1'),
  line('a backslash in the target', 'GET /a\\b HTTP/1.1', orUp('GET /a\\b HTTP/1.1')),
  line('a fragment', 'GET /a#b HTTP/1.1', {
    want: [
      { status: 'error', origin: [] },
      { status: 200, origin: [{ line: 'GET /a HTTP/1.1' }] },
    ],
  }),
  line('a relative target', 'GET admin HTTP/1.1'),
  line('a target that is a query', 'GET ?a HTTP/1.1'),
  line('* for another method than OPTIONS', 'GET * HTTP/1.1'),
  line('authority form for another method than CONNECT', 'GET a.example:80 HTTP/1.1'),
  line('user information in absolute form', 'GET http://u:p@a.example/ HTTP/1.1'),
  line('an empty host in absolute form', 'GET http:///a HTTP/1.1'),
  line('a port without a host in absolute form', 'GET http://:80/a HTTP/1.1'),
  ...alone(
    'HAProxy leaves schemes to the origin, nginx takes any',
    line('another scheme in absolute form', 'GET ftp://a.example/ HTTP/1.1'),
  ),
  line('a file', 'GET file:///etc/passwd HTTP/1.1'),
  line('a scheme without an authority', 'GET http:/a HTTP/1.1'),
  line('a backslash in the authority', 'GET http://a.example\\@b.example/ HTTP/1.1'),
  line('a bracket that does not close in absolute form', 'GET http://[::1/ HTTP/1.1'),
  line('a fragment in absolute form', 'GET http://a.example/#x HTTP/1.1'),
  hostile('CONNECT', '9110 9.3.6', `CONNECT a.example:443 HTTP/1.1\r\n${HOST}\r\n`, { reason: 'method-not-allowed' }),
  hostile('CONNECT with a path', '9110 9.3.6', `CONNECT /x HTTP/1.1\r\n${HOST}\r\n`, { reason: undefined }),
  hostile('TRACE with a body', '9110 9.3.8', `TRACE /t HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`, {
    want: [
      { status: 'error', origin: [] },
      { status: 200, answers: 1, origin: [{ line: 'TRACE /t HTTP/1.1', body: 'abc' }] },
    ],
    reason: undefined,
  }),
  hostile('the preface of HTTP/2', '9113 3.4', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00'),
  hostile('a greeting in TLS', '9112 3', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  hostile('a greeting of SSH', '9112 3', 'SSH-2.0-OpenSSH_9.2\r\n'),
  hostile('an answer for a request', '9112 3', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  hostile('HTTP/0.9 behind an empty line', '9112 3', '\r\nGET /smuggled\r\n\r\n', { reason: 'http-version' }),
  hostile('blank lines with blanks in them', '9112 2.2', ` \r\n\t\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  hostile('a header before the request line', '9112 2.2', `X: y\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  host('is missing', ''),
  host('twice', 'Host: a.example\r\nHost: b.example\r\n'),
  host('twice the same', 'Host: a.example\r\nHost: a.example\r\n'),
  host('twice in two cases', 'Host: a.example\r\nhOST: b.example\r\n'),
  host('with a path', 'Host: a.example/x\r\n'),
  host('with a blank', 'Host: a b\r\n'),
  host('with a tab', 'Host: a\tb\r\n'),
  host('as a list', 'Host: a.example, b.example\r\n', { want: [{ status: 'error', origin: [] }] }),
  ...alone(ANY_HOST, host('with a port beyond five digits', 'Host: a.example:800000\r\n')),
  host('with a scheme', 'Host: http://a.example\r\n'),
  ...alone(
    ANY_HOST,
    host('with user information', 'Host: u@a.example\r\n'),
    host('with a query', 'Host: a.example?x\r\n'),
    host('with a bad port', 'Host: a.example:8x\r\n'),
    host('with two ports', 'Host: a.example:80:81\r\n'),
    host('with a backslash', 'Host: a\\b\r\n'),
    host('with bytes above ASCII', 'Host: caf\xe9.example\r\n'),
    host('with a bracket that does not close', 'Host: [::1\r\n'),
    host('with letters behind a bracket', 'Host: [::1]x\r\n'),
    host('with quotes', 'Host: "a.example"\r\n'),
    host('with angle brackets', 'Host: <a>\r\n'),
  ),
  host('with a NUL', 'Host: a\0.example\r\n', { reason: 'bad-request' }),
  host('behind a blank', ' Host: a.example\r\n', { reason: 'bad-request' }),
  host('with a blank before its colon', 'Host : a.example\r\n', { reason: 'bad-request' }),
  host('missing beside an absolute target', '', {
    script: [{ send: `GET http://a.example/h HTTP/1.1\r\n\r\n` }],
    isLast: false,
  }),
]
