import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pooled } from '../../../../agents/skills/forecasts/pooling.ts'
import {
  type Comparison,
  learnTrust,
  NO_TRUST,
  TRUST_MAX,
  type Trust,
  trustIn,
} from '../../../../agents/skills/forecasts/trust.ts'

function after(seconds: number, comparison: Comparison, before: Trust = NO_TRUST): Trust {
  let trust = before
  for (let i = 0; i < seconds; i++) trust = learnTrust(trust, comparison)
  return trust
}

const GOOD = { forecast: 0.01, measured: 0.09, chance: 0 }
const BAD = { forecast: 0.09, measured: 0.01, chance: 0 }

test('forecasts are trusted by how much less they err than measuring (ALG-8)', () => {
  assert.equal(trustIn(NO_TRUST), 0, 'nothing was compared yet')
  // 0.09 ÷ (0.09 + 0.01)
  assert.ok(Math.abs(trustIn(after(100, GOOD)) - 0.9) < 1e-6)
  assert.ok(Math.abs(trustIn(after(100, { forecast: 0.05, measured: 0.05, chance: 0 })) - 0.5) < 1e-6)
  assert.equal(
    trustIn(after(100, { forecast: 0, measured: 1, chance: 0 })),
    TRUST_MAX,
    'a part is left to what is measured',
  )
})

test('what chance alone makes of both is left out of the comparison', () => {
  const noisy = { forecast: 0.51, measured: 0.59, chance: 0.5 }
  assert.ok(Math.abs(trustIn(after(100, noisy)) - 0.9) < 1e-6)
})

test('where forecasts do worse for ten seconds adaptive is peak-ewma, and they come back after half a minute of being better (SK-13)', () => {
  const good = after(60, GOOD)
  let trust = good
  let barredAfter = 0
  while (!trust.isBarred) {
    trust = learnTrust(trust, BAD)
    barredAfter++
  }
  assert.ok(barredAfter >= 10 && barredAfter <= 25, `${barredAfter}`)
  assert.equal(trustIn(trust), 0)
  let backAfter = 0
  while (trust.isBarred) {
    trust = learnTrust(trust, GOOD)
    backAfter++
  }
  assert.ok(backAfter >= 30 && backAfter <= 60, `${backAfter}`)
  assert.ok(trustIn(trust) > 0.5)
})

test('what may be chance is taken for chance, what cannot be is believed', () => {
  // Within one standard deviation of the middle: the middle.
  assert.equal(pooled({ value: 1.05, variance: 0.01 }, 1), 1)
  // Ten of them away: all but a hundredth of the way.
  assert.ok(Math.abs(pooled({ value: 2, variance: 0.01 }, 1) - 1.99) < 1e-9)
  assert.equal(pooled({ value: 2, variance: 0 }, 1), 2)
})
