import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_BARS, DRAINING, EJECTED, QUARANTINED } from '../../engine/memory/bars.ts'
import { EndpointTable } from '../../engine/memory/endpoint-table.ts'
import { createRegion } from '../../engine/memory/region.ts'

const SMALL = { rows: 4, services: 1, seats: 1, textBytes: 128, outcomes: 64 }
const TEXT = { id: 'a', url: 'http://a.test', zone: 'z1', metadata: { version: 'v1' } }

function table(): EndpointTable {
  return new EndpointTable(createRegion(SMALL))
}

test('settleIn() gives a row its tenant: text, weight, priority, time, and no bar', () => {
  const endpoints = table()
  endpoints.setBar(2, ALL_BARS, true)
  endpoints.setEjections(2, 3)
  endpoints.setAdaptiveLimit(2, 20)
  endpoints.settleIn(2, 7, TEXT, 2.5, 1, 1234)
  assert.deepEqual(endpoints.readText(2), TEXT)
  assert.deepEqual(
    [endpoints.service(2), endpoints.weight(2), endpoints.factor(2), endpoints.priority(2)],
    [7, 2.5, 1, 1],
  )
  assert.deepEqual([endpoints.joinedMs(2), endpoints.healthySinceMs(2)], [1234, 1234])
  assert.deepEqual([endpoints.bars(2), endpoints.ejections(2), endpoints.adaptiveLimit(2)], [0, 0, 0])
})

test('settleIn() leaves the neighbours of a row alone', () => {
  const endpoints = table()
  endpoints.settleIn(0, 0, TEXT, 1, 0, 0)
  endpoints.settleIn(2, 0, { ...TEXT, id: 'c' }, 3, 0, 0)
  endpoints.settleIn(1, 0, { ...TEXT, id: 'b' }, 2, 0, 0)
  assert.deepEqual(
    [0, 1, 2, 3].map(row => endpoints.weight(row)),
    [1, 2, 3, 0],
  )
  assert.deepEqual(
    [0, 1, 2].map(row => endpoints.readText(row).id),
    ['a', 'b', 'c'],
  )
})

test('each tenant of a row has another generation', () => {
  const endpoints = table()
  const seen = new Set<number>()
  for (let tenant = 0; tenant < 1000; tenant++) {
    endpoints.settleIn(1, 0, TEXT, 1, 0, 0)
    seen.add(endpoints.generation(1))
  }
  assert.equal(seen.size, 1000)
})

test('a weight keeps 8 fractional bits, and none above zero becomes zero', () => {
  const endpoints = table()
  const cases: [number, number][] = [
    [0, 0],
    [-1, 0],
    [Number.NaN, 0],
    [0.0001, 1 / 256],
    [0.5, 0.5],
    [1, 1],
    [1 + 1 / 256, 1 + 1 / 256],
    [65_535, 65_535],
    [70_000, 65_535],
    [Number.POSITIVE_INFINITY, 65_535],
  ]
  for (const [set, expected] of cases) {
    endpoints.setWeight(0, set)
    assert.equal(endpoints.weight(0), expected, `weight ${set}`)
  }
})

test('a factor keeps 12 fractional bits between 0 and 1, and none above zero becomes zero', () => {
  const endpoints = table()
  const cases: [number, number][] = [
    [0, 0],
    [-0.1, 0],
    [0.00001, 1 / 4096],
    [0.25, 0.25],
    [1, 1],
    [3, 1],
  ]
  for (const [set, expected] of cases) {
    endpoints.setFactor(0, set)
    assert.equal(endpoints.factor(0), expected, `factor ${set}`)
  }
})

test('pull() is weight × factor, exact at both ends of its range', () => {
  const endpoints = table()
  const unit = (256 * 4096) / 64
  endpoints.setWeight(0, 65_535)
  endpoints.setFactor(0, 1)
  assert.equal(endpoints.pull(0), 65_535 * unit)
  endpoints.setWeight(0, 0.0001)
  endpoints.setFactor(0, 0.00001)
  assert.equal(endpoints.pull(0), 1)
  endpoints.setWeight(0, 0)
  assert.equal(endpoints.pull(0), 0)
})

test('setBar() sets and clears one bar and leaves the others', () => {
  const endpoints = table()
  endpoints.setBar(0, EJECTED, true)
  endpoints.setBar(0, DRAINING, true)
  endpoints.setBar(0, EJECTED, true)
  endpoints.setBar(0, QUARANTINED, false)
  assert.equal(endpoints.bars(0), EJECTED | DRAINING)
  endpoints.setBar(0, EJECTED, false)
  assert.equal(endpoints.bars(0), DRAINING)
  assert.equal(endpoints.bars(1), 0)
})

test('setLatencyUs() saturates instead of turning negative', () => {
  const endpoints = table()
  for (const [set, expected] of [
    [12.6, 13],
    [2 ** 40, 0x7fffffff],
    [-5, 0],
    [Number.NaN, 0],
  ]) {
    endpoints.setLatencyUs(0, set)
    assert.equal(endpoints.latencyUs(0), expected)
  }
})

test('checkText() lets a text through that just fits, and it reads back whole', () => {
  const endpoints = table()
  // 128 bytes a row, 4 of them for the length; the JSON around the metadata value takes the rest.
  const bare = { id: 'a', url: '', zone: '', metadata: { k: '' } }
  const room = 128 - 4 - Buffer.byteLength(JSON.stringify(bare))
  const fits = { ...bare, metadata: { k: 'x'.repeat(room) } }
  endpoints.checkText(fits)
  endpoints.settleIn(0, 0, fits, 1, 0, 0)
  assert.deepEqual(endpoints.readText(0), fits)
})

test('checkText() refuses a text that is too long and says how long it may be', () => {
  const endpoints = table()
  const long = { ...TEXT, metadata: { note: 'x'.repeat(200) } }
  assert.throws(() => endpoints.checkText(long), {
    code: 'SBX_ENDPOINT_INVALID',
    message: /^Cannot add endpoint a: .* take 2\d\d bytes, shorten them to 124 or .* larger capacity\.textBytes$/,
  })
})

test('checkText() counts bytes, not letters', () => {
  const endpoints = table()
  // 60 letters, 120 bytes: fits as letters, not as bytes.
  assert.throws(() => endpoints.checkText({ ...TEXT, zone: 'ü'.repeat(60) }), { code: 'SBX_ENDPOINT_INVALID' })
})
