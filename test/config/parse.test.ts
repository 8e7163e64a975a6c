// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConfigResult, parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'

function read(text: string, env: Record<string, string> = {}) {
  const result = parseConfig(text, { env })
  if ('problems' in result) assert.fail(formatProblems('', result.problems))
  return result.config
}

/** The problems as lines, `line:column: path: message`. */
function problemsOf(text: string, env: Record<string, string> = {}): string[] {
  return lines(parseConfig(text, { env }))
}

function lines(result: ConfigResult): string[] {
  return 'problems' in result ? formatProblems('', result.problems).split('\n') : []
}

test('parseConfig() takes listen as a text, a port, a map or a list', () => {
  const listen = (written: string) => read(`{ services: { a: {} }, listen: ${written} }`).listen
  const one = [{ address: '127.0.0.1', port: 80, proxyProtocol: false }]
  for (const written of ['127.0.0.1:80', '":80"', '80', '{ address: 80 }', '[80]', '[{ address: "127.0.0.1:80" }]']) {
    assert.deepEqual(listen(written), one, written)
  }
  assert.deepEqual(listen('["[::1]:1", { address: "a:0", proxyProtocol: true }]'), [
    { address: '::1', port: 1, proxyProtocol: false },
    { address: 'a', port: 0, proxyProtocol: true },
  ])
})

test('parseConfig() reads JSON, tabs and escapes included', () => {
  const config = read(
    '{\n\t"services": {\n\t\t"api": { "endpoints": [ { "url": "http:\\/\\/a", "zone": "z\\u0031" } ] }\n\t}\n}',
  )
  assert.equal(config.services.api!.endpoints[0]!.url, 'http://a')
  assert.equal(config.services.api!.endpoints[0]!.zone, 'z1')
})

test('parseConfig() takes numbers and flags from the environment', () => {
  const config = read(
    '{ services: { a: {} }, workers: "${W}", log: { access: "${A:-false}" }, listen: "127.0.0.1:${P}" }',
    {
      W: '3',
      P: '99',
    },
  )
  assert.equal(config.workers, 3)
  assert.equal(config.log.access, false)
  assert.equal(config.listen[0]!.port, 99)
})

test('parseConfig() reads a policy with its options, by name or alias', () => {
  const policy = (written: string) => read(`services: { a: { policy: ${written} } }`).services.a!.policy
  assert.deepEqual(policy('round-robin'), { name: 'round-robin' })
  assert.deepEqual(policy('least_connections'), { name: 'least_connections' })
  assert.deepEqual(policy('{ name: weighted-round-robin, schedule: stride }'), {
    name: 'weighted-round-robin',
    schedule: 'stride',
  })
})

test('a config with three mistakes gives three problems, in the order of the file', () => {
  const text = `listen: 127.0.0.1:99999
services:
  users:
    policy: least-requst
    heathCheck: {}
`
  assert.deepEqual(problemsOf(text), [
    '1:9: listen: "127.0.0.1:99999" has a port above 65535; write a port from 0 to 65535',
    '4:13: services.users.policy: "least-requst" is not a policy; did you mean "least-request"?',
    '5:5: services.users.heathCheck: unknown key; did you mean "healthCheck"?',
  ])
})

test('mistakes of all kinds are told together: keys, values, the environment, and what keys must be to each other', () => {
  const text = `admin: { listen: 0.0.0.0:1 }
services:
  a:
    endpoints:
      - { id: x, url: "http://a" }
      - { id: x, url: "\${NOWHERE}" }
      - { id: x, url: "http://b" }
    outlier: { maxEjection: 1s }
  a: {}
routes: [{ service: b }]
cluster: { node: n }
`
  assert.deepEqual(problemsOf(text), [
    '1:8: admin.token: missing; 0.0.0.0:1 is not loopback, so write a token or listen on 127.0.0.1',
    '6:23: services.a.endpoints[1].url: the environment has no NOWHERE; set it, or write ${NOWHERE:-default}',
    '7:15: services.a.endpoints[2].id: "x" is the id of endpoints[0] too; write another',
    '8:29: services.a.outlier.maxEjection: 1s is shorter than baseEjection, 30s; write 30s or more',
    '9:3: services.a: this key is also on line 3; write it once',
    '10:21: routes[0].service: "b" is not a service; did you mean "a"?',
    '11:1: cluster: not available in this version; remove it',
  ])
})

/** One mistake each: the text, and the one line it must give. */
const MISTAKES: [string, string][] = [
  ['', '1:1: the config is empty; write at least services'],
  ['# nothing\n', '1:1: the config is empty; write at least services'],
  ['services:\n\ta: {}', '2:1: not YAML: Tabs are not allowed as indentation'],
  ['services: {a: {}', '1:17: not YAML: Flow map in block collection must be sufficiently indented and end with a }'],
  ['services: {a: !x {}}', '1:15: not YAML: Unresolved tag: !x'],
  ['services: {a: {}}\n---\nx: 1', '2:1: a second document begins here; write one config per file'],
  ['services: {a: *x}', '1:15: services.a: *x has no anchor before it; write &x there'],
  ['services: &x {a: *x}', '1:18: services.a: *x is inside of its own anchor; write the value out'],
  ['services: {a: {}, __proto__: {}}', '1:19: services.__proto__: a key of this name is refused; choose another'],
  [
    'services: {a: {endpoints: [{url: "http://a", metadata: {constructor: x}}]}}',
    '1:57: services.a.endpoints[0].metadata.constructor: a key of this name is refused; choose another',
  ],
  ['services: {a: {}}\nservices: {a: {}}', '2:1: services: this key is also on line 1; write it once'],
  ['{"services": {"a": {}},\n "zone": "x", "zone": "y"}', '2:15: zone: this key is also on line 2; write it once'],
  ['servces: {a: {}}', '1:1: servces: unknown key; did you mean "services"?'],
  [
    'services: {a: {}}\nbanana: 1',
    '2:1: banana: unknown key; the keys known here are listen, workers, zone, admin, log, limits, drain, trustedProxies, forwarded, requestId, trace, services, routes, agents',
  ],
  ['services: {}', '1:11: services: has no service; write at least one'],
  ['zone: x', '1:1: services: missing; write at least one service'],
  ['services:', '1:10: services: has no value; write a map of keys'],
  ['services: [a]', '1:11: services: a list is not a map of keys; write a map of keys'],
  [
    'services: {a b: {}}',
    '1:12: services["a b"]: "a b" is not a service name; write letters, digits and ._:- only, 1 to 64 of them',
  ],
  [
    'services:\n  a:',
    '2:5: services.a: has no value; write a map with the keys policy, endpoints, discover, healthCheck, timeouts, tls, protocol, capacity, connections, retry, outlier, slowStart, adaptiveConcurrency, panicThreshold, failOnPanic, overprovisioning, limits, breaker, locality, subsetting',
  ],
  [
    'services: {a: {}, b: {}}',
    '1:1: routes: missing; with 2 services, write which requests go to which, as in { match: { path: /v1/ }, service: a }',
  ],
  [
    'services: {a: {}}\nroutes: [{match: {path: v1}, service: a}]',
    '2:25: routes[0].match.path: "v1" is not a path; write a path that begins with /, such as /v1/',
  ],
  [
    'services: {a: {}}\nroutes: [{match: {host: "a.b:80"}, service: a}]',
    '2:25: routes[0].match.host: "a.b:80" has a port; a route matches the host alone, so leave the port out',
  ],
  [
    'services: {a: {endpoints: [{}]}}',
    '1:28: services.a.endpoints[0].url: missing; write http://host:port or https://host:port',
  ],
  ['services: {a: {endpoints: {}}}', '1:27: services.a.endpoints: a map of keys is not a list; write a list'],
  [
    'services: {a: {endpoints: [{url: "ftp://a"}]}}',
    '1:34: services.a.endpoints[0].url: "ftp://a" is not an endpoint url; write http://host:port or https://host:port',
  ],
  [
    'services: {a: {endpoints: [{url: "http://a"}, {url: "http://a:80"}]}}',
    '1:53: services.a.endpoints[1].url: gives the id "a:80", which endpoints[0] has too; write an id',
  ],
  [
    'services: {a: {endpoints: [{url: "http://a", weight: 65536}]}}',
    '1:54: services.a.endpoints[0].weight: 65536 is out of range; write a number from 0 to 65535',
  ],
  [
    'services: {a: {endpoints: [{url: "http://a", metadata: {v: 1.10}}]}}',
    '1:60: services.a.endpoints[0].metadata.v: 1.1 is a number here; put it in quotes',
  ],
  [
    'services: {a: {policy: {name: round-robin, schedule: stride}}}',
    '1:54: services.a.policy.schedule: not an option of round-robin; it has none',
  ],
  [
    'services: {a: {policy: {name: weighted-round-robin, schedule: strid}}}',
    '1:63: services.a.policy.schedule: "strid" is not a value of schedule; did you mean "stride"?',
  ],
  ['services: {a: {policy: {nam: round-robin}}}', '1:25: services.a.policy.nam: unknown key; did you mean "name"?'],
  [
    'services: {a: {policy: [x]}}',
    '1:24: services.a.policy: a list is not a policy; write the name of a policy, or { name, ...options }',
  ],
  ['services: {a: {}}\nlisten: []', '2:9: listen: is an empty list; write at least one'],
  ['services: {a: {}}\nlisten: ["a:1", "a:1"]', '2:17: listen[1]: a:1 is listened on already; write each address once'],
  ['services: {a: {}}\nlisten: [a:1, {addres: x}]', '2:16: listen[1].addres: unknown key; did you mean "address"?'],
  [
    'services: {a: {}}\nlisten: localhost:9901\nadmin: {listen: localhost:9901}',
    '3:17: admin.listen: localhost:9901 is an address of the proxy too; give the admin listener another',
  ],
  [
    'services: {a: {}}\nadmin: {listen: "[::]:1", token: ""}',
    '2:34: admin.token: empty; [::]:1 is not loopback, so write a token or listen on 127.0.0.1',
  ],
  [
    'services: {a: {}}\nlog: {level: verbose}',
    '2:14: log.level: "verbose" is not a log level; write one of trace, debug, info, warn, error, fatal, silent',
  ],
  ['services: {a: {}}\nlog: {access: yes}', '2:15: log.access: "yes" is not true or false'],
  ['services: {a: {}}\nworkers: 0', '2:10: workers: 0 is out of range; write a whole number from 1 to 1024'],
  ['services: {a: {}}\nworkers: 1.5', '2:10: workers: 1.5 is not a whole number from 1 to 1024'],
  ['services: {a: {}}\nlimits: {headerTimeout: 10}', '2:25: limits.headerTimeout: 10 has no unit; write 10ms or 10s'],
  [
    'services: {a: {}}\nlimits: {headerBytes: 1MB}',
    '2:23: limits.headerBytes: "1MB" is not a size; did you mean "1MiB"?',
  ],
  ['services: {a: {}}\nlimits: {urlBytes: 1B}', '2:20: limits.urlBytes: 1B is too little; write 64B or more'],
  [
    'services: {a: {healthCheck: {interval: 1ms}}}',
    '1:40: services.a.healthCheck.interval: 1ms is too little; write 10ms or more',
  ],
  [
    'services: {a: {panicThreshold: 0.5}}',
    '1:32: services.a.panicThreshold: 0.5 has no unit; write a percentage such as 50%',
  ],
  [
    'services: {a: {}}\ntrustedProxies: [10.0.0.0/99]',
    '2:18: trustedProxies[0]: "10.0.0.0/99" has a wrong prefix length; write 10.0.0.0/0 to 10.0.0.0/32',
  ],
  [
    'services: {a: {}}\nagents: {health-monitr: {}}',
    '2:10: agents.health-monitr: unknown key; did you mean "health-monitor"?',
  ],
  [
    'services: {a: {}}\n<<: {zone: x}',
    '2:1: ["<<"]: unknown key; merge keys are not read, so write the keys out or repeat a whole value with an alias',
  ],
  ['services: {a: {}}\nzone: "${Z}"', '2:7: zone: the environment has no Z; set it, or write ${Z:-default}'],
]

for (const [text, expected] of MISTAKES) {
  test(`parseConfig() answers ${JSON.stringify(text)} with its one problem and its place`, () => {
    assert.deepEqual(problemsOf(text), [expected])
  })
}

test('a mistake that is written once and used twice through an alias is told once', () => {
  const text = 'services: { a: &a { retry: { attempts: 99 } }, b: *a }\nroutes: [{ service: a }]'
  assert.deepEqual(problemsOf(text), [
    '1:40: services.a.retry.attempts: 99 is out of range; write a whole number from 0 to 10',
  ])
})

test('parseConfig() never repeats a token or a password', () => {
  const text = 'admin: { token: "a hunter2" }\nservices: { a: { endpoints: [{ url: "http://u:hunter2@a" }] } }'
  const problems = problemsOf(text)
  assert.equal(problems.length, 2)
  assert.doesNotMatch(problems.join('\n'), /hunter2/)
})

test('messages carry no characters that a terminal would obey', () => {
  const problems = problemsOf('services: { a: {} }\n"\\e[31mred\\u202e": 1\nzone: "\\e[0m\\u009b"')
  assert.equal(problems.length, 2)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for control characters is the purpose.
  assert.doesNotMatch(problems.join(''), /[\u0000-\u001f\u007f-\u009f\u202e]/)
})

test('hostile texts end in problems, not in a crash', () => {
  assert.match(problemsOf('x'.repeat(4 * 2 ** 20 + 1))[0]!, /^1:1: the config is larger than 4MiB/)
  for (const opening of ['[', '{a: ', '- ', '? ', '[[],']) {
    assert.match(problemsOf(opening.repeat(50_000))[0]!, /nested deeper than 64 levels; write it flatter$/, opening)
  }
  // Each line holds ten of the line before: 10^9 values, were they all made.
  const laughs = Array.from({ length: 9 }, (_, i) =>
    i === 0 ? 'l0: &l0 [x]' : `l${i}: &l${i} [${Array(10).fill(`*l${i - 1}`)}]`,
  )
  const problems = problemsOf(laughs.join('\n'))
  assert.equal(problems.length, 1)
  assert.match(problems[0]!, /aliases bring more than 100000 values in all; write fewer$/)
})

test('ten thousand endpoints are read, and their mistakes found', () => {
  const endpoints = Array.from(
    { length: 10_000 },
    (_, i) =>
      `      - { id: e${i}, url: "http://10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:8080", weight: 2, zone: z1 }`,
  )
  const text = `services:\n  api:\n    endpoints:\n${endpoints.join('\n')}\n`
  assert.equal(read(text).services.api!.endpoints.length, 10_000)
  const problems = problemsOf(text.replaceAll('zone', 'zoen'))
  assert.equal(problems.length, 10_000)
  assert.match(
    problems.at(-1)!,
    /^10003:\d+: services\.api\.endpoints\[9999\]\.zoen: unknown key; did you mean "zone"\?$/,
  )
})

test('parseConfig() puts the file into each problem when it is told one', () => {
  const result = parseConfig('zone: x', { file: 'a.yaml', env: {} })
  assert.ok('problems' in result)
  assert.equal(result.problems[0]!.file, 'a.yaml')
})
