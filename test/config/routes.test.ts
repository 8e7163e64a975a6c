// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'

/** The problems of a config with these routes over the services a and b, without their line. */
function problemsOf(...routes: string[]): string[] {
  const text = `services: { a: {}, b: {} }\nroutes: [ ${routes.join(', ')} ]`
  const result = parseConfig(text, { env: {} })
  return 'problems' in result ? formatProblems('', result.problems).split('\n') : []
}

/** One mistake each: what is written of a route that leads to a, and what is said of it after its place. */
const MISTAKES: [string, string][] = [
  ['name: "my api"', '0].name: "my api" is not a route name; write letters, digits and ._:- only, 1 to 64 of them'],
  ['match: { host: "*" }', '0].match.host: "*" takes every host; leave host out'],
  [
    'match: { host: "a.*.b" }',
    '0].match.host: "a.*.b" has a wildcard that is not its first label; write *.example.com, or each host',
  ],
  [
    'match: { host: "*.1.2" }',
    '0].match.host: "*.1.2" has a wildcard that is not its first label; write *.example.com, or each host',
  ],
  ['match: { host: "::1" }', '0].match.host: "::1" has no brackets; write "[::1]"'],
  [
    'match: { path: /a, exactPath: /b }',
    '0].match.exactPath: stands beside path; write one of path, exactPath, pathPattern',
  ],
  ['match: { exactPath: "/a/{id}" }', '0].match.exactPath: "/a/{id}" has a { or }; write it as pathPattern'],
  [
    'match: { pathPattern: /a }',
    '0].match.pathPattern: "/a" has no {name}; write it as exactPath, or as path where it is a beginning',
  ],
  [
    'match: { path: /a/../b/ }',
    '0].match.path: "/a/../b/" has a dot segment; requests are matched without them, so write where it leads',
  ],
  [
    'match: { exactPath: /a/%2E }',
    '0].match.exactPath: "/a/%2E" has a dot segment; requests are matched without them, so write where it leads',
  ],
  [
    'match: { path: /a%2Fb }',
    '0].match.path: "/a%2Fb" can be read in two ways, and such a path is on no route; write it without \\, %2F, %5C',
  ],
  ['match: { method: get }', '0].match.method: "get" is not a method; did you mean "GET"?'],
  [
    'match: { method: [GET, CONNECT] }',
    '0].match.method[1]: "CONNECT" is not a method; write one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  ],
  ['match: { method: [] }', '0].match.method: is an empty list; write at least one'],
  ['match: { method: { a: 1 } }', '0].match.method: a map of keys is not a method; write a method or a list of them'],
  [
    'match: { headers: { "a b": x } }',
    '0].match.headers["a b"]: "a b" is not a header name; write letters, digits and -_.!~ alone',
  ],
  ['match: { headers: { Host: x } }', '0].match.headers.Host: "Host" is matched by host'],
  ['match: { headers: { x-a: 1 } }', '0].match.headers.x-a: 1 is a number here; put it in quotes'],
  ['match: { headers: { x-a: { prefx: a } } }', '0].match.headers.x-a.prefx: unknown key; did you mean "prefix"?'],
  [
    'match: { headers: { x-a: [a] } }',
    '0].match.headers.x-a: a list is not what a header must be; write its text, true, false or { prefix }',
  ],
  ['rewrite: {}', '0].rewrite: changes nothing; write path, prefix or host'],
  [
    'match: { path: /a/ }, rewrite: { path: /b, prefix: /c }',
    '0].rewrite.prefix: stands beside path; write one of both',
  ],
  [
    'rewrite: { prefix: /b }',
    '0].rewrite.prefix: takes the place of match.path, and there is none; write that, or path here',
  ],
  [
    'match: { path: /a/ }, rewrite: { prefix: /b }',
    '0].rewrite.prefix: ends otherwise than match.path, "/a/", so /a/x would become /bx; end both with a slash, or none',
  ],
  [
    'match: { path: /a }, rewrite: { prefix: / }',
    '0].rewrite.prefix: ends otherwise than match.path, "/a", so /a/x would become //x; end both with a slash, or none',
  ],
  ['rewrite: { path: "/a?b" }', '0].rewrite.path: "/a?b" has a query or fragment; the query of the request is kept'],
  [
    'rewrite: { path: "/a/{id}" }',
    '0].rewrite.path: "/a/{id}" has a { or }; what a pattern took cannot be put in here',
  ],
  [
    'rewrite: { path: //b }',
    '0].rewrite.path: "//b" can be read in two ways; write it with single slashes and without \\, %2F, %5C',
  ],
  ['rewrite: { path: /a/.. }', '0].rewrite.path: "/a/.." has a dot segment; write where it leads'],
  ['rewrite: { host: "a b" }', '0].rewrite.host: "a b" is not a host; write a host name such as api.example.com'],
  ['rewrite: { host: "a:70000" }', '0].rewrite.host: "a:70000" has a port above 65535'],
  [
    'requestHeaders: { set: { Host: x } }',
    '0].requestHeaders.set.Host: "Host" is not written here; write it as rewrite.host',
  ],
  [
    'requestHeaders: { remove: [Transfer-Encoding] }',
    `0].requestHeaders.remove[0]: "Transfer-Encoding" is the proxy's own to write; leave it out`,
  ],
  [
    'responseHeaders: { add: { content-length: "1" } }',
    `0].responseHeaders.add.content-length: "content-length" is the proxy's own to write; leave it out`,
  ],
  [
    'requestHeaders: { set: { X-A: a, x-a: b } }',
    '0].requestHeaders.set.x-a: is the same header as "X-A"; write it once',
  ],
  [
    'requestHeaders: { set: { x-a: "a\\r\\nb: c" } }',
    '0].requestHeaders.set.x-a: "a\\r\\nb: c" is not a header value; write visible ASCII characters, with blanks between them only, up to 4096',
  ],
  ['mirror: { service: c }', '0].mirror.service: "c" is not a service; did you mean "a"?'],
  ['mirror: { service: a }', '0].mirror.service: "a" gets these requests already; write another service'],
  ['mirror: { service: b, share: 0.1 }', '0].mirror.share: 0.1 has no unit; write a percentage such as 10%'],
  ['split: { a: 1 }', '0].split: stands beside service; write one of service, split, redirect, respond'],
]

for (const [written, expected] of MISTAKES) {
  test(`a route with "${written}" is told its one mistake`, () => {
    const problems = problemsOf(`{ ${written}, service: a }`)
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.equal(problems[0].replace(/^2:\d+: routes\[/, ''), expected)
  })
}

/** The same for routes that lead elsewhere. */
const WHOLE_MISTAKES: [string, string][] = [
  ['{ split: {} }', '0].split: has no weight above 0; write services with their weights, as in { api: 95, canary: 5 }'],
  [
    '{ split: { a: 0 } }',
    '0].split: has no weight above 0; write services with their weights, as in { api: 95, canary: 5 }',
  ],
  ['{ split: { a: 1.5 } }', '0].split.a: 1.5 is not a whole number from 0 to 1000000'],
  ['{ split: { a: 1, ax: 1 } }', '0].split.ax: "ax" is not a service; did you mean "a"?'],
  [
    '{ split: { a: 1, b: 1 }, mirror: { service: b } }',
    '0].mirror.service: "b" gets these requests already; write another service',
  ],
  ['{ redirect: {} }', '0].redirect: leads nowhere else; write scheme, host, port, path or prefix'],
  [
    '{ redirect: { status: 200, path: / } }',
    '0].redirect.status: 200 is not a status of a redirect; write one of 301, 302, 303, 307, 308',
  ],
  ['{ redirect: { host: "a:80" } }', '0].redirect.host: "a:80" has a port; write it as port'],
  ['{ redirect: { host: "a/b" } }', '0].redirect.host: "a/b" is not a host; write a host name such as api.example.com'],
  [
    '{ redirect: { path: "/\\\\evil" } }',
    '0].redirect.path: "/\\\\evil" can be read in two ways; write it with single slashes and without \\, %2F, %5C',
  ],
  [
    '{ redirect: { path: /a }, class: sheddable }',
    '0].class: goes with service or split, and this is a redirect; leave it out',
  ],
  [
    '{ respond: {}, rewrite: { path: / } }',
    '0].rewrite: goes with service or split, and this is a respond; leave it out',
  ],
  ['{ respond: { status: 204, body: x } }', '0].respond.body: an answer with 204 has none; leave it out'],
  ['{ respond: { status: 100 } }', '0].respond.status: 100 is out of range; write a whole number from 200 to 599'],
  [
    '{ respond: { headers: { Content-Type: a } } }',
    '0].respond.headers.Content-Type: "Content-Type" is not written here; write it as contentType',
  ],
  [
    `{ respond: { body: ${'x'.repeat(64 * 1024 + 1)} } }`,
    '0].respond.body: is longer than 64KiB; let a service answer that',
  ],
  ['{ match: {} }', '0]: leads nowhere; write one of service, split, redirect, respond'],
]

for (const [written, expected] of WHOLE_MISTAKES) {
  test(`the route ${written.slice(0, 80)} is told its one mistake`, () => {
    const problems = problemsOf(written)
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.equal(problems[0].replace(/^2:\d+: routes\[/, ''), expected)
  })
}

describe('a route that an earlier one hides', () => {
  const hidden = (...matches: string[]) =>
    problemsOf(...matches.map(match => `{ match: ${match}, service: a }`)).map(line => line.replace(/^2:\d+: /, ''))
  const by = (before: number, index = 1) => [
    `routes[${index}]: routes[${before}] takes all that this would take; put this one before it`,
  ]

  it('is told, with the index of the other', () => {
    assert.deepEqual(hidden('{}', '{ path: /a/ }'), by(0))
    assert.deepEqual(hidden('{ path: /a }', '{ path: /a/b }'), by(0))
    assert.deepEqual(hidden('{ path: /a/ }', '{ exactPath: /a/b }'), by(0))
    assert.deepEqual(hidden('{ path: /a/ }', '{ pathPattern: "/a/{x}" }'), by(0))
    assert.deepEqual(hidden('{ pathPattern: "/a/{x...}" }', '{ path: /a/b }'), by(0))
    assert.deepEqual(hidden('{ pathPattern: "/a/{x}/{y}" }', '{ pathPattern: "/a/{c}/{d}", method: GET }'), by(0))
    assert.deepEqual(hidden('{ exactPath: /a }', '{ exactPath: /%61 }'), by(0))
    assert.deepEqual(hidden('{ host: "*.b.c" }', '{ host: a.b.c, path: /x }'), by(0))
    assert.deepEqual(hidden('{ host: "*.c", path: /x }', '{ host: "*.b.c", path: /x/ }'), by(0))
    assert.deepEqual(hidden('{ path: /z }', '{ host: a.b }', '{ host: A.B, headers: { x: true } }'), by(1, 2))
  })

  it('is not told where some request could reach it', () => {
    for (const pair of [
      ['{ path: /a/ }', '{ path: /a }'],
      ['{ path: /a, method: GET }', '{ path: /a }'],
      ['{ path: /a, scheme: http }', '{ path: /a }'],
      ['{ path: /a, headers: { x: true } }', '{ path: /a }'],
      ['{ host: a.b }', '{ path: /a }'],
      ['{ host: "*.b" }', '{ host: b }'],
      ['{ exactPath: /a }', '{ path: /a }'],
      ['{ pathPattern: "/a/{x}" }', '{ path: /a/ }'],
      ['{ pathPattern: "/a/{x}" }', '{ pathPattern: "/a/{x}/{y}" }'],
      ['{ pathPattern: "/{x}" }', '{ pathPattern: "/{x...}" }'],
      ['{ pathPattern: "/%7B%7D/{y}" }', '{ pathPattern: "/{x}/{y}" }'],
      // A path that can be read in two ways is on the second alone.
      ['{ path: / }', '{}'],
    ]) {
      assert.deepEqual(hidden(...pair), [], pair.join(' '))
    }
  })

  it('is found among ten thousand, in the time it takes to read them', () => {
    const routes = Array.from({ length: 10_000 }, (_, i) => `{ path: /p${i}/${'x/'.repeat(5)} }`)
    assert.deepEqual(hidden(...routes, '{ path: /p77/x/x/x/x/x/y }'), by(77, 10_000))
  })
})

it('a name that is wrong is told even where another key of its route is wrong too', () => {
  const problems = problemsOf('{ match: { path: x }, service: c }')
  assert.equal(problems.length, 2, problems.join('\n'))
})
