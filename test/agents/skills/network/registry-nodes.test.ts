import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Registration } from '../../../../agents/bridge/registry.ts'
import { nodesOf } from '../../../../agents/skills/network/registered-nodes.ts'
import { registryNodes } from '../../../../agents/skills/network/registry-nodes.ts'
import { sensingBearer } from '../sensing-bearer.ts'

const AGENT: Registration = {
  ...{ agent: 'health-monitor', role: 'health-monitor', incarnation: 1, capabilities: ['checks'], health: 'healthy' },
}

test('entries of the registry become nodes: by what their meta say, behind the @, or by their name (ALG-1, SK-8)', () => {
  const nodes = nodesOf([
    AGENT,
    { ...AGENT, agent: 'health-monitor@b', zone: 'z2' },
    { ...AGENT, agent: 'load-balancer@b', capabilities: ['weights'] },
    { ...AGENT, agent: 'x', meta: { node: 'c', address: '10.0.0.3:7946' } },
    { ...AGENT, agent: 'd', role: 'node' },
    { ...AGENT, agent: 'e', role: 'node', meta: 'no map' as never },
  ])
  assert.deepEqual(nodes, [
    { node: 'b', address: '', zone: 'z2', capabilities: ['checks', 'weights'] },
    { node: 'c', address: '10.0.0.3:7946', zone: '', capabilities: ['checks'] },
    { node: 'd', address: '', zone: '', capabilities: ['checks'] },
    { node: 'e', address: '', zone: '', capabilities: ['checks'] },
  ])
})

test('who comes to the registry and who goes is seen within a second, and its nodes are gone through now and then (SE-5, SE-11)', async () => {
  let there: readonly Registration[] = [{ ...AGENT, agent: 'x@b' }]
  const mounted = registryNodes.mount('registry', { syncMs: 15_000 })
  const bearer = sensingBearer(
    [mounted],
    ({ name }) =>
      () =>
        name === 'registry-nodes' ? nodesOf(there) : there,
  )
  await bearer.advance(100)
  assert.deepEqual(bearer.slice(mounted), { members: 1, joined: 1, left: 0, nodes: nodesOf(there) })
  there = [{ ...AGENT, agent: 'x@b', incarnation: 2 }, AGENT]
  await bearer.advance(1_200)
  // Another life joins, as somebody new does.
  assert.deepEqual(bearer.slice(mounted), { members: 2, joined: 3, left: 0, nodes: nodesOf(there.slice(0, 1)) })
  there = [{ ...AGENT, agent: 'y@c' }]
  await bearer.advance(1_200)
  const { members, joined, left, nodes } = bearer.slice(mounted)
  assert.deepEqual([members, joined, left, nodes[0]!.node], [1, 4, 2, 'b'])
  await bearer.advance(15_000)
  assert.deepEqual(
    bearer.slice(mounted).nodes.map(({ node }) => node),
    ['c'],
  )
})

test('two mounts of registry-nodes keep two states, and one that is unmounted hears nothing more (SK-8)', async () => {
  const mounts = ['first', 'second'].map(key => registryNodes.mount(key, { syncMs: 15_000 }))
  const [first, second] = mounts as [(typeof mounts)[0], (typeof mounts)[0]]
  let looks = 0
  const bearer = sensingBearer(mounts, sensor => () => {
    const isFirst = first.sensors.includes(sensor)
    if (isFirst) looks++
    const there = isFirst ? [AGENT] : [AGENT, { ...AGENT, agent: 'x@b' }]
    return sensor.name === 'registry-nodes' ? nodesOf(there) : there
  })
  await bearer.advance(1_000)
  assert.deepEqual(
    mounts.map(each => bearer.slice(each).members),
    [1, 2],
  )
  bearer.unmount(first)
  const before = looks
  await bearer.advance(5_000)
  assert.equal(looks, before)
  assert.equal(bearer.slice(second).members, 2)
})
