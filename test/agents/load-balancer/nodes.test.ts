import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestCluster, ROSTER } from '../../../agents/index.ts'
import type { State } from '../../../agents/load-balancer/agent.ts'
import { capacityReported } from '../../../agents/signals.ts'
import { type Box, createSignalbox } from '../../../engine/index.ts'

const NAMES = ['failure-detector', 'load-balancer']
const ENDPOINTS = ['x', 'y'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` }))
const CONFIG = { services: { api: { policy: 'round-robin', endpoints: ENDPOINTS } } } as const

/** Two nodes with a load balancer each, before the same two endpoints. */
async function nodesOf(t: TestContext) {
  const boxes: Box[] = []
  const cluster = await createTestCluster({
    nodes: 2,
    roster: ROSTER.filter(({ name }) => NAMES.includes(name)),
    open: async control => {
      const box = await createSignalbox(CONFIG, { control, log: () => {} })
      boxes.push(box)
      return box
    },
  })
  t.after(() => cluster.close())
  const stateOf = (node: string): State => cluster.node(node).plane.state('load-balancer') as State
  /** Requests at node a, each settled after 100 ms. */
  const send = async (perSecond: number, forMs: number): Promise<void> => {
    const router = boxes[0]!.router('api')
    const open: { ticket: number; atMs: number }[] = []
    const count = (perSecond * forMs) / 1_000
    for (let i = 0; i < count; i++) {
      const atMs = (i * forMs) / count
      while (open.length > 0 && open[0]!.atMs <= atMs) router.settle(open.shift()!.ticket, 'ok', 100_000)
      const ticket = router.pick()
      if (ticket >= 0) open.push({ ticket, atMs: atMs + 100 })
      await cluster.advance(forMs / count)
    }
    for (const { ticket } of open) router.settle(ticket, 'ok', 100_000)
  }
  return { cluster, stateOf, send }
}

test('what one node bears reaches the balancer of the other, as load of the same endpoints (AC-21)', async t => {
  const { stateOf, send } = await nodesOf(t)
  await send(20, 11_000)
  const [[source, heard] = ['', undefined]] = [...stateOf('b').others]
  assert.equal(source, '/signalbox/nodes/a/agents/load-balancer')
  assert.deepEqual(heard!.rows.map(({ id }) => id).sort(), ['x', 'y'])
  for (const { inflight, perSecond } of heard!.rows) {
    // Ten requests a second on each, of 100 ms.
    assert.ok(Math.abs(perSecond - 10) < 1 && Math.abs(inflight - 1) < 0.5, `${perSecond} a second, ${inflight}`)
  }
})

test('in a surge the balancers of two nodes agree on who admits how much, and each acts on it (D14)', async t => {
  const { cluster, stateOf, send } = await nodesOf(t)
  await send(20, 12_000)
  // The other one says that it has something to do as well.
  const nothing = { cpu: null, memory: null, network: null, utilisation: null }
  const known = [...stateOf('a').known]
  cluster.node('a').plane.hear(
    capacityReported.of({
      by: 'agent',
      rows: known.map(([row, { generation }], i) => {
        return { row, generation, service: 'api', id: ENDPOINTS[i]!.id, ...nothing, maxConnections: 6 }
      }),
    }),
  )
  cluster.node('a').plane.hear({
    type: 'signalbox.node.load-summarised',
    data: { rows: [{ service: 'api', id: 'x', inflight: 1, perSecond: 50, latencyUs: 1_000 }] },
  })
  await send(120, 5_000)
  await cluster.advance(2_000)
  const [a, b] = ['a', 'b'].map(node => stateOf(node).served.get('api')!.admission)
  assert.ok(a !== undefined && b !== undefined, 'both know')
  assert.ok(Math.abs(a.share + b.share - 1) < 1e-9, `${a.share} and ${b.share}`)
  assert.equal(a.fence, b.fence)
})
