import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'
import type { Config } from '../../engine/config/schema.ts'

/** Everything this version can be told, each at its default where it has one. */
const FULL = `
listen: { address: 127.0.0.1:8080, proxyProtocol: false }   # or a list; its tls: see tls.test.ts
workers: 2
zone: z1
admin: { listen: 127.0.0.1:9901, token: "\${ADMIN_TOKEN:-}" }
log: { level: info, access: true }
limits: { headerBytes: 32KiB, headers: 200, urlBytes: 16KiB, bodyBytes: 0, connections: 10000, connectionsPerClient: 0, requestsPerConnection: 0, headerTimeout: 10s, bodyIdle: 30s, bodyRate: 240B, keepAliveIdle: 60s }
drain: { delay: 0s, timeout: 25s }
trustedProxies: []
forwarded: { x: true, standard: false }
requestId: { enabled: true, respond: false }
trace: false
services:
  api:
    policy: least-request
    endpoints:
      - { id: a, url: "http://127.0.0.1:9001", weight: 1, zone: z1, priority: 0, metadata: { version: v1 } }
      - { url: "https://127.0.0.1:9002" }
    discover: [] # each source: see discover.test.ts
    healthCheck: { type: http, path: /healthz, interval: 1s, adaptiveInterval: false, timeout: 500ms, unhealthyAfter: 2, healthyAfter: 2 }
    timeouts: { connect: 1s, firstByte: 15s, idle: 60s, upgradeIdle: 5m, request: 0s }
    retry: { attempts: 2, statuses: [502, 503, 504], perTry: 0s, hedge: 0s, bodyBytes: 64KiB, backOff: 25ms, maxBackOff: 250ms, budget: 20%, budgetMin: 3 }
    tls: { verify: true, minVersion: TLSv1.2 }
    protocol: http1
    capacity: { header: false }
    connections: { keepAlive: 4s, maxAge: 0s, warm: 0, maxIdle: 0 }
    limits: { connections: 1024, pending: 1024, requests: 1024, retries: 3, endpointRequests: 0, queueTimeout: 0s }
    outlier: { consecutive5xx: 5, interval: 10s, baseEjection: 30s, maxEjection: 300s, maxEjected: 10%, successRateStdev: 1.9 }
    adaptiveConcurrency: {}
    breaker: {}
    slowStart: { window: 0s, aggression: 1, minWeight: 10% }
    panicThreshold: 50%
    failOnPanic: false
    overprovisioning: 140
    locality: { mode: zone-aware, minEndpoints: 6, nodes: { z1: 1, z2: 2 } }
    subsetting: { size: 20, node: proxy-1 }
  canary: {}
  shadow: {}
routes:
  - { name: v1, match: { host: api.example.com, path: /v1/ }, service: api, subset: { version: v1 }, subsetFallback: any, class: sheddable }
  - match: { host: "*.example.com", pathPattern: "/users/{id}", scheme: https, method: GET, headers: { x-a: "1", x-b: true, x-c: { prefix: v } } }
    split: { api: 95, canary: 5 }
    rewrite: { path: /u, host: "api.internal:8080" }
    requestHeaders: { set: { x-one: "1" }, add: { x-two: "2" }, remove: [x-three] }
    responseHeaders: { add: { x-two: "2" } }
    mirror: { service: shadow, share: 10% }
  - { match: { path: /old/ }, redirect: { status: 301, scheme: https, host: www.example.com, port: 8443, prefix: /new/ } }
  - { name: status, match: { exactPath: /status }, respond: { status: 200, body: ok, contentType: text/plain, headers: { cache-control: no-store } } }
  - { match: { exactPath: /gone, method: [GET, POST] }, respond: {} }
  - { match: { exactPath: /away }, redirect: { path: /here } }
agents: { threads: grouped, supervision: default }
`

function read(text: string) {
  const result = parseConfig(text, { env: {} })
  if ('problems' in result) assert.fail(formatProblems('', result.problems))
  return result.config
}

/** The config with this service alone, for the others are there to be named by routes. */
function withApi(config: Config): Config {
  return { ...config, services: { api: config.services.api } }
}

test('parseConfig() reads every key, in base units', () => {
  const config = read(FULL)
  // What each agent may be told has tests of its own, in knobs/.
  const { agents } = config
  assert.deepEqual([agents.threads, agents.supervision], ['grouped', 'default'])
  assert.deepEqual(withApi(config), {
    listen: [{ address: '127.0.0.1', port: 8080, proxyProtocol: false }],
    workers: 2,
    zone: 'z1',
    admin: { listen: { address: '127.0.0.1', port: 9901 }, token: '' },
    log: { level: 'info', access: true },
    limits: {
      headerBytes: 32_768,
      headers: 200,
      urlBytes: 16_384,
      bodyBytes: 0,
      connections: 10_000,
      connectionsPerClient: 0,
      requestsPerConnection: 0,
      headerTimeout: 10_000,
      bodyIdle: 30_000,
      bodyRate: 240,
      keepAliveIdle: 60_000,
    },
    drain: { delay: 0, timeout: 25_000 },
    trustedProxies: [],
    forwarded: { x: true, standard: false },
    requestId: { enabled: true, respond: false },
    trace: false,
    services: {
      api: {
        policy: { name: 'least-request' },
        endpoints: [
          { id: 'a', url: 'http://127.0.0.1:9001', weight: 1, zone: 'z1', priority: 0, metadata: { version: 'v1' } },
          { id: '127.0.0.1:9002', url: 'https://127.0.0.1:9002', weight: 1, zone: '', priority: 0, metadata: {} },
        ],
        discover: [],
        healthCheck: {
          ...{ type: 'http', path: '/healthz', interval: 1000, adaptiveInterval: false, timeout: 500 },
          ...{ unhealthyAfter: 2, healthyAfter: 2 },
        },
        timeouts: { connect: 1000, firstByte: 15_000, idle: 60_000, upgradeIdle: 300_000, request: 0 },
        retry: {
          attempts: 2,
          statuses: [502, 503, 504],
          perTry: 0,
          hedge: 0,
          bodyBytes: 65_536,
          backOff: 25,
          maxBackOff: 250,
          budget: 0.2,
          budgetMin: 3,
        },
        tls: { verify: true, minVersion: 'TLSv1.2' },
        protocol: 'http1',
        capacity: { header: false },
        connections: { keepAlive: 4000, maxAge: 0, warm: 0, maxIdle: 0 },
        limits: { connections: 1024, pending: 1024, requests: 1024, retries: 3, endpointRequests: 0, queueTimeout: 0 },
        breaker: {
          consecutiveFailures: 5,
          errorRate: 0.5,
          errorRateVolume: 20,
          window: 10_000,
          openFor: 5000,
          maxOpenFor: 60_000,
          probes: 1,
        },
        outlier: {
          consecutive5xx: 5,
          consecutiveGateway: 0,
          splitLocalOrigin: false,
          consecutiveLocalOrigin: 5,
          interval: 10_000,
          baseEjection: 30_000,
          maxEjection: 300_000,
          ejectionJitter: 0.1,
          maxEjected: 0.1,
          ...{ successRateStdev: 1.9, successRateMinHosts: 5, successRateVolume: 100 },
          ...{ failurePercentage: 0, failurePercentageMinHosts: 5, failurePercentageVolume: 50 },
          ...{ burst: 0.2, burstVolume: 50, silence: 100, latencyQuantile: 0, latencyFactor: 3, latencyVolume: 100 },
        },
        slowStart: { window: 0, aggression: 1, minWeight: 0.1 },
        adaptiveConcurrency: {
          initial: 20,
          min: 3,
          max: 200,
          queue: 4,
          tolerance: 1.5,
          smoothing: 0.2,
          longWindow: 600,
        },
        panicThreshold: 0.5,
        failOnPanic: false,
        overprovisioning: 140,
        locality: { mode: 'zone-aware', minEndpoints: 6, nodes: { z1: 1, z2: 2 } },
        subsetting: { size: 20, node: 'proxy-1' },
      },
    },
    routes: [
      {
        name: 'v1',
        match: { host: 'api.example.com', path: '/v1/' },
        service: 'api',
        subset: { version: 'v1' },
        subsetFallback: 'any',
        class: 'sheddable',
      },
      {
        match: {
          host: '*.example.com',
          pathPattern: '/users/{id}',
          scheme: 'https',
          method: ['GET'],
          headers: { 'x-a': '1', 'x-b': true, 'x-c': { prefix: 'v' } },
        },
        split: { api: 95, canary: 5 },
        rewrite: { path: '/u', host: 'api.internal:8080' },
        requestHeaders: { set: { 'x-one': '1' }, add: { 'x-two': '2' }, remove: ['x-three'] },
        responseHeaders: { set: {}, add: { 'x-two': '2' }, remove: [] },
        mirror: { service: 'shadow', share: 0.1 },
        subsetFallback: 'none',
        class: 'critical',
      },
      {
        match: { path: '/old/' },
        redirect: { status: 301, scheme: 'https', host: 'www.example.com', port: 8443, prefix: '/new/' },
      },
      {
        name: 'status',
        match: { exactPath: '/status' },
        respond: { status: 200, body: 'ok', contentType: 'text/plain', headers: { 'cache-control': 'no-store' } },
      },
      {
        match: { exactPath: '/gone', method: ['GET', 'POST'] },
        respond: { status: 200, body: '', contentType: 'text/plain; charset=utf-8', headers: {} },
      },
      { match: { exactPath: '/away' }, redirect: { status: 308, path: '/here' } },
    ],
    agents,
  })
})

test('parseConfig() fills in what is not written (D27)', () => {
  const written = withApi(read(FULL))
  const least = read(`
    services: { api: { tls: {}, healthCheck: {}, breaker: {}, adaptiveConcurrency: {}, limits: {}, locality: { nodes: { z1: 1, z2: 2 } }, subsetting: { size: 20, node: proxy-1 }, endpoints: [
      { id: a, url: "http://127.0.0.1:9001", zone: z1, metadata: { version: v1 } }, { url: "https://127.0.0.1:9002" } ] } }
  `)
  assert.deepEqual({ ...least, workers: 2, zone: 'z1', routes: written.routes }, written)
  assert.equal(least.workers, availableParallelism())
  assert.equal(least.zone, '')
  // The only service takes everything.
  assert.deepEqual(least.routes, [{ match: {}, service: 'api', subsetFallback: 'none', class: 'critical' }])
})

test('parseConfig() reads how the access log is kept, and refuses what carries secrets', () => {
  const access = (written: string) => parseConfig(`log: { access: ${written} }\nservices: { api: {} }\n`, { env: {} })
  const kept = (written: string) => {
    const result = access(written)
    return 'config' in result ? result.config.log.access : assert.fail(formatProblems('', result.problems))
  }
  assert.deepEqual(kept('{}'), { sample: 1, slow: 1000, headers: [] })
  assert.deepEqual(kept('{ sample: 2.5%, slow: 0s, headers: [User-Agent] }'), {
    sample: 0.025,
    slow: 0,
    headers: ['user-agent'],
  })
  for (const secret of ['Cookie', 'set-cookie', 'Authorization', 'Proxy-Authorization']) {
    const result = access(`{ headers: [${secret}] }`)
    assert.ok('problems' in result)
    assert.match(result.problems[0].message, /carries secrets and is not logged; leave it out$/)
  }
})
