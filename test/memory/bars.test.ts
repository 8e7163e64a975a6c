import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALL_BARS,
  ARRIVING,
  BAR_NAMES,
  barNames,
  DEGRADED,
  DRAINING,
  EJECTED,
  FIRM_BARS,
  HARD_BARS,
  HELD,
  ISOLATED,
  isolatedMax,
  LEAVING,
  QUARANTINED,
  SOFT_BARS,
  TIER_BITS,
  TRIPPED,
  UNHEALTHY,
} from '../../engine/memory/bars.ts'

test('each bar is one bit of its own', () => {
  const bits = [DRAINING, QUARANTINED, UNHEALTHY, EJECTED, TRIPPED, DEGRADED, HELD, ARRIVING, LEAVING, ISOLATED]
  for (const bit of bits) assert.equal(bit & (bit - 1), 0)
  assert.equal(new Set(bits).size, BAR_NAMES.length)
})

test('every bar is hard, soft or a breaker, and one of these; degraded is none of them', () => {
  assert.equal(FIRM_BARS & SOFT_BARS, 0)
  assert.equal(HARD_BARS & TRIPPED, 0)
  assert.equal(HARD_BARS | TRIPPED, FIRM_BARS)
  assert.equal(FIRM_BARS | SOFT_BARS, ALL_BARS)
  assert.equal(ALL_BARS & DEGRADED, 0)
  assert.equal(ALL_BARS | DEGRADED, TIER_BITS)
})

test('three tenths of the endpoints may be isolated, and one always', () => {
  assert.deepEqual([1, 2, 3, 6, 7, 9, 10, 19, 20, 70].map(isolatedMax), [1, 1, 1, 1, 2, 2, 3, 5, 6, 21])
})

test('barNames() names the bits that are set, in the order of the bits', () => {
  assert.deepEqual(barNames(0), [])
  assert.deepEqual(barNames(EJECTED | DRAINING), ['draining', 'ejected'])
  assert.deepEqual(barNames(TIER_BITS), [...BAR_NAMES])
})

test('barNames() passes over bits that no bar has', () => {
  assert.deepEqual(barNames(1 << 20), [])
})
