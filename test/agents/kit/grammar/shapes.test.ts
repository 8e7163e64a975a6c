import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { check } from '../../../../agents/kit/grammar/schema.ts'
import {
  count,
  flag,
  integer,
  listOf,
  mapOf,
  objectOf,
  oneOf,
  positive,
  real,
  text,
} from '../../../../agents/kit/grammar/shapes.ts'

const endpoint = objectOf({
  id: text,
  row: count,
  isOut: flag,
  because: oneOf('time', 'failures'),
  latencies: listOf(positive),
  byZone: mapOf(real),
  drift: integer,
})

const GOOD = { id: 'a', row: 3, isOut: false, because: 'time', latencies: [1, 2.5], byZone: { z1: -0.5 }, drift: -7 }

test('a shape lets through what is like it, and leaves out what it does not know', () => {
  assert.deepEqual(check(endpoint, { ...GOOD, newer: true }), { isGood: true, value: GOOD })
})

test('a shape says of each thing that is wrong where it is, what is there and what is wished', () => {
  const bad = {
    id: 1,
    row: 1.5,
    because: 'luck',
    latencies: [1, 'x', -1],
    byZone: { z1: Number.NaN },
    drift: null,
    isOut: [],
  }
  assert.deepEqual(check(endpoint, bad), {
    isGood: false,
    fault: [
      'id: is 1, write a string',
      'row: is 1.5, write a whole number from 0 up',
      'isOut: is a list, write true or false',
      'because: is "luck", write one of time, failures',
      'latencies.1: is "x", write a number from 0 up',
      'latencies.2: is -1, write a number from 0 up',
      'byZone.z1: is null, write a finite number',
      'drift: is null, write a whole number',
    ].join('; '),
  })
  assert.deepEqual(check(endpoint, null), { isGood: false, fault: 'is null, write an object' })
  assert.match((check(endpoint, {}) as { fault: string }).fault, /^id: is missing, write a string; row: is missing/)
})

test('a shape reads no more of an object than it has: what is inherited is missing', () => {
  assert.equal(check(objectOf({ toString: text }), {}).isGood, false)
})

test('schemas of other libraries serve as they are; one that answers by promise is refused', () => {
  assert.deepEqual(check(z.object({ id: z.string() }), { id: 'a' }), { isGood: true, value: { id: 'a' } })
  assert.equal(check(z.object({ id: z.string() }), { id: 1 }).isGood, false)
  const later = z.string().refine(async () => true)
  assert.throws(() => check(later, 'x'), { code: 'SBX_AGENT_INVALID', message: /answers by promise/ })
})
