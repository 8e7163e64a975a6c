import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceTextOf } from '../../engine/box/service-text.ts'
import { validateConfig } from '../../engine/config/load.ts'
import type { NewEndpoint } from '../../engine/memory/edit.ts'
import { endpointFault, serviceFault } from '../../engine/plane/structure-checks.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'

const SERVICE = { name: 'other', policy: { name: 'round-robin' }, panicThreshold: 0.5 }

/** What is wrong, and what is wished. */
const FAULT = /; .|no policy|write /

const GOOD: NewEndpoint = newEndpoint('good')
const BAD_ENDPOINTS: [string, unknown][] = [
  ['weight: NaN', { ...GOOD, weight: Number.NaN }],
  ['weight: -1', { ...GOOD, weight: -1 }],
  ['weight: Infinity', { ...GOOD, weight: Number.POSITIVE_INFINITY }],
  ['weight: "2"', { ...GOOD, weight: '2' }],
  ['no weight', { ...GOOD, weight: undefined }],
  ['no zone', { id: 'good', url: GOOD.url, metadata: {}, weight: 1, priority: 0 }],
  ['priority: 128', { ...GOOD, priority: 128 }],
  ['priority: 0.5', { ...GOOD, priority: 0.5 }],
  ['an empty id', { ...GOOD, id: '' }],
  ['an id with a blank', { ...GOOD, id: 'a b' }],
  ['an id of 129 characters', { ...GOOD, id: 'x'.repeat(129) }],
  ['no url at all', { ...GOOD, url: 'nowhere' }],
  ['a url with a path', { ...GOOD, url: 'http://a.test/path' }],
  ['metadata that is no text', { ...GOOD, metadata: { version: 1 } }],
  ['an unknown field', { ...GOOD, wieght: 2 }],
  ['null', null],
]

const BAD_SERVICES: [string, object][] = [
  ['an unknown field', { ...SERVICE, pancThreshold: 0.5 }],
  ['no panicThreshold', { name: 'other', policy: { name: 'round-robin' } }],
  ['panicThreshold: NaN', { ...SERVICE, panicThreshold: Number.NaN }],
  ['panicThreshold: 50', { ...SERVICE, panicThreshold: 50 }],
  ['an unknown policy', { ...SERVICE, policy: { name: 'wizardry' } }],
  ['an unknown option of a policy', { ...SERVICE, policy: { name: 'round-robin', magic: 1 } }],
  ['half a breaker', { ...SERVICE, breaker: { consecutiveFailures: 5 } }],
  ['limits below zero', { ...SERVICE, limits: { requests: -1, connections: 0, retries: 0, endpointRequests: 0 } }],
  ['a mark that it is gone', { ...SERVICE, isGone: true }],
  ['no name', { ...SERVICE, name: '' }],
]

for (const [what, endpoint] of BAD_ENDPOINTS) {
  test(`endpointFault() finds ${what}`, () => {
    assert.match(endpointFault(endpoint) ?? 'nothing', FAULT)
  })
}

for (const [what, service] of BAD_SERVICES) {
  test(`serviceFault() finds ${what}`, () => {
    assert.match(serviceFault(service) ?? 'nothing', FAULT)
  })
}

test('endpointFault() names the field and what it must be', () => {
  assert.equal(endpointFault(GOOD), undefined)
  assert.equal(endpointFault({ ...GOOD, weight: -1 }), 'weight is -1; it must be a number from 0 to 65535')
  assert.equal(
    endpointFault({ ...GOOD, wieght: 2 }),
    'wieght is not known; use id, url, zone, metadata, weight, priority, cost, capacity',
  )
  assert.equal(endpointFault({ ...GOOD, zone: undefined }), 'zone is missing; there are no defaults here')
})

test('serviceFault() finds nothing in what a config makes of a service', () => {
  const text = {
    ...SERVICE,
    policy: { name: 'sticky', ttl: 60_000, hash: { header: 'x' } },
    failOnPanic: true,
    overprovisioning: 200,
    locality: { mode: 'zone-aware', zone: '', minEndpoints: 6, nodes: { z1: 2 } },
    limits: { requests: 10, connections: 0, retries: 3, endpointRequests: 5, pending: 2 },
    breaker: {
      consecutiveFailures: 5,
      errorRate: 0.5,
      errorRateVolume: 10,
      windowMs: 1000,
      openForMs: 1000,
      maxOpenForMs: 9000,
      probes: 1,
    },
    isAdaptive: true,
    retryBudget: { share: 0.2, min: 3 },
    subsetting: { size: 2, node: 'n' },
    upstream: { isHttp2: true, tls: { verify: true, minVersion: 'TLSv1.2', ca: '/ca.pem' } },
  }
  assert.equal(serviceFault(text), undefined)
})

test('serviceFault() finds nothing in the services of a config with every key, whatever their policy', () => {
  for (const { name, options } of POLICIES) {
    const policy = { name, ...completeOptions(options, {}) }
    assert.equal(serviceFault({ ...SERVICE, policy }), undefined, name)
  }
  const services = validateConfig({
    zone: 'z1',
    services: {
      api: {
        endpoints: [{ url: 'https://a.test' }],
        policy: { name: 'maglev', hash: { header: 'x-user' } },
        limits: { requests: 9 },
        breaker: {},
        retry: { attempts: 2 },
        locality: { mode: 'weighted', weights: { z1: 2 } },
        subsetting: { size: 3, node: 'n' },
        adaptiveConcurrency: {},
        overprovisioning: 150,
        tls: { serverName: 'a.test' },
      },
    },
  } as never).services
  assert.equal(serviceFault(serviceTextOf('api', services.api!, 'z1')), undefined)
})
