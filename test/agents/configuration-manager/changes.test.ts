import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonical, digestOf } from '../../../agents/configuration-manager/canonical.ts'
import { CHANGES_MAX, changesOf } from '../../../agents/configuration-manager/changes.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import type { ConfigInput } from '../../../engine/index.ts'

const endpoint = (id: string, more: object = {}) => ({ id, url: `http://${id}.test:80`, ...more })

const INPUT: ConfigInput = {
  services: { api: { endpoints: [endpoint('a'), endpoint('b')] }, web: { endpoints: [endpoint('c')] } },
  routes: [{ match: { path: '/api' }, service: 'api' }, { service: 'web' }],
}
const config = (input: ConfigInput = INPUT) => validateConfig(input)

test('canonical() is one text for what means the same, and another for what does not', () => {
  assert.equal(canonical({ b: [1, 'x'], a: { d: null, c: true } }), '{"a":{"c":true,"d":null},"b":[1,"x"]}')
  assert.equal(canonical({ a: 1, b: undefined }), canonical({ a: 1 }))
  const texts = [[], {}, null, '', 0, [null], ['a', 'b'], ['b', 'a'], ['a,b'], { a: 'b' }, { 'a":"b': 1 }].map(
    canonical,
  )
  assert.equal(new Set(texts).size, texts.length)
})

test('digestOf() is the same whatever order services, endpoints and keys were written in; of routes the order counts', () => {
  const { services, routes } = INPUT
  const reversed = { web: services.web!, api: { endpoints: services.api!.endpoints!.toReversed() } }
  assert.match(digestOf(config()), /^[0-9a-f]{64}$/)
  assert.equal(digestOf(config({ routes, services: reversed })), digestOf(config()))
  const others = [
    config({ services, routes: [routes![0]!, { ...routes![1]!, name: 'rest' }] }),
    config({ services: { ...services, web: { endpoints: [endpoint('c', { weight: 2 })] } }, routes }),
    config({ ...INPUT, limits: { headers: 100 } }),
  ]
  const byPath = (...paths: string[]) => ({
    services,
    routes: paths.map(path => ({ match: { path }, service: 'api' })),
  })
  others.push(config(byPath('/a', '/b')), config(byPath('/b', '/a')))
  assert.equal(new Set([config(), ...others].map(digestOf)).size, 6)
})

test('digestOf() says nothing of the token: who reads the one cannot guess the other', () => {
  const withToken = (token: string) => config({ ...INPUT, admin: { token } })
  assert.equal(digestOf(withToken('sesame-open-sesame')), digestOf(withToken('another-of-that-length')))
  assert.deepEqual(changesOf(withToken('sesame-open-sesame'), withToken('another-of-that-length')), ['admin changed'])
})

test('changesOf() tells what was added, removed and changed: services, endpoints, other keys', () => {
  const next = config({
    services: {
      api: { policy: 'random', endpoints: [endpoint('a', { weight: 3 }), endpoint('d')] },
      users: { endpoints: [endpoint('c')] },
    },
    routes: [{ service: 'api' }],
    limits: { headers: 100 },
  })
  assert.deepEqual(changesOf(config(), next).toSorted(), [
    'endpoint api/a changed',
    'endpoint api/b removed',
    'endpoint api/d added',
    'endpoint users/c added',
    'endpoint web/c removed',
    'limits changed',
    'routes changed',
    'service api changed',
    'service users added',
    'service web removed',
  ])
  assert.deepEqual(changesOf(next, next), [])
})

test('changesOf() is bounded: after so many it says how many more there are', () => {
  const { services, routes } = INPUT
  const many = Array.from({ length: 500 }, (_, i) => endpoint(`n${i}`))
  const changes = changesOf(config(), config({ services: { ...services, api: { endpoints: many } }, routes }))
  // 500 come and 2 go.
  assert.equal(changes.length, CHANGES_MAX + 1)
  assert.equal(changes.at(-1), `${502 - CHANGES_MAX} more`)
})
