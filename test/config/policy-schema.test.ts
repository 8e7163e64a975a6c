import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'

const MISTAKES: [string, string][] = [
  [
    'services: {a: {policy: {name: rendezvous, hash: {header: a, path: true}}}}',
    '1:49: services.a.policy.hash: names several; write one of header, cookie, query, path, source',
  ],
  [
    'services: {a: {policy: {name: rendezvous, hash: {headr: a}}}}',
    '1:50: services.a.policy.hash.headr: unknown key; did you mean "header"?',
  ],
  [
    'services: {a: {policy: {name: least-request, hash: {path: true}}}}',
    '1:52: services.a.policy.hash: not an option of least-request; it has none',
  ],
  [
    'services: {a: {policy: {name: sticky, hash: {header: a}, cookie: b}}}',
    '1:66: services.a.policy.cookie: the hash says already what names a session; write one of both',
  ],
  [
    'services: {a: {policy: {name: sticky, within: randon}}}',
    '1:47: services.a.policy.within: "randon" is not a value of within; did you mean "random"?',
  ],
  [
    'services: {a: {policy: {name: sticky, ttl: 2ms}}}',
    '1:44: services.a.policy.ttl: 2ms is too little; write 100ms or more',
  ],
  [
    'services: {a: {policy: {name: sticky, ttl: 25h}}}',
    '1:44: services.a.policy.ttl: 25h is too much; write 24h or less',
  ],
  [
    'services: {a: {policy: {name: sticky, cookie: "a b"}}}',
    '1:47: services.a.policy.cookie: "a b" is not a cookie name; write a name of letters, digits and -_.!~ alone',
  ],
]

for (const [text, problem] of MISTAKES) {
  test(`parseConfig() answers ${JSON.stringify(text)} with its one problem and its place`, () => {
    const result = parseConfig(text)
    assert.ok('problems' in result)
    assert.deepEqual(
      result.problems.map(({ line, column, path, message }) => `${line}:${column}: ${path}: ${message}`),
      [problem],
    )
  })
}

test('a policy may be a name, an alias, or a map with what the hash is made from', () => {
  for (const [written, policy] of [
    ['hrw', { name: 'hrw' }],
    ['{name: rendezvous, hash: {cookie: session}}', { name: 'rendezvous', hash: { cookie: 'session' } }],
    ['{name: sticky, ttl: 1h, within: random}', { name: 'sticky', ttl: 3_600_000, within: 'random' }],
    ['{name: rendezvous, hash: {source: true}}', { name: 'rendezvous', hash: { source: true } }],
  ] as const) {
    const result = parseConfig(`services: {a: {policy: ${written}}}`)
    assert.ok('config' in result)
    assert.deepEqual({ ...result.config.services.a.policy }, policy)
  }
})
