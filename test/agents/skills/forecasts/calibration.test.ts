import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rollDie } from '../../../../agents/kit/dice.ts'
import {
  brierScore,
  calibrated,
  learnOutcome,
  NO_CALIBRATION,
} from '../../../../agents/skills/forecasts/calibration.ts'
import { confidenceOf } from '../../../../agents/skills/forecasts/confidence.ts'

test('confidence is the mean less half the variance, never below 0, and 0 of none (ALG-20)', () => {
  assert.equal(confidenceOf([]), 0)
  assert.equal(confidenceOf([0.8]), 0.8)
  assert.equal(confidenceOf([0.5, 0.5, 0.5]), 0.5)
  // Mean 0.5, variance 0.25.
  assert.equal(confidenceOf([0, 1]), 0.375)
  assert.equal(confidenceOf([0, 0, 0]), 0)
})

test('before anything has come a model is believed as it says', () => {
  for (const p of [0.05, 0.3, 0.62, 0.95]) assert.ok(Math.abs(calibrated(NO_CALIBRATION, p) - p) < 1e-9)
  assert.equal(brierScore(NO_CALIBRATION), undefined)
})

test('of a hundred predictions that are given as 0.8 some eighty come true, whatever the model says', () => {
  // A model that exaggerates: it says p, and p² come true.
  let [calibration, seed] = [NO_CALIBRATION, 3]
  const chance = (): number => {
    const die = rollDie(seed)
    seed = die.seed
    return die.value
  }
  const asked: { readonly said: number; readonly came: boolean }[] = []
  for (let i = 0; i < 20_000; i++) {
    const p = chance()
    const came = chance() < p ** 2
    if (i > 10_000) asked.push({ said: calibrated(calibration, p), came })
    calibration = learnOutcome(calibration, p, came)
  }
  for (const [low, high] of [
    [0.1, 0.3],
    [0.4, 0.6],
    [0.7, 0.9],
  ] as const) {
    const some = asked.filter(({ said }) => said >= low && said < high)
    const share = some.filter(({ came }) => came).length / some.length
    const mean = some.reduce((sum, { said }) => sum + said, 0) / some.length
    assert.ok(Math.abs(share - mean) < 0.06, `said ${mean}, came ${share}`)
  }
  assert.ok(brierScore(calibration)! < 0.25)
})

test('a higher claim is never given a lower probability', () => {
  let calibration = NO_CALIBRATION
  for (let i = 0; i < 50; i++) {
    calibration = learnOutcome(calibration, 0.85, false)
    calibration = learnOutcome(calibration, 0.35, true)
  }
  const all = Array.from({ length: 101 }, (_, i) => calibrated(calibration, i / 100))
  for (let i = 1; i < all.length; i++) assert.ok(all[i]! >= all[i - 1]! - 1e-12)
})
