import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterSecond, burstinessOf, NO_RATES, type Rates } from '../../../../agents/skills/traffic/surge.ts'
import { classOf, type Sight } from '../../../../agents/skills/traffic/surge-class.ts'

const RULE = { minPerSecond: 50, factor: 3, deviations: 4 }

const after = (rates: Rates, ...seconds: readonly number[]): Rates =>
  seconds.reduce((before, rate) => afterSecond(RULE, before, rate), rates)
const times = (count: number, rate: number): number[] => Array.from({ length: count }, () => rate)

test('a surge begins with the second second beyond three times what is usual, and not with one (ALG-10)', () => {
  const usual = after(NO_RATES, ...times(60, 100))
  assert.equal(usual.usual, 100)
  assert.equal(after(usual, 500).isSurge, false)
  assert.equal(after(usual, 500, 500).isSurge, true)
  assert.equal(after(usual, 500, 100, 500).isSurge, false, 'in a row')
  assert.equal(after(usual, 290, 290, 290).isSurge, false, 'less than three times')
})

test('what is usual goes up and down by itself, so a surge is beyond four standard deviations too (ALG-10)', () => {
  // 50 and 550 in turns: σ is 250 about 300, so that 4 σ above is 1,300, and three times 900.
  const wild = after(NO_RATES, ...times(300, 0).map((_, i) => (i % 2 === 0 ? 50 : 550)))
  assert.ok(Math.sqrt(wild.variance) > 230 && Math.sqrt(wild.variance) < 270)
  assert.equal(after(wild, 1_100, 1_100).isSurge, false)
  assert.equal(after(wild, 1_500, 1_500).isSurge, true)
})

test('nothing is a surge below fifty requests a second, before ten seconds are known, or of a service that was idle (ALG-10)', () => {
  assert.equal(after(NO_RATES, ...times(60, 2), 49, 49, 49).isSurge, false)
  assert.equal(after(NO_RATES, ...times(60, 2), 50, 50).isSurge, true)
  assert.equal(after(NO_RATES, ...times(5, 100), 900, 900).isSurge, false)
  assert.equal(after(NO_RATES, ...times(600, 0), ...times(60, 400)).isSurge, false, 'it begins to be used')
})

test('a surge ends when it was less than one and a half times what is usual for ten seconds, and what stays becomes usual (ALG-10)', () => {
  const surge = after(NO_RATES, ...times(60, 100), ...times(5, 500))
  assert.equal(surge.isSurge, true)
  const calm = after(surge, ...times(9, 100))
  assert.equal(calm.isSurge, true, 'nine seconds')
  assert.equal(after(calm, 100).isSurge, false)
  assert.equal(after(calm, 500, ...times(9, 100)).isSurge, true, 'it flared up')
  let seconds = 0
  for (let rates = surge; rates.isSurge; seconds++) rates = after(rates, 500)
  // usual ≥ 333 after 60 × ln(400 ÷ 167) = 52 s, less the 5 that it has lasted, and ten more.
  assert.ok(seconds > 50 && seconds < 65, `${seconds} s`)
})

test('sixty buckets are kept, however long it goes on (D9)', () => {
  const rates = after(NO_RATES, ...times(1_000, 7), 21)
  assert.equal(rates.buckets.length, 60)
  assert.equal(rates.buckets.at(-1), 21)
  assert.ok(burstinessOf(rates) > 2.8)
})

test('a surge is told apart by what can be seen of it', () => {
  const calm: Sight = {
    ...{ perSecond: 500, failedShare: 0, inflight: 100, retries: 0 },
    ...{ isKeyed: false, sentSkew: 1, inflightSkew: 1.2 },
  }
  const of = (sight: Partial<Sight>): string => classOf({ ...calm, ...sight })
  assert.equal(of({}), 'organic')
  assert.equal(of({ failedShare: 0.3 }), 'retry-storm')
  assert.equal(of({ retries: 30 }), 'retry-storm')
  assert.equal(of({ isKeyed: true, sentSkew: 3 }), 'hot-key')
  assert.equal(of({ sentSkew: 3 }), 'organic', 'without a key it is chance')
  assert.equal(of({ inflightSkew: 2.5 }), 'slow-endpoint')
})
