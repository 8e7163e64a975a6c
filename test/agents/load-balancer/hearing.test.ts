import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Signal } from '../../../agents/kit/grammar/signal.ts'
import { growthOf, noted } from '../../../agents/load-balancer/hearing.ts'
import { newState } from '../../../agents/load-balancer/state.ts'
import { loadForecasted } from '../../../agents/signals.ts'
import { validateConfig } from '../../../engine/config/load.ts'

test('what load is forecast to grow by is that of the minute ahead, whatever is forecast for later', () => {
  const state = newState(validateConfig({ services: { api: {} } }), 0, 1)
  const forecast = { service: 'api', perSecond: 100, p95: 0, confidence: 1 }
  const [minute, later] = [
    { ...forecast, horizonMs: 60_000, expected: 110 },
    { ...forecast, horizonMs: 300_000, expected: 200 },
  ]
  for (const services of [
    [minute, later],
    [later, minute],
  ]) {
    const signal = { id: '1', specversion: '1.0', source: '/test', time: '', ...loadForecasted.of({ services }) }
    assert.equal(growthOf(noted(state, signal as Signal, 0), 'api', 0), 1.1)
  }
})
