import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchSettingsOf } from '../../../../agents/failure-detector/nodes/settings.ts'
import { Gaps, phiOf } from '../../../../agents/skills/network/phi.ts'
import { validateConfig } from '../../../../engine/config/load.ts'

type Profile = 'default' | 'fast' | 'compat'

/** The silence at which φ passes the threshold, in ms: found by looking every ms. */
function noticedMs(profile: Profile): number {
  const { agents } = validateConfig({ services: { api: {} }, agents: { 'failure-detector': { nodes: { profile } } } })
  const { heartbeatMs, pauseMs, deviationMsMin, threshold } = watchSettingsOf(agents['failure-detector'].nodes)
  const gaps = new Gaps(heartbeatMs)
  for (let beat = 0; beat < 2_000; beat++) gaps.add(heartbeatMs)
  const { mean, deviation } = gaps.usual(deviationMsMin)
  let silenceMs = 0
  while (phiOf(silenceMs, { mean: mean + pauseMs, deviation }) < threshold) silenceMs++
  return silenceMs
}

test('phiOf() is what Pekko publishes: 0.3 at the mean, 1 at 1.28 deviations, 8 at 5.23 (ALG-25)', () => {
  const usual = { mean: 1_000, deviation: 100 }
  // Half of all gaps are longer than the mean: −log₁₀ 0.5 = 0.301.
  assert.ok(Math.abs(phiOf(1_000, usual) - 0.301) < 0.001)
  // One in ten of a normal distribution is beyond 1.2816 deviations.
  assert.ok(Math.abs(phiOf(1_128.16, usual) - 1) < 0.01)
  // The approximation is 8 where y (1.5976 + 0.070566 y²) = 8 ln 10 = 18.42, which y = 5.23 is.
  assert.ok(Math.abs(phiOf(1_523, usual) - 8) < 0.05)
  assert.equal(phiOf(1e6, usual), Number.POSITIVE_INFINITY)
  assert.ok(phiOf(0, usual) < 1e-9)
})

test('phiOf() only grows with silence', () => {
  const usual = { mean: 100, deviation: 10 }
  for (let ms = 1; ms < 400; ms++) assert.ok(phiOf(ms, usual) >= phiOf(ms - 1, usual), `at ${ms} ms`)
})

test('profiles notice a silence when they say: 3.5 s, fast 352 ms, compat 15.5 s (D34)', () => {
  // heartbeat + pause + 5.23 × deviation, and the ms that is looked at next.
  assert.ok(Math.abs(noticedMs('default') - 3_523) <= 2, `${noticedMs('default')}`)
  assert.ok(Math.abs(noticedMs('fast') - 352) <= 1, `${noticedMs('fast')}`)
  assert.ok(Math.abs(noticedMs('compat') - 15_523) <= 2, `${noticedMs('compat')}`)
})

test('Gaps begins around the interval that is agreed, a quarter of it apart, and remembers the last thousand', () => {
  const gaps = new Gaps(1_000)
  assert.deepEqual(gaps.usual(100), { mean: 1_000, deviation: 250 })
  for (let i = 0; i < 998; i++) gaps.add(1_000)
  assert.equal(gaps.count, 1_000)
  for (let i = 0; i < 1_000; i++) gaps.add(i % 2 === 0 ? 0 : 400)
  assert.equal(gaps.count, 1_000)
  const { mean, deviation } = gaps.usual(1)
  assert.ok(Math.abs(mean - 200) < 1e-6 && Math.abs(deviation - 200) < 1e-6, `${mean} ± ${deviation}`)
})
