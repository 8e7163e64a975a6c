import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Setup } from '../../../../agents/kit/grammar/agent.ts'
import type { SensorEdge } from '../../../../agents/kit/grammar/sensor.ts'
import { connectivityMeasured } from '../../../../agents/signals.ts'
import { bandwidth, type Flow } from '../../../../agents/skills/network/bandwidth.ts'
import { networkAnalysis } from '../../../../agents/skills/network/network-analysis.ts'
import { Traffic } from '../../../../engine/memory/traffic.ts'
import { planeOf } from '../../../../engine/plane/plane.ts'
import { tinyWorld } from '../../../support/tiny-world.ts'
import { sensingBearer } from '../sensing-bearer.ts'

test('bytes a second to and from each endpoint are read off what the proxy carried, and what a large answer came with (SE-10)', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const traffic = new Traffic(world.region, world.attachment.seat)
  const a = world.row('a')
  const sensor = bandwidth('network')
  const edge = { attachment: planeOf(world.attachment) } as unknown as SensorEdge
  let memory = sensor.start({ now: 0 } as Setup)
  const look = (now: number): Flow | undefined => {
    const percept = sensor.perceive(memory, sensor.read(edge), now)
    memory = percept.memory
    return (percept.readings[0] as { data: { flows: Map<number, Flow> } } | undefined)?.data.flows.get(a)
  }
  traffic.carry(a, 1, 1, 0)
  assert.equal(look(10_000), undefined, 'what was before the first look counts for nothing')
  traffic.carry(a, 5_000, 20_000, 0)
  // 1 MB in 400 ms: 8 Mbit ÷ 0.4 s.
  traffic.carry(a, 0, 1_000_000, 400_000)
  const generation = world.endpoints.generation(a)
  assert.deepEqual(look(20_000), { generation, sentPerSecond: 500, receivedPerSecond: 102_000, mbit: 20 })
  assert.deepEqual(look(30_000), { generation, sentPerSecond: 0, receivedPerSecond: 0, mbit: 20 })
  // 4 Mbit/s count for a quarter.
  traffic.carry(a, 0, 500_000, 1_000_000)
  assert.equal(look(40_000)?.mbit, 16)
})

test('what is known of bandwidth is told with how an endpoint is reached, and weighs in its risk (SE-10)', async () => {
  const ref = { row: 0, generation: 3, service: 'api', id: 'a' }
  const options = { intervalMs: 30_000, timeoutMs: 1_000, riskThreshold: 0.3 }
  const flow: Flow = { generation: 3, sentPerSecond: 0, receivedPerSecond: 0, mbit: 0.5 }
  const mounted = networkAnalysis.mount('network', options)
  const before = { sent: 1, received: 1, timedBytes: 0, timedUs: 0, generation: 3 }
  let looks = 0
  const bearer = sensingBearer([mounted], ({ name }) => async () => {
    if (name === 'network-scan')
      return { at: 'network', rows: 1, there: new Set([0]), attempts: [{ ref, connectMs: 5 }] }
    // 62,500 bytes in a second are half a Mbit.
    return new Map([[0, looks++ === 0 ? before : { ...before, timedBytes: 62_500, timedUs: 1_000_000 }]])
  })
  await bearer.advance(31_000)
  assert.equal(bearer.slice(mounted).traffic.get(0)?.mbit, flow.mbit)
  assert.equal(bearer.sent.filter(connectivityMeasured.is).at(-1)!.data.rows[0]!.bandwidthMbit, 0.5)
  // A third for too little bandwidth, and next to nothing for 5 ms.
  assert.equal(bearer.slice(mounted).atRisk.get(0)?.toFixed(3), '0.335')
})
