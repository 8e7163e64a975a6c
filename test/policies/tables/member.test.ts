import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEMBERS_MAX, weightUnits } from '../../../engine/policies/tables/member.ts'

const one = (weight: number) => weightUnits([{ key: 'a', weight }])[0]

test('weightUnits() counts weights in 256ths, to the nearest', () => {
  assert.equal(one(1), 256)
  assert.equal(one(1.5), 384)
  // 0.3 × 256 = 76.8.
  assert.equal(one(0.3), 77)
})

test('weightUnits() leaves the lightest one unit', () => {
  assert.equal(one(1e-9), 1)
})

test('weightUnits() names the member and its weight when that is no share', () => {
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 23 + 1]) {
    assert.throws(() => weightUnits([{ key: 'eu-1', weight }]), {
      code: 'SBX_TABLE_INVALID',
      message: `Cannot build table: member "eu-1" has the weight ${weight}, give it one above 0 and up to 8388608`,
    })
  }
})

test('weightUnits() refuses two members of one key, and one of none', () => {
  const a = { key: 'a', weight: 1 }
  assert.throws(() => weightUnits([a, { key: 'b', weight: 1 }, a]), /two members have the key "a"/)
  assert.throws(() => weightUnits([a, { key: '', weight: 1 }]), /member 1 has no key/)
})

test('weightUnits() takes as many members as 16 bits can name, and one is free', () => {
  const members = Array.from({ length: MEMBERS_MAX + 1 }, (_, i) => ({ key: `e${i}`, weight: 1 }))
  assert.equal(weightUnits(members.slice(1)).length, 65_535)
  assert.throws(() => weightUnits(members), /it has 65536 members, hand in 65535 at most/)
})
