import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionRisk } from '../../../../agents/skills/network/connection-risk.ts'
import { lossOf, measured, NEVER } from '../../../../agents/skills/network/connectivity.ts'

test('the risk of an endpoint is the mean of latency in seconds, loss and too little bandwidth (ALG-2, D1)', () => {
  // 300 ms of a second, a loss of 0.15, enough bandwidth: 0.45 ÷ 3.
  const { risk, factors, etaMs } = connectionRisk({ connectMs: 300, loss: 0.15, bandwidthMbit: 10 })
  assert.equal(risk.toFixed(6), '0.150000')
  assert.deepEqual([factors, etaMs], [[], 51_000])
  // A round trip of 5 ms is next to nothing: it is not taken for 5,000.
  assert.equal(connectionRisk({ connectMs: 5, loss: 0, bandwidthMbit: null }).risk.toFixed(6), '0.001667')
  const bad = connectionRisk({ connectMs: 2_500, loss: 0.4, bandwidthMbit: 0.5 })
  assert.deepEqual([bad.risk.toFixed(2), bad.factors], ['0.80', ['latency', 'bandwidth']])
})

test('what cannot be reached is infinitely far, and nothing gets through to it (D2)', () => {
  const risk = connectionRisk({ connectMs: null, loss: 1, bandwidthMbit: null })
  assert.deepEqual(risk, { risk: 1, factors: ['latency', 'loss', 'bandwidth'], etaMs: 0 })
})

test('loss is that of the last hundred attempts, and attempts are counted (D24)', () => {
  let reached = NEVER
  for (let i = 0; i < 50; i++) reached = measured(reached, null)
  assert.deepEqual([lossOf(reached), reached.measurements, reached.connectMs], [1, 50, null])
  for (let i = 0; i < 60; i++) reached = measured(reached, 8)
  // Of the last hundred the first forty failed.
  assert.deepEqual([lossOf(reached), reached.measurements, reached.connectMs], [0.4, 110, 8])
  assert.equal(measured(reached, 16).connectMs, 9)
})
