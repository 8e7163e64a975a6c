import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Anomaly, MetricName } from '../../../../agents/signals.ts'
import { compareWithUsual } from '../../../../agents/skills/usual/anomaly-detection.ts'
import {
  MODELS,
  type Model,
  memory,
  percentile,
  placeOf,
  scoreOf,
  severityOf,
  statistical,
  trend,
} from '../../../../agents/skills/usual/anomaly-models.ts'

const model = (metric: MetricName): Model => MODELS[placeOf(metric)!]!
const usual = (mean: number, p95 = mean) => ({ mean, p95, deviation: 0, samples: 100 })

/** As many shares as the window has, half of them 0.3 and half 0.5: mean 0.4, deviation 0.1. */
const spread = (count: number): number[] => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 0.3 : 0.5))

test('CPU stands out beyond 2.5 deviations of the twenty values before it, and no earlier than those are there (ALG-15)', () => {
  const before = spread(20)
  const at = (value: number) => statistical(value, before, model('cpu'))
  // 0.4 + 2.5 × 0.1 = 0.65.
  assert.equal(at(0.64)?.isAnomalous, false)
  assert.equal(at(0.66)?.isAnomalous, true)
  assert.ok(Math.abs(at(0.9)!.score - 2) < 1e-9, 'five deviations are twice the threshold')
  // Downwards it may fall as it likes.
  assert.equal(at(0)?.isAnomalous, false)
  assert.equal(statistical(0.9, before.slice(1), model('cpu')), undefined)
})

test('a share that never moves stands out by more than a hundredth times the threshold, not by any move at all (ALG-15)', () => {
  const flat = new Array<number>(20).fill(0.3)
  assert.equal(statistical(0.32, flat, model('cpu'))?.isAnomalous, false)
  assert.equal(statistical(0.33, flat, model('cpu'))?.isAnomalous, true)
})

test('memory stands out beyond two deviations of fifteen values (ALG-16)', () => {
  const before = [...spread(14), 0.4]
  assert.equal(memory(0.58, before, model('memory'))?.isAnomalous, false)
  assert.equal(memory(0.61, before, model('memory'))?.isAnomalous, true)
  assert.equal(memory(0.61, before, model('memory'))?.hasLeak, false)
})

test('memory that grows along a line is a leak, though none of its values stands out (ALG-16)', () => {
  const line = Array.from({ length: 16 }, (_, i) => 0.3 + 0.01 * i)
  const verdict = memory(line[15]!, line.slice(0, 15), model('memory'))
  assert.deepEqual([verdict?.isAnomalous, verdict?.hasLeak, verdict?.score], [true, true, 1])
  const alone = statistical(line[15]!, line.slice(0, 15), model('memory'))
  assert.equal(alone?.isAnomalous, false, 'its z alone is 1.85')
  // It breathes: up and down again.
  const saw = Array.from({ length: 16 }, (_, i) => 0.3 + 0.02 * (i % 4))
  assert.equal(memory(saw[15]!, saw.slice(0, 15), model('memory'))?.hasLeak, false)
  // It grows, but by less than a twentieth of all there is.
  const slow = Array.from({ length: 16 }, (_, i) => 0.3 + 0.002 * i)
  assert.equal(memory(slow[15]!, slow.slice(0, 15), model('memory'))?.hasLeak, false)
})

test('the path to an endpoint stands out where its trend leads 30 % beyond the usual, over thirty values (ALG-17)', () => {
  const ramp = (to: number): number[] => Array.from({ length: 30 }, (_, i) => 100_000 + ((to - 100_000) * (i + 1)) / 30)
  const at = (values: readonly number[]) => trend(values, usual(100_000), model('network-latency'))
  // The line leads one step further than the last value.
  assert.equal(at(ramp(128_000))?.isAnomalous, false)
  assert.equal(at(ramp(130_000))?.isAnomalous, true)
  assert.equal(at(new Array<number>(30).fill(140_000))?.isAnomalous, true)
  // One slow connection in ten is no trend.
  assert.equal(at(Array.from({ length: 30 }, (_, i) => (i % 10 === 9 ? 500_000 : 100_000)))?.isAnomalous, false)
  assert.equal(at(ramp(200_000).slice(1)), undefined)
})

test('response times stand out where their 95th percentile is more than twice the usual one (ALG-18)', () => {
  const check = model('check-time')
  // Of sixty values the 95th percentile is the fourth highest.
  const slow = (count: number): number[] => Array.from({ length: 60 }, (_, i) => (i < count ? 210_000 : 50_000))
  assert.equal(percentile(slow(3), usual(50_000, 100_000), check)?.isAnomalous, false)
  assert.equal(percentile(slow(4), usual(50_000, 100_000), check)?.isAnomalous, true)
  assert.equal(percentile(slow(4), usual(50_000, 100_000), check)?.score, 1.05)
  assert.equal(percentile(slow(4), usual(50_000, 100_000), check)?.value, 210_000, 'and not the last value')
  assert.equal(percentile(slow(60).slice(1), usual(50_000, 100_000), check), undefined)
  // What is said of requests is the percentile of a window already.
  assert.equal(percentile([2_001], usual(500, 1_000), model('response-time'))?.isAnomalous, true)
  assert.equal(percentile([2_000], usual(500, 1_000), model('response-time'))?.isAnomalous, false)
})

test('what a busy thread adds to the times of its checks is no anomaly of the endpoint', () => {
  const often = (us: number): number[] => Array.from({ length: 60 }, (_, i) => (i % 4 === 0 ? us : 500))
  assert.equal(percentile(often(10_900), usual(500, 1_000), model('check-time'))?.isAnomalous, false)
  assert.equal(percentile(often(11_100), usual(500, 1_000), model('check-time'))?.isAnomalous, true)
  const path = (us: number): number[] => new Array<number>(30).fill(us)
  assert.equal(trend(path(10_900), usual(1_000), model('network-latency'))?.isAnomalous, false)
  assert.equal(trend(path(11_100), usual(1_000), model('network-latency'))?.isAnomalous, true)
})

const anomaly = (metric: MetricName, score = 1): Anomaly => ({
  ...{ metric, model: 'statistical', value: 1, expected: 0, score, hasLeak: false },
})

test('one anomaly is a warning, two are critical, and the gravest says how grave (ALG-18b)', () => {
  assert.equal(severityOf([]), 'info')
  assert.equal(severityOf([anomaly('cpu')]), 'warning')
  assert.equal(severityOf([anomaly('response-time'), anomaly('cpu')]), 'critical')
  assert.equal(severityOf([anomaly('memory'), anomaly('network-latency')]), 'critical')
  // Slow checks and slow requests are one thing seen twice.
  assert.equal(severityOf([anomaly('response-time'), anomaly('check-time')]), 'warning')
  // Both are measured by this process, on its own time.
  assert.equal(severityOf([anomaly('network-latency'), anomaly('check-time')]), 'warning')
  assert.equal(severityOf([anomaly('network-latency'), anomaly('response-time')]), 'critical')
  assert.equal(scoreOf([anomaly('cpu', 1.2), anomaly('memory', 3)]), 3)
})

test('without anything usual there is nothing unusual, in exactly these words (ALG-18b)', () => {
  assert.deepEqual(compareWithUsual(new Map(), []), {
    anomaliesDetected: false,
    message: 'No baseline available for comparison',
  })
  assert.deepEqual(compareWithUsual(new Map([['cpu', null]]), []), {
    anomaliesDetected: false,
    message: 'No baseline available for comparison',
  })
  assert.deepEqual(compareWithUsual(new Map([['cpu', usual(0.3)]]), [anomaly('cpu')]), {
    ...{ anomaliesDetected: true, anomalyCount: 1, severity: 'warning', anomalies: [anomaly('cpu')] },
  })
})
