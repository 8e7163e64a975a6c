import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALL_BARS,
  BAR_NAMES,
  barNames,
  DRAINING,
  EJECTED,
  HARD_BARS,
  QUARANTINED,
  SOFT_BARS,
  UNHEALTHY,
} from '../../engine/memory/bars.ts'

test('each bar is one bit of its own', () => {
  const bits = [DRAINING, QUARANTINED, UNHEALTHY, EJECTED]
  for (const bit of bits) assert.equal(bit & (bit - 1), 0)
  assert.equal(new Set(bits).size, BAR_NAMES.length)
})

test('every bar is either hard or soft, none both', () => {
  assert.equal(HARD_BARS & SOFT_BARS, 0)
  assert.equal(HARD_BARS | SOFT_BARS, ALL_BARS)
})

test('barNames() names the bits that are set, in the order of the bits', () => {
  assert.deepEqual(barNames(0), [])
  assert.deepEqual(barNames(EJECTED | DRAINING), ['draining', 'ejected'])
  assert.deepEqual(barNames(ALL_BARS), [...BAR_NAMES])
})

test('barNames() passes over bits that no bar has', () => {
  assert.deepEqual(barNames(1 << 20), [])
})
