import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashKey } from '../../engine/memory/hash-key.ts'
import { planeOf } from '../../engine/plane/plane.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { disableAgent, enableAgent } from '../../engine/router/agent-switch.ts'
import { policyFault, policyNumber } from '../../engine/router/policy-in-force.ts'
import { reportService } from '../../engine/router/report.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const weighted = { a: {}, b: { weight: 3 } }
const ROUND_ROBIN = policyNumber('round-robin')

test('a policy that replaces that of the config is picked by from the next pick of every thread on, and no longer when it is taken back', () => {
  const world = tinyWorld(weighted, { policy: 'round-robin' })
  const second = world.routerOf(world.another())
  const share = (router = world.router): number => {
    let b = 0
    for (let i = 0; i < 40; i++) {
      const ticket = router.pick()
      if (router.endpoint(ticket).id === 'b') b++
      router.settle(ticket, 'ok')
    }
    return b
  }
  assert.deepEqual([share(), share(second)], [20, 20])
  world.services.setPolicy(world.service, policyNumber('weighted-round-robin'), false)
  assert.deepEqual([share(), share(second)], [30, 30])
  assert.equal(reportService(world.attachment, 'api').policy, 'weighted-round-robin')
  assert.equal(reportService(world.attachment, 'api').policyConfigured, 'round-robin')
  world.services.setPolicy(world.service, 0, false)
  assert.deepEqual([share(), share(second)], [20, 20])
  assert.equal(reportService(world.attachment, 'api').policyConfigured, null)
  world.close()
})

test('a policy that replaces another stands when the structure changes, and until it is taken back keys go where they may', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, { policy: 'maglev' })
  const keys = Array.from({ length: 30 }, (_, i) => hashKey(`k${i}`))
  const homes = keys.map(key => world.pickId(key))
  world.services.setPolicy(world.service, ROUND_ROBIN, false)
  world.add('d')
  const ids = keys.slice(0, 8).map(key => world.pickId(key))
  assert.equal(new Set(ids).size, 4, 'in turn')
  world.remove('d')
  world.services.setPolicy(world.service, 0, false)
  assert.deepEqual(
    keys.map(key => world.pickId(key)),
    homes,
    'by the table of the config again',
  )
  world.close()
})

test('sessions are where they were when another policy has come and gone', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, { policy: 'sticky' })
  const key = hashKey('session')
  const home = world.pickId(key)
  world.services.setPolicy(world.service, ROUND_ROBIN, true)
  world.add('d')
  assert.equal(new Set(Array.from({ length: 4 }, () => world.pickId(key))).size, 4)
  world.services.setPolicy(world.service, 0, false)
  assert.equal(world.pickId(key), home)
  world.close()
})

test('the kill switch of the load balancer has the config’s policy count', () => {
  const world = tinyWorld(weighted, { policy: 'weighted-round-robin' })
  world.services.setPolicy(world.service, ROUND_ROBIN, true)
  const shares = (): string => Array.from({ length: 8 }, () => world.pickId()).join('')
  assert.equal(shares().replaceAll('a', '').length, 4)
  disableAgent(world.attachment, 'load-balancer')
  assert.equal(reportService(world.attachment, 'api').policy, 'weighted-round-robin')
  assert.equal(shares().replaceAll('a', '').length, 6)
  enableAgent(world.attachment, 'load-balancer')
  assert.equal(shares().replaceAll('a', '').length, 4)
  world.close()
})

test('a number of no policy is refused to agents, and picks by the config’s where it is there', () => {
  const world = tinyWorld(weighted, { policy: 'round-robin' })
  const { services } = planeOf(world.attachment)
  assert.throws(() => services.setPolicy(world.service, POLICIES.length + 1, false), /is no value for it/)
  assert.throws(() => services.setPolicy(world.service, 0.5, false), /is no value for it/)
  world.services.setPolicy(world.service, 200, false)
  assert.deepEqual([world.pickId(), world.pickId(), world.pickId()], ['a', 'b', 'a'])
  world.close()
})

test('policyFault() refuses what needs more than the config says, and keys to leave unless it is said expressly', () => {
  const text = (name: string) => ({ name: 'api', policy: { name }, panicThreshold: 0.5 })
  const fault = (own: string, wanted: string, evenIfKeyed = false) => policyFault(text(own), wanted, evenIfKeyed)
  assert.equal(fault('round-robin', 'least-request'), undefined)
  assert.equal(fault('round-robin', 'leastconn'), undefined, 'by another name')
  assert.match(fault('round-robin', 'leest')!, /is not a policy/)
  assert.match(fault('round-robin', 'rendezvous')!, /needs a key/)
  assert.match(fault('round-robin', 'maglev')!, /reads a table/)
  assert.match(fault('round-robin', 'sticky')!, /needs room for sessions/)
  assert.match(fault('round-robin', 'zone')!, /needs to know zones/)
  assert.match(fault('maglev', 'least-request')!, /keys would leave/)
  assert.equal(fault('maglev', 'least-request', true), undefined)
  assert.equal(fault('maglev', 'rendezvous'), undefined)
  assert.equal(fault('sticky', 'sticky'), undefined)
})
