import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quarantineMs } from '../../../../agents/skills/incidents/quarantine-time.ts'
import { validateConfig } from '../../../../engine/config/load.ts'

const TIMES = validateConfig({ services: { api: {} } }).agents['health-monitor'].quarantine
const first = { times: 0, relapsedFromMs: undefined }

test('quarantine lasts as its reason says, and twice as long each further time within an hour (ALG-22)', () => {
  // The die in the middle: no jitter.
  const ms = (reason: 'failed' | 'flapping' | 'anomaly' | 'security', times: number): number =>
    quarantineMs(TIMES, reason, { ...first, times }, 0.5)
  assert.deepEqual(
    [ms('failed', 0), ms('flapping', 0), ms('anomaly', 0), ms('security', 0)],
    [60_000, 120_000, 30_000, 600_000],
  )
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 40].map(times => ms('failed', times)),
    [60_000, 120_000, 240_000, 480_000, 960_000, 1_800_000, 1_800_000],
  )
})

test('quarantine strays by ten percent either way, and is never longer than half an hour (ALG-22)', () => {
  assert.deepEqual(
    [0, 0.25, 1].map(die => quarantineMs(TIMES, 'failed', first, die)),
    [54_000, 57_000, 66_000],
  )
  assert.equal(quarantineMs(TIMES, 'security', { times: 9, relapsedFromMs: undefined }, 1), 1_800_000)
})

test('quarantine after a relapse is twice as long as the last one, whatever the reason (ALG-22)', () => {
  assert.equal(quarantineMs(TIMES, 'anomaly', { times: 1, relapsedFromMs: 120_000 }, 0.5), 240_000)
  assert.equal(quarantineMs(TIMES, 'security', { times: 1, relapsedFromMs: 60_000 }, 0.5), 1_200_000)
})
