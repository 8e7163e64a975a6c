import assert from 'node:assert/strict'
import { hostname, networkInterfaces } from 'node:os'
import { test } from 'node:test'
import type { Bridge } from '../../../agents/bridge/bridge.ts'
import { forbiddenFor } from '../../../agents/node-discovery/forbidden-address.ts'
import { saidBy } from '../../../agents/node-discovery/names/ask-neighbours.ts'
import { decodeMessage } from '../../../agents/node-discovery/names/dns-wire.ts'
import { plansOf } from '../../../agents/node-discovery/plans.ts'
import { endpointsRegistered } from '../../../agents/node-discovery/registered.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import { encodeAnswer } from '../../support/dns-server.ts'

const ADMIN = { address: '127.0.0.1', port: 9901 }

const refusedOf = (hosts: readonly string[], admin = ADMIN, port = 9901): string[] =>
  hosts.filter(host => forbiddenFor(host, port, admin) !== undefined)

test('the admin listener is refused by every name and spelling that leads there, and its port elsewhere is not', () => {
  const here = ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']
  const names = ['localhost', 'LOCALHOST.', 'api.localhost', hostname(), hostname().toUpperCase()]
  assert.deepEqual(refusedOf([...here, ...names]), [...here, ...names])
  assert.deepEqual(refusedOf([...here, ...names], ADMIN, 9902), [])
  assert.deepEqual(refusedOf(['10.0.0.1', '::ffff:a00:1', '2001:db8::1', 'api.test', 'localhost.test']), [])
  assert.deepEqual(refusedOf(['10.0.0.1'], { address: 'fe80::1%eth0', port: 9901 }), [])
  const elsewhere = { address: '10.0.0.5', port: 9901 }
  assert.deepEqual(refusedOf(['10.0.0.5', '::ffff:a00:5', '10.0.0.6'], elsewhere), ['10.0.0.5', '::ffff:a00:5'])
})

test('an admin listener on all addresses is refused on each that this machine has', () => {
  const own = Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address))
  for (const address of ['0.0.0.0', '::']) {
    assert.deepEqual(refusedOf([...own, '192.0.2.1'], { address, port: 9901 }), own)
  }
})

test('addresses of the link, of groups and none at all are refused on any port, mapped into IPv6 too', () => {
  const never = [
    '0.0.0.0',
    '169.254.169.254',
    '239.1.1.1',
    '::',
    'fe80::1',
    'ff02::1',
    '::ffff:a9fe:a9fe',
    '::ffff:0:0',
  ]
  assert.deepEqual(refusedOf(never, ADMIN, 80), never)
})

test('an answer of a neighbour that maps the admin listener into IPv6 is left out, and told', () => {
  const [plan] = plansOf(validateConfig({ services: { api: { discover: [{ dns: 'api.local', port: 9901 }] } } }))
  const answer = encodeAnswer(0, [], [{ name: 'api.local', ttlS: 60, type: 'AAAA', address: '0:0:0:0:0:ffff:7f00:1' }])
  const said = saidBy('api.local', decodeMessage(answer)!.records, plan!)
  assert.ok(said.kind === 'found')
  assert.deepEqual([said.endpoints, said.faults], [[], ['::ffff:7f00:1:9901 is the admin listener']])
})

test('who registers under the admin listener is left out, and told, by whichever name', () => {
  const [plan] = plansOf(validateConfig({ services: { api: { discover: [{ registry: 'api' }] } } }))
  const urls = ['http://localhost:9901', 'http://[::ffff:127.0.0.1]:9901', 'http://10.0.0.1:9901']
  const registered = urls.map((url, i) => ({ agent: `a${i}`, role: 'api', health: 'healthy', meta: { url } }))
  const said = endpointsRegistered(plan!, { discover: () => registered } as unknown as Bridge)
  assert.ok(said.kind === 'found')
  assert.deepEqual(
    said.endpoints.map(({ url }) => url),
    ['http://10.0.0.1:9901'],
  )
  assert.deepEqual(said.faults, ['localhost:9901 is the admin listener', '::ffff:7f00:1:9901 is the admin listener'])
})
