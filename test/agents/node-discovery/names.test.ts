import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import type { DnsRecord } from '../../../agents/node-discovery/names/dns-wire.ts'
import { type Plan, plansOf } from '../../../agents/node-discovery/plans.ts'
import { lookUp } from '../../../agents/node-discovery/source-skill.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'
import { dnsServer, neighbour, type Reply } from '../../support/dns-server.ts'
import { eventually } from '../../support/eventually.ts'
import { discovering, listening } from './endpoints-world.ts'

type Source = NonNullable<ConfigInput['services'][string]['discover']>[number]

function planOf(source: Source, knobs: object = {}): Plan {
  return plansOf(validateConfig({ services: { api: { discover: [source] } }, agents: { 'node-discovery': knobs } }))[0]!
}

const EDGE = {
  later: (ms: number, callback: () => void) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  signal: new AbortController().signal,
} as Edge

/** Ids and urls a source comes to, or why it does not. */
async function said(source: Source, knobs: object = {}): Promise<unknown> {
  const { said } = await lookUp(planOf(source, knobs), EDGE)
  if (said.kind === 'failed') return said.reason
  return said.endpoints.map(({ url, weight, priority }) => `${url} ${weight} ${priority}`).sort()
}

const a = (name: string, address: string, ttlS = 60): DnsRecord => ({ name, ttlS, type: 'A', address })
const srv = (name: string, target: string, port: number, priority = 0, weight = 0): DnsRecord => ({
  ...{ name, ttlS: 60, type: 'SRV' },
  ...{ target, port, priority, weight },
})

test('a name is asked for its SRV records first, and for its addresses where it has none', async t => {
  const { server } = await dnsServer(t, ({ name, type }) => {
    if (name === 'api.test' && type === 'SRV')
      return [srv('api.test', 'x.test', 8080, 10, 3), srv('api.test', 'y.test', 8081, 20)]
    if (name === 'x.test' && type === 'A') return [a(name, '10.0.0.1'), a(name, '10.0.0.2')]
    if (name === 'y.test' && type === 'AAAA') return [{ name, ttlS: 60, type, address: '2001:db8:0:0:0:0:0:1' }]
    if (name === 'plain.test' && type === 'A') return [a(name, '10.0.0.3')]
    return []
  })
  // Priorities 10 and 20 are the first and the second; a weight of 0 says nothing, so it is the source's.
  assert.deepEqual(await said({ dns: 'api.test', server, weight: 7 }), [
    'http://10.0.0.1:8080 3 0',
    'http://10.0.0.2:8080 3 0',
    'http://[2001:db8::1]:8081 7 1',
  ])
  assert.deepEqual(await said({ dns: 'plain.test', server, scheme: 'https' }), ['https://10.0.0.3 1 0'])
  assert.deepEqual(await said({ dns: 'plain.test', server, port: 9000, priority: 2 }), ['http://10.0.0.3:9000 1 2'])
  assert.deepEqual(await said({ dns: 'plain.test', server, type: 'srv' }), [])
})

test('a name server in trouble is a failure, and that there is no such name is an answer', async t => {
  const { server } = await dnsServer(t, ({ name }) => (name === 'no.test' ? 'no-name' : 'broken'))
  assert.deepEqual(await said({ dns: 'no.test', server }), [])
  assert.match(String(await said({ dns: 'broken.test', server })), /ESERVFAIL/)
  const silent = await dnsServer(t, () => 'silent')
  assert.match(
    String(await said({ dns: 'a.test', server: silent.server }, { timeout: '200ms' })),
    /ETIMEOUT|ETIMEDOUT|no answer within 200 ms/,
  )
})

test('half an answer only adds: what the other half may have is not missed', async t => {
  const { server } = await dnsServer(t, ({ name, type }): Reply => {
    if (type === 'SRV') return []
    return type === 'A' ? [a(name, '10.0.0.1')] : 'broken'
  })
  const { said } = await lookUp(planOf({ dns: 'half.test', server }), EDGE)
  assert.ok(said.kind === 'found' && said.isPartial === true)
})

test('nobody is sent to addresses of the link or to the admin listener for a name that says so (SE-7)', async t => {
  const { server } = await dnsServer(t, ({ name, type }) =>
    type === 'A' ? ['169.254.169.254', '0.0.0.0', '127.0.0.1', '10.0.0.1'].map(address => a(name, address)) : [],
  )
  assert.deepEqual(await said({ dns: 'evil.test', server, port: 9901 }), ['http://10.0.0.1:9901 1 0'])
})

test('a name is resolved again when its answer expires: who comes is added, who is left out twice is removed (SE-12)', async t => {
  const [x, y] = [await listening(t), await listening(t)]
  let answers: Reply = [srv('api.test', 'x.test', x.port), srv('api.test', 'x.test', y.port)]
  const { server, asked } = await dnsServer(t, ({ name, type }) => {
    if (name === 'api.test' && type !== 'SRV') return answers === 'no-name' ? answers : []
    if (type === 'SRV') return answers
    return type === 'A' ? [a(name, '127.0.0.1', 0)] : []
  })
  const refresh = { min: '100ms', max: '200ms' }
  const config = { services: { api: { discover: [{ dns: 'api.test', server, refresh }] } } }
  const { urls, told } = await discovering(t, config)
  await eventually('both are there', () => urls().length === 2)

  answers = 'broken'
  await eventually('the failure is told', () => told('discovery.source-changed').length > 0)
  assert.equal(urls().length, 2)

  answers = 'no-name'
  const looks = () => asked.filter(({ type }) => type === 'SRV').length
  const enough = looks() + 5
  await eventually('it says so often that there is nobody', () => looks() >= enough)
  const reasons = () => told('discovery.source-changed').map(({ reason }) => reason)
  await eventually('that is told', () => /names no endpoint/.test(String(reasons().at(-1))))
  assert.equal(urls().length, 2)

  answers = [srv('api.test', 'x.test', x.port)]
  const before = looks()
  await eventually('the other is gone', () => !urls().includes(y.url))
  assert.ok(looks() - before >= 2, 'it was missing in two answers')
  answers = [srv('api.test', 'x.test', x.port), srv('api.test', 'x.test', y.port)]
  await eventually('it is back', () => urls().includes(y.url))
})

test('the neighbours are asked for a service below .local, and once more for what they left out', async t => {
  const group = { address: '239.255.83.67', port: 25_353 }
  const service = '_http._tcp.local'
  await neighbour(t, group, (questions, answer) => {
    for (const { name, type } of questions) {
      if (name === service && type === 'PTR') {
        // One sends all of it along, the other only its name.
        answer([
          { name: service, ttlS: 120, type: 'PTR', target: `one.${service}` },
          srv(`one.${service}`, 'one.local', 8001),
          a('one.local', '127.0.0.1', 120),
        ])
        answer([{ name: service, ttlS: 120, type: 'PTR', target: `two.${service}` }])
        answer([
          { name: service, ttlS: 0, type: 'PTR', target: `bye.${service}` },
          srv(`bye.${service}`, 'one.local', 8009),
        ])
      }
      if (name === `two.${service}`) answer([srv(name, 'two.local', 8002), a('two.local', '127.0.0.1')])
    }
  })
  const source = { dns: service, server: `${group.address}:${group.port}` }
  const knobs = { multicast: { interface: '127.0.0.1' } }
  assert.deepEqual(await said(source, knobs), ['http://127.0.0.1:8001 1 0', 'http://127.0.0.1:8002 1 0'])
  const host = await said({ dns: 'nobody.local', server: `${group.address}:${group.port}` }, knobs)
  assert.equal(host, 'no neighbour has answered for nobody.local', 'silence is no answer')
})

test('an interface that this machine does not have is why the neighbours cannot be asked, and ends nothing else', async () => {
  const reason = await said({ dns: 'api.local' }, { multicast: { interface: '203.0.113.7' } })
  assert.match(String(reason), /EADDRNOTAVAIL/)
})
