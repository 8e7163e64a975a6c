import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateConfig } from '../../../engine/config/load.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'

type Agents = NonNullable<ConfigInput['agents']>

const read = (agents: Agents) => validateConfig({ services: { api: {} }, agents }).agents

test('knobs of the resource manager have their defaults', () => {
  assert.deepEqual(read({})['resource-manager'], {
    enabled: true,
    thresholds: { cpu: 0.95, memory: 0.85, sockets: 0.9, loopDelay: 500 },
    limits: { memory: 0, sockets: 0 },
    ...{ overFor: 3_000, calmFor: 30_000, step: 3_000, shedUpTo: 'sheddable-plus', reportsKept: 30_000 },
    costs: { goal: 100, p99: 100, interval: 10_000, most: 0.95 },
    grants: 16,
  })
})

test('knobs of the resource manager are read in base units, and wrong ones are refused', () => {
  const knobs = {
    limits: { memory: '2GiB' },
    thresholds: { cpu: '0%' },
    shedUpTo: 'critical',
    costs: { goal: 7.5 },
  } as const
  const { limits, thresholds, shedUpTo, costs } = read({ 'resource-manager': knobs })['resource-manager']
  assert.deepEqual([limits.memory, thresholds.cpu, shedUpTo, costs.goal], [2 ** 31, 0, 'critical', 7.5])
  for (const wrong of [
    { shedUpTo: 'critical-plus' },
    { step: '10ms' },
    { costs: { interval: '0s' } },
    { threshold: {} },
  ]) {
    assert.throws(() => read({ 'resource-manager': wrong as never }), { code: 'SBX_CONFIG_INVALID' })
  }
})
