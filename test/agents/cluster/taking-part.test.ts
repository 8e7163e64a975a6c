import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quarantineRequested } from '../../../agents/index.ts'
import type { AgentReport } from '../../../agents/kit/member/status.ts'
import { monitorNodes } from '../skills/monitor-nodes.ts'

test('agents of two nodes that decided together both show what they took part in', async t => {
  const { nodes, advance } = await monitorNodes(t, 2)
  for (const { broken } of nodes) broken.add('e1')
  await advance(3_000)
  nodes[0].plane.hear(quarantineRequested.of({ service: 'api', id: 'e1', reason: 'failed', by: 'test' }))
  // Decided, and reported with the next heartbeat.
  await advance(12_000)
  for (const { name, plane } of nodes) {
    const { consensusParticipation, coordinationHistory } = plane.control.report!('health-monitor') as AgentReport
    const decided = coordinationHistory.map(({ type, subject, status }) => `${type} ${subject} ${status}`)
    assert.deepEqual([consensusParticipation, decided], [[], ['quarantine api/e1 accepted']], name)
  }
})
