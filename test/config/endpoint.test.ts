// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeEndpoint } from '../../engine/config/endpoint.ts'

test('completeEndpoint() fills in the defaults', () => {
  assert.deepEqual(completeEndpoint({ url: 'http://10.0.0.1:8080/' }), {
    id: '10.0.0.1:8080',
    url: 'http://10.0.0.1:8080',
    weight: 1,
    zone: '',
    priority: 0,
    metadata: {},
  })
})

test('completeEndpoint() takes what an endpoint costs and can bear, where it is said', () => {
  const { cost, capacity } = completeEndpoint({ url: 'http://a', cost: 1.5, capacity: 100 })
  assert.deepEqual([cost, capacity], [1.5, 100])
  assert.throws(() => completeEndpoint({ url: 'http://a', capacity: 0 }), { code: 'SBX_ENDPOINT_INVALID' })
  assert.throws(() => completeEndpoint({ url: 'http://a', cost: -1 }), { code: 'SBX_ENDPOINT_INVALID' })
})

test('completeEndpoint() says what is wrong, in one line or in several', () => {
  assert.throws(() => completeEndpoint({ url: 'ftp://a' }), {
    code: 'SBX_ENDPOINT_INVALID',
    message: 'Cannot add endpoint: url: "ftp://a" is not an endpoint url; write http://host:port or https://host:port',
  })
  assert.throws(() => completeEndpoint({ url: 'http://a', weight: -1, id: 'a b' }), {
    code: 'SBX_ENDPOINT_INVALID',
    message: [
      'Cannot add endpoint:',
      'id: "a b" is not an endpoint id; write letters, digits and ._:- only, 1 to 128 of them',
      'weight: -1 is out of range; write a number from 0 to 65535',
    ].join('\n'),
  })
  assert.throws(() => completeEndpoint(undefined as never), { code: 'SBX_ENDPOINT_INVALID' })
})

test('completeEndpoint() does not read the environment for whoever sends an endpoint', () => {
  assert.equal(completeEndpoint({ url: 'http://a', metadata: { path: '${PATH}' } }).metadata.path, '${PATH}')
})

test('completeEndpoint() asks for an id where host:port is none', () => {
  const url = `http://${'a'.repeat(60)}.${'b'.repeat(60)}.example:8080`
  assert.throws(() => completeEndpoint({ url }), /url: "a+\.b+.*would be the id and is none; give the endpoint an id/s)
  assert.equal(completeEndpoint({ url, id: 'a' }).id, 'a')
})

test('completeEndpoint() takes a priority from 0 to 127', () => {
  assert.equal(completeEndpoint({ url: 'http://127.0.0.1:9001', priority: 127 }).priority, 127)
  assert.throws(
    () => completeEndpoint({ url: 'http://127.0.0.1:9001', priority: 128 }),
    /priority: 128 is out of range/,
  )
})
