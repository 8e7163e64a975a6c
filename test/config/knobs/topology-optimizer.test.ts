import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateConfig } from '../../../engine/config/load.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'

type Knobs = NonNullable<NonNullable<ConfigInput['agents']>['topology-optimizer']>

const read = (knobs: Knobs) =>
  validateConfig({ services: { api: {} }, agents: { 'topology-optimizer': knobs } }).agents['topology-optimizer']

test('knobs of the topology optimizer have their defaults', () => {
  assert.deepEqual(read({}), {
    ...{ enabled: true, sync: 15_000, zones: {}, change: 0.1, headroom: 0.2, least: 0.01 },
    weights: { latency: 0.4, bandwidth: 0.3, reliability: 0.3 },
  })
})

test('a zone has a place on earth, or is refused', () => {
  const z1 = { latitude: 52.5, longitude: -13.4 }
  assert.deepEqual(read({ zones: { z1 } }).zones, { z1 })
  for (const wrong of [{ latitude: 91, longitude: 0 }, { latitude: 0 }, { latitude: 0, longitude: 'east' }]) {
    assert.throws(() => read({ zones: { z1: wrong as never } }), { code: 'SBX_CONFIG_INVALID' })
  }
})
