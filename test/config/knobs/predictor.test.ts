import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../../engine/config/parse.ts'
import { formatProblems } from '../../../engine/config/problems.ts'

function read(knobs: string) {
  const result = parseConfig(`services: { api: {} }\nagents: { predictor: ${knobs} }`, { env: {} })
  return 'config' in result ? result.config.agents.predictor : formatProblems('', result.problems)
}

test('the predictor does all it can, a minute ahead, and calls twice the usual latency slow', () => {
  assert.deepEqual(read('{}'), {
    ...{ enabled: true, routing: true, load: true, trouble: true },
    ...{
      horizon: 60_000,
      exhaustionHorizon: 600_000,
      latencyFactor: 2,
      latencyGoal: 0,
      minSamples: 10,
      probability: 0.6,
    },
  })
})

test('the predictor can be told what is slow, how far to look, and to leave parts out', () => {
  const told = read('{ latencyGoal: 250ms, horizon: 30s, exhaustionHorizon: 1h, probability: 0.9, load: false }')
  assert.ok(typeof told === 'object')
  assert.deepEqual(
    [told.latencyGoal, told.horizon, told.exhaustionHorizon, told.probability, told.load],
    [250, 30_000, 3_600_000, 0.9, false],
  )
  assert.match(String(read('{ latencyFactor: 1 }')), /latencyFactor/)
  assert.match(String(read('{ minSamples: 1 }')), /minSamples/)
})
