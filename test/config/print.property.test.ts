// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { validateConfig } from '../../engine/config/load.ts'
import { parseConfig } from '../../engine/config/parse.ts'
import { printConfig } from '../../engine/config/print.ts'
import { formatProblems } from '../../engine/config/problems.ts'
import type { Config, ConfigInput, EndpointInput, ServiceInput } from '../../engine/config/schema.ts'
import { policyNames } from '../../engine/policies/registry.ts'

type RouteInput = NonNullable<ConfigInput['routes']>[number]

const HOSTILE_KEYS = ['__proto__', 'constructor', 'prototype']

const label = fc.stringMatching(/^[A-Za-z0-9._:-]{1,12}$/).filter(text => !HOSTILE_KEYS.includes(text))
const duration = fc
  .tuple(fc.integer({ min: 10, max: 90 }), fc.constantFrom('ms', 's', 'm', 'h'))
  .map(pair => pair.join(''))
const size = fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.constantFrom('B', 'KiB', 'MiB')).map(pair => pair.join(''))
const seconds = fc.integer({ min: 1, max: 90 }).map(count => `${count}s`)
const ratio = fc.integer({ min: 0, max: 10_000 }).map(hundredths => `${hundredths / 100}%`)
const host = fc.oneof(fc.ipV4(), fc.constantFrom('localhost', '[::1]', 'a-b.example'))
const port = fc.integer({ min: 1, max: 65_535 })
/** Texts that YAML, interpolation or a terminal could take for something else. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    'true',
    'null',
    '~',
    '1',
    '1.10',
    '0x1',
    '${HOME}',
    '$${A}',
    '$',
    '- a',
    'a: b',
    '# c',
    '*x',
    '&x',
    '\n',
    ' ',
    '<<',
  ),
)

const endpoint = (id: string): fc.Arbitrary<EndpointInput> =>
  fc.record(
    {
      id: fc.constant(id),
      url: fc.tuple(host, port).map(([name, number]) => `http://${name}:${number}`),
      weight: fc.double({ min: 0, max: 65_535, noNaN: true }),
      zone: label,
      priority: fc.integer({ min: 0, max: 127 }),
      metadata: fc.dictionary(
        text.filter(key => !HOSTILE_KEYS.includes(key)),
        text,
        { maxKeys: 3 },
      ),
    },
    { requiredKeys: ['id', 'url'] },
  )

const service: fc.Arbitrary<ServiceInput> = fc.record(
  {
    policy: fc.oneof(
      fc.constantFrom(...policyNames()),
      fc.constant({ name: 'weighted-round-robin', schedule: 'stride' }),
    ),
    endpoints: fc
      .integer({ min: 0, max: 3 })
      .chain(count => fc.tuple(...Array.from({ length: count }, (_, i) => endpoint(`e${i}`)))),
    discover: fc.array(
      fc.oneof(
        fc.record(
          {
            dns: fc.constantFrom('a.internal', '_x._tcp.local'),
            port,
            refresh: fc.constant({ max: '90s' }),
            weight: fc.nat(9),
          },
          { requiredKeys: ['dns'] },
        ),
        fc.record(
          {
            directory: text.filter(name => name !== '' && !name.includes('\0')),
            scheme: fc.constant('https' as const),
          },
          { requiredKeys: ['directory'] },
        ),
      ),
      { maxLength: 2 },
    ),
    healthCheck: fc.record(
      {
        ...{ path: fc.constantFrom('/', '/a?b=c'), interval: duration, timeout: duration },
        type: fc.constantFrom('http', 'tcp', 'tls', 'grpc'),
        grpcService: fc.constantFrom('', 'a.b.C'),
        adaptiveInterval: fc.boolean(),
        expect: fc.record(
          {
            statuses: fc.array(fc.integer({ min: 100, max: 599 }), { minLength: 1, maxLength: 3 }),
            body: fc.constant('ok $'),
          },
          { requiredKeys: [] },
        ),
        comprehensive: fc.record({ interval: seconds, timeout: duration }, { requiredKeys: [] }),
        predictive: fc.record({ interval: seconds }, { requiredKeys: [] }),
        deep: fc.record({ path: fc.constant('/deep') }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    timeouts: fc.record(
      { connect: duration, firstByte: duration, idle: duration, request: duration },
      { requiredKeys: [] },
    ),
    retry: fc.record({ attempts: fc.integer({ min: 0, max: 10 }), budget: ratio, budgetMin: fc.nat(100) }),
    limits: fc.record({ requests: fc.nat(9999), endpointRequests: fc.nat(9999) }, { requiredKeys: [] }),
    breaker: fc.record({ consecutiveFailures: fc.nat(99), errorRate: ratio }, { requiredKeys: [] }),
    locality: fc.record(
      {
        mode: fc.constantFrom('zone-aware', 'weighted'),
        nodes: fc.dictionary(label, fc.nat(9)),
        weights: fc.dictionary(label, fc.nat(9)),
      },
      { requiredKeys: [] },
    ),
    subsetting: fc.record({ size: fc.integer({ min: 1, max: 99 }), node: label }, { requiredKeys: ['size'] }),
    failOnPanic: fc.boolean(),
    overprovisioning: fc.integer({ min: 100, max: 999 }),
    outlier: fc.record({
      consecutive5xx: fc.integer({ min: 0, max: 9 }),
      splitLocalOrigin: fc.boolean(),
      maxEjected: ratio,
      interval: duration,
      successRateStdev: fc.double({ min: 0, max: 100, noNaN: true }),
      failurePercentage: ratio,
      latencyQuantile: ratio,
    }),
    adaptiveConcurrency: fc.record(
      { initial: fc.integer({ min: 3, max: 200 }), queue: fc.nat(9), smoothing: ratio },
      { requiredKeys: [] },
    ),
    slowStart: fc.record({
      window: duration,
      aggression: fc.double({ min: 0.01, max: 100, noNaN: true }),
      minWeight: ratio,
    }),
    panicThreshold: ratio,
  },
  { requiredKeys: [] },
)

const file = text.filter(name => name !== '' && !name.includes('\0'))

const tls = fc.record(
  {
    cert: file,
    key: file,
    sni: fc
      .uniqueArray(fc.constantFrom('a.example', '*.example.com', 'b'), { maxLength: 2 })
      .map(hosts => hosts.map(each => ({ hosts: [each], cert: 'c', key: 'k' }))),
    minVersion: fc.constantFrom('TLSv1.2' as const, 'TLSv1.3' as const),
    http2: fc.boolean(),
  },
  { requiredKeys: ['cert', 'key'] },
)

const listener = (address: string) =>
  fc.oneof(
    fc.constant(address),
    fc.record({ address: fc.constant(address), tls, proxyProtocol: fc.boolean() }, { requiredKeys: ['address'] }),
  )

const fieldText = fc.stringMatching(/^[!-~]{1,9}$/).filter(text => !text.includes('${'))
const fields = fc.dictionary(fc.constantFrom('x-a', 'X-B', 'cache-control'), fieldText)
const edits = fc.record(
  { set: fields, add: fields, remove: fc.array(fc.constantFrom('x-a', 'server')) },
  { requiredKeys: [] },
)

/** A route of this service, or of no service, under paths of its own. */
const route = (service: string, path: string): fc.Arbitrary<RouteInput> =>
  fc
    .record(
      {
        scheme: fc.constantFrom('http' as const, 'https' as const),
        host: fc.constantFrom('*.example', 'a.example', '[::1]'),
        method: fc.constantFrom('GET', ['GET', 'M-SEARCH']),
        headers: fc.dictionary(
          fc.constantFrom('x-a', 'accept'),
          fc.oneof(fieldText, fc.boolean(), fc.record({ prefix: fieldText })),
        ),
      },
      { requiredKeys: [] },
    )
    .chain(match =>
      fc
        .oneof(
          fc
            .record(
              {
                rewrite: fc.constantFrom({ prefix: '/b/' }, { path: '/b', host: 'b:80' }),
                requestHeaders: edits,
                responseHeaders: edits,
                class: fc.constantFrom('sheddable' as const, 'critical' as const),
                subset: fc.dictionary(label, text),
              },
              { requiredKeys: [] },
            )
            .chain(more => fc.constantFrom({ ...more, service }, { ...more, split: { [service]: 5 } })),
          fc.constantFrom({ redirect: { host: 'c.example' } }, { redirect: { status: 303, prefix: '/c/', port: 1 } }),
          fc.record({
            respond: fc.record(
              { body: text, headers: fields, status: fc.constantFrom(200, 503) },
              { requiredKeys: [] },
            ),
          }),
        )
        .chain(to => fc.constantFrom(to, { ...to, name: 'a.route:1' }))
        .map(to => ({ match: { ...match, path }, ...to }) as RouteInput),
    )

const input: fc.Arbitrary<ConfigInput> = fc
  .record(
    {
      services: fc.dictionary(label, service, { minKeys: 1, maxKeys: 3 }),
      listen: fc
        .uniqueArray(
          fc.tuple(host, port).map(pair => pair.join(':')),
          { minLength: 1, maxLength: 3 },
        )
        .chain(addresses => fc.tuple(...addresses.map(listener))),
      workers: fc.integer({ min: 1, max: 64 }),
      zone: label,
      admin: fc.record({
        listen: fc.constant('127.0.0.1:0'),
        token: fc.stringMatching(/^[!-~]{0,20}$/).filter(token => !token.includes('${')),
      }),
      log: fc.record({
        level: fc.constantFrom('trace', 'info', 'silent'),
        access: fc.oneof(
          fc.boolean(),
          fc.record(
            { sample: ratio, slow: duration, headers: fc.constantFrom<string[]>([], ['User-Agent', 'x-a']) },
            { requiredKeys: [] },
          ),
        ),
      }),
      forwarded: fc.record({ x: fc.boolean(), standard: fc.boolean() }, { requiredKeys: [] }),
      requestId: fc.record({ enabled: fc.boolean(), respond: fc.boolean() }, { requiredKeys: [] }),
      trace: fc.boolean(),
      limits: fc.record(
        { bodyBytes: size, headers: fc.integer({ min: 1, max: 10_000 }), bodyIdle: duration },
        { requiredKeys: [] },
      ),
      trustedProxies: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 2 }),
      agents: fc.record(
        {
          threads: fc.constantFrom('grouped', 'dedicated', 'shared'),
          supervision: fc.constantFrom('default', 'fast'),
          'health-monitor': fc.record({ enabled: fc.boolean() }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['services'] },
  )
  .chain(config =>
    fc
      .tuple(...Object.keys(config.services).map((name, index) => route(name, `/a${index}/`)))
      .map(routes => ({ ...config, routes })),
  )

/** The config of an input whose texts are meant literally. */
function configOf(written: ConfigInput): Config {
  return validateConfig(JSON.parse(JSON.stringify(written).replaceAll('${', () => '$${')), {})
}

function parse(yaml: string): Config {
  const result = parseConfig(yaml, { env: {} })
  return 'config' in result ? result.config : assert.fail(`${formatProblems('', result.problems)}\n${yaml}`)
}

test('parsing what printConfig() prints gives the same config', () => {
  fc.assert(
    fc.property(input, written => {
      const config = configOf(written)
      assert.deepEqual(parse(printConfig(config, { secrets: 'show' })), config)
    }),
  )
})

test('printConfig() masks the token and nothing else', () => {
  fc.assert(
    fc.property(input, written => {
      const config = configOf(written)
      const masked = parse(printConfig(config))
      assert.equal(masked.admin.token, config.admin.token === '' ? '' : '********')
      assert.deepEqual({ ...masked, admin: 0 }, { ...config, admin: 0 })
    }),
    { numRuns: 30 },
  )
})

test('one unknown key anywhere gives exactly one problem, which names it', () => {
  const key = fc.stringMatching(/^[a-z]{4,10}$/).map(word => `x${word}`)
  fc.assert(
    fc.property(input, key, fc.nat(), (written, unknown, choice) => {
      const tree = JSON.parse(JSON.stringify(written).replaceAll('${', () => '$${')) as Record<string, unknown>
      const places = closedMaps(tree)
      const { map, path } = places[choice % places.length]!
      map[unknown] = 1
      const result = parseConfig(JSON.stringify(tree), { env: {} })
      assert.ok('problems' in result)
      assert.equal(result.problems.length, 1, formatProblems('', result.problems))
      assert.ok(result.problems[0]!.path.endsWith(path === '' ? unknown : `.${unknown}`))
      assert.match(result.problems[0]!.message, /^unknown key; /)
    }),
  )
})

/** The maps of a config whose keys are fixed: not `services`, nor what is named by people. */
function closedMaps(value: unknown, path = ''): { map: Record<string, unknown>; path: string }[] {
  if (
    typeof value !== 'object' ||
    value === null ||
    /(metadata|nodes|weights|subset|split|set|add|headers)$/.test(path)
  )
    return []
  const below = Object.entries(value).flatMap(([key, child]) => closedMaps(child, path === '' ? key : `${path}.${key}`))
  return Array.isArray(value) || path === 'services'
    ? below
    : [{ map: value as Record<string, unknown>, path }, ...below]
}
