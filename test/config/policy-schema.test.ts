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
    'services: {a: {policy: {name: maglev, size: 65536}}}',
    '1:45: services.a.policy.size: 65536 is not a prime; write one, as 65537 or 655373, a hundred times the endpoints',
  ],
  [
    'services: {a: {policy: {name: maglev, size: 5000013}}}',
    '1:45: services.a.policy.size: 5000013 is out of range; write a whole number from 2 to 5000011',
  ],
  [
    'services: {a: {policy: {name: rendezvous, balance: 99}}}',
    '1:52: services.a.policy.balance: 99 is below the average; write 0 for no bound, or 100 or more',
  ],
  [
    'services: {a: {policy: {name: ring-hash, minimum: 2000, maximum: 1000}}}',
    '1:24: services.a.policy: minimum is 2000 and maximum 1000; write a minimum that is not above it',
  ],
  [
    'services: {a: {policy: {name: ring-hash, mode: ketma}}}',
    '1:48: services.a.policy.mode: "ketma" is not a value of mode; did you mean "ketama"?',
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
    ['{name: maglev, size: 655373, balance: 150}', { name: 'maglev', size: 655_373, balance: 150 }],
    ['{name: ring_hash, mode: ketama, points: 80}', { name: 'ring_hash', mode: 'ketama', points: 80 }],
    ['{name: wrr, schedule: edf}', { name: 'wrr', schedule: 'edf' }],
    ['{name: sticky, ttl: 1h, within: random}', { name: 'sticky', ttl: 3_600_000, within: 'random' }],
    ['{name: rendezvous, hash: {source: true}}', { name: 'rendezvous', hash: { source: true } }],
  ] as const) {
    const result = parseConfig(`services: {a: {policy: ${written}}}`)
    assert.ok('config' in result)
    assert.deepEqual({ ...result.config.services.a.policy }, policy)
  }
})
