import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addUse, exhaustionOf, fitGrowth, noUsage, type Usage } from '../../../../agents/skills/forecasts/exhaustion.ts'
import { failureOdds, reasonsOf } from '../../../../agents/skills/forecasts/failure-odds.ts'
import { findRamp, type LogWindow, windowsUntil } from '../../../../agents/skills/forecasts/ramp.ts'

const NONE = { risk: 0, errorShare: 0, errorTrend: 0, latencyZ: 0, anomaly: 0 }

test('without any sign an endpoint is not expected to fail; with growing failures, or risk and an anomaly, it is (ALG-19)', () => {
  assert.ok(failureOdds(NONE) < 0.003)
  assert.ok(failureOdds({ ...NONE, errorShare: 0.2, errorTrend: 0.2 }) >= 0.5)
  assert.ok(failureOdds({ ...NONE, risk: 1, anomaly: 1 }) >= 0.5)
  assert.ok(failureOdds({ ...NONE, latencyZ: 1e9 }) < 0.1, 'one sign alone is not everything')
})

test('each sign makes a failure likelier, and is among the reasons by its weight', () => {
  for (const sign of Object.keys(NONE)) {
    const more = { ...NONE, [sign]: 1 }
    assert.ok(failureOdds(more) > failureOdds(NONE), sign)
  }
  const reasons = reasonsOf({ ...NONE, risk: 0.5, errorTrend: 0.3 })
  assert.deepEqual(reasons, ['failures grew by 30 % of requests within 20 s', 'risk by how it is reached: 0.50'])
})

const upTo = (reports: number, share: (i: number) => number): Usage => {
  const usage = noUsage()
  const mayGrow = Array.from({ length: reports }, (_, i) => addUse(usage, { atMs: i * 10_000, used: share(i) }))
  if (mayGrow.at(-1) === true) fitGrowth(usage)
  return usage
}

test('memory that grows straight is used up when the line says; what wavers, shrinks or stands still is not (ALG-19)', () => {
  // A percent every ten seconds from 50 %: 69 % at the twentieth report, 31 % to go.
  const leak = upTo(20, i => 0.5 + 0.01 * i)
  assert.ok(Math.abs(exhaustionOf(leak, 190_000)!.etaMs - 310_000) < 1, `${exhaustionOf(leak, 190_000)!.etaMs}`)
  assert.ok(Math.abs(exhaustionOf(leak, 195_000)!.etaMs - 305_000) < 1, 'the line goes on between two reports')
  assert.equal(exhaustionOf(leak, 600_000)!.etaMs, 0)
  assert.equal(
    exhaustionOf(
      upTo(20, i => 0.5 + 0.1 * (i % 2)),
      190_000,
    ),
    undefined,
  )
  assert.equal(
    exhaustionOf(
      upTo(20, i => 0.9 - 0.01 * i),
      190_000,
    ),
    undefined,
  )
  assert.equal(
    exhaustionOf(
      upTo(20, () => 0.9),
      190_000,
    ),
    undefined,
  )
  assert.equal(exhaustionOf(noUsage(), 0), undefined)
})

test('addUse() wants no line through what no line would explain, and one through each that grows', () => {
  const wants = (share: (i: number) => number): boolean[] => {
    const usage = noUsage()
    return Array.from({ length: 60 }, (_, i) => addUse(usage, { atMs: i * 5_000, used: share(i) }))
  }
  assert.ok(!wants(() => 0.5).includes(true))
  assert.ok(!wants(i => 0.5 + 0.004 * (i % 3)).includes(true), 'less than a percent is noise')
  // Three reports that rise are a line until the fourth.
  assert.ok(
    !wants(i => 0.5 + 0.1 * ((i * 7) % 4))
      .slice(4)
      .includes(true),
  )
  assert.ok(!wants(i => 0.9 - 0.01 * i).includes(true))
  assert.ok(
    !wants(i => 0.1 + 0.01 * i)
      .slice(2)
      .includes(false),
  )
})

const USUAL = { meanLog: 0, variance: 0.69, overdispersion: 1, uncertainty: 0 }
const windows = (logs: readonly number[]): LogWindow[] => logs.map(meanLog => ({ count: 100, meanLog }))
const calm = Array(15).fill(0)

test('a ramp is found with the moment it began, and when it reaches twice what is usual', () => {
  const ramp = findRamp(USUAL, windows([...calm, 0.05, 0.15, 0.25, 0.35]))!
  assert.equal(ramp.windows, 4)
  assert.ok(Math.abs(ramp.slope - 0.1) < 1e-9)
  // Σ t² = 0.25 + 2.25 + 6.25 + 12.25 = 21; z = 0.1 × √(21 × 100 ÷ 0.69)
  assert.ok(Math.abs(ramp.z - 0.1 * Math.sqrt((21 * 100) / 0.69)) < 1e-9)
  // e^0.4 = 1.49 in four windows; 0.51 more at 0.123 a window.
  assert.ok(Math.abs(windowsUntil(ramp, 2) - 0.508 / 0.123) < 0.02)
  assert.equal(windowsUntil(ramp, 1.2), 0)
})

test('a step is no ramp, and neither is what goes down', () => {
  assert.equal(findRamp(USUAL, windows([...calm, 0.7, 0.7, 0.7, 0.7])), undefined)
  assert.equal(findRamp(USUAL, windows([...calm, -0.1, -0.2, -0.3])), undefined)
})

test('the less is known of what is usual, the less sure a ramp is', () => {
  const last = windows([...calm, 0.05, 0.15, 0.25])
  assert.ok(findRamp({ ...USUAL, uncertainty: 0.01 }, last)!.z < findRamp(USUAL, last)!.z / 1.3)
})
