import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tunedMs } from '../../../agents/health-monitor/tempo.ts'

test('tunedMs() checks a calm endpoint two, then four times less often, and a suspect one four times as often (AC-30)', () => {
  assert.equal(tunedMs(1_000, 0, false), 1_000)
  assert.equal(tunedMs(1_000, 59_999, false), 1_000)
  assert.equal(tunedMs(1_000, 60_000, false), 2_000)
  assert.equal(tunedMs(1_000, 240_000, false), 4_000)
  assert.equal(tunedMs(1_000, 9e9, false), 4_000)
  // So long that the clock has gone round.
  assert.equal(tunedMs(1_000, -5, false), 4_000)
  assert.equal(tunedMs(4_000, 9e9, true), 1_000)
  assert.equal(tunedMs(500, 9e9, true), 250)
  assert.equal(tunedMs(100, 9e9, true), 100, 'whoever asks more often than that goes on so')
})
