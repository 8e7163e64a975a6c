import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitSeasonal } from '../../../agents/skills/forecasts/fits/fit-seasonal.ts'
import { forecastHolt, NO_HOLT, nextHolt } from '../../../agents/skills/forecasts/holt.ts'
import { expectLoad, NO_LOAD, nextMinute, withFit } from '../../../agents/skills/forecasts/load-forecast.ts'
import {
  beginSeasonal,
  forecastSeasonal,
  nextSeasonal,
  SEASONAL_RULE,
  seasonality,
} from '../../../agents/skills/forecasts/seasonal.ts'

const near = (found: number, wished: number, by: number): void =>
  assert.ok(Math.abs(found - wished) <= by, `${found} is not ${wished} ± ${by}`)

/** A day of 24 hours, or any other wave. */
const wave = (i: number, period: number): number => 100 + 50 * Math.sin((i / period) * 2 * Math.PI)

test('holt goes on with a trend, and damps it: what rises does not rise for ever', () => {
  const rule = { alpha: 0.5, beta: 0.5, phi: 0.9 }
  let holt = NO_HOLT
  for (let i = 0; i < 200; i++) holt = nextHolt(rule, holt, 10 * i)
  assert.ok(forecastHolt(rule, holt, 1) > 1990, 'the next step goes on')
  // All further steps together: φ ÷ (1 − φ) = 9 trends.
  near(forecastHolt(rule, holt, 1e6) - holt.level, 9 * holt.trend, 1e-6)
  // Undamped it is Holt's own: a straight line goes on straight.
  const straight = { ...rule, phi: 1 }
  let line = NO_HOLT
  for (let i = 0; i < 200; i++) line = nextHolt(straight, line, 10 * i)
  near(forecastHolt(straight, line, 5), 10 * 204, 0.01)
})

test('holt of a first value is that value', () => {
  assert.deepEqual(nextHolt({ alpha: 0.3, beta: 0.1, phi: 0.9 }, NO_HOLT, 7), { level: 7, trend: 0, count: 1 })
})

test('a season that was seen twice is forecast from then on', () => {
  const values = Array.from({ length: 48 }, (_, i) => wave(i, 24))
  let seasonal = beginSeasonal(values, 24)!
  for (let i = 48; i < 100; i++) {
    near(forecastSeasonal(SEASONAL_RULE, seasonal, 1), wave(i, 24), 0.5)
    near(forecastSeasonal(SEASONAL_RULE, seasonal, 12), wave(i + 11, 24), 0.5)
    seasonal = nextSeasonal(SEASONAL_RULE, seasonal, wave(i, 24))
  }
  assert.equal(beginSeasonal(values.slice(0, 47), 24), undefined, 'less than two seasons are none')
})

test('how much of a series is a pattern is known', () => {
  const pattern = Array.from({ length: 96 }, (_, i) => wave(i, 24))
  assert.ok(seasonality(pattern, 24) > 0.999)
  assert.equal(seasonality(Array(96).fill(5), 24), 0, 'what does not vary has no pattern')
  // Four seasons of noise: their mean explains a quarter of it by chance.
  let seed = 1
  const noise = Array.from({ length: 96 }, () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647)
  assert.ok(seasonality(noise, 24) < 0.45)
})

test('a fit finds the season that helps, and none where none does', () => {
  const values = Array.from({ length: 300 }, (_, i) => wave(i, 60))
  const [fit] = fitSeasonal([{ service: 'api', period: 60, values }])
  assert.ok(fit!.error < fit!.plainError / 10, JSON.stringify(fit))
  assert.deepEqual(fitSeasonal([{ service: 'api', period: 60, values: values.slice(0, 120) }]), [])
})

test('load is forecast by its season where a fit has found that it helps', () => {
  let load = NO_LOAD
  let now = 0
  for (let i = 0; i < 240; i++) load = nextMinute(load, wave(i, 60), (now += 60_000))
  const [fit] = fitSeasonal([{ service: 'api', period: 60, values: load.minutes }])
  const seasonal = withFit(load, fit!)
  near(expectLoad(seasonal)[1]!.expected, wave(244, 60), 3)
  assert.ok(Math.abs(expectLoad(load)[1]!.expected - wave(244, 60)) > 5, 'Holt alone lags')
})

test('the p95 of a load forecast is exceeded one time in twenty, and its confidence is that of what came', () => {
  let [load, seed, now, exceeded] = [NO_LOAD, 7, 0, 0]
  const noisy = (): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return 100 + 40 * (seed / 2_147_483_647)
  }
  assert.equal(expectLoad(load)[0]!.confidence, 0)
  for (let i = 0; i < 100; i++) load = nextMinute(load, noisy(), (now += 60_000))
  for (let i = 0; i < 1000; i++) {
    const value = noisy()
    if (value > expectLoad(load)[0]!.p95) exceeded++
    load = nextMinute(load, value, (now += 60_000))
  }
  // 50 ± 5 √(1000 × 0.05 × 0.95) = 34; a window of a hundred errors adds its own chance.
  near(exceeded, 50, 34)
  near(expectLoad(load)[0]!.confidence, 0.9, 0.05)
})
