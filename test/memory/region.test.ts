import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignalboxError } from '../../engine/errors.ts'
import { LAYOUT_VERSION, LAYOUT_VERSION_AT, MAGIC_AT } from '../../engine/memory/layout.ts'
import { createRegion, DEFAULT_CAPACITY, handleOf, openRegion } from '../../engine/memory/region.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const SMALL = { rows: 3, services: 1, seats: 1, textBytes: 128, outcomes: 64, affinity: 64 }

/** The error a call throws, which must be ours, with this code. */
function refusal(code: string, act: () => unknown): string {
  let message = ''
  assert.throws(act, error => {
    assert.ok(error instanceof SignalboxError, String(error))
    assert.equal(error.code, code)
    message = error.message
    return true
  })
  return message
}

test('openRegion() finds the layout its creator chose', () => {
  const region = createRegion(SMALL)
  const opened = openRegion(handleOf(region))
  assert.deepEqual(opened.layout, region.layout)
  opened.words[opened.layout.endpointsAt] = 42
  assert.equal(region.words[region.layout.endpointsAt], 42)
})

test('a handle survives structured cloning', () => {
  const region = createRegion(SMALL)
  const opened = openRegion(structuredClone(handleOf(region)))
  opened.words[opened.layout.endpointsAt] = 42
  assert.equal(region.words[region.layout.endpointsAt], 42)
})

test('two regions share nothing', () => {
  const one = tinyWorld({ a: {} })
  const two = tinyWorld({ a: {} })
  one.setWeight('a', 7)
  one.router.pick()
  assert.equal(two.endpoints.weight(two.row('a')), 1)
  assert.equal(two.attachment.tally.inflight(two.row('a')), 0)
  one.close()
  two.close()
})

test('openRegion() refuses memory with another magic', () => {
  const region = createRegion(SMALL)
  region.words[MAGIC_AT]++
  const message = refusal('SBX_REGION_LAYOUT_MISMATCH', () => openRegion(handleOf(region)))
  assert.match(message, /^Cannot attach: .* not a signalbox region, pass box\.handle$/)
})

test('openRegion() refuses another layout version and names both', () => {
  const region = createRegion(SMALL)
  region.words[LAYOUT_VERSION_AT] = LAYOUT_VERSION + 1
  const message = refusal('SBX_REGION_LAYOUT_MISMATCH', () => openRegion(handleOf(region)))
  assert.match(message, new RegExp(`has layout version ${LAYOUT_VERSION + 1}, this build reads ${LAYOUT_VERSION};`))
})

test('openRegion() refuses memory that is too small for a region, or for what its header says', () => {
  const whole = createRegion({ ...SMALL, outcomes: 4096 }).buffer
  const cut = new SharedArrayBuffer(4096)
  new Uint8Array(cut).set(new Uint8Array(whole, 0, 4096))
  assert.ok(cut.byteLength < whole.byteLength)
  for (const region of [new SharedArrayBuffer(0), new SharedArrayBuffer(8), cut]) {
    refusal('SBX_REGION_LAYOUT_MISMATCH', () => openRegion({ region }))
  }
})

test('openRegion() refuses what is no handle and says what to pass', () => {
  for (const wrong of [undefined, null, 5, 'api', {}, { region: new ArrayBuffer(64) }]) {
    const message = refusal('SBX_REGION_MISSING', () => openRegion(wrong))
    assert.match(message, /^Cannot attach: .* is not a signalbox handle, pass box\.handle/)
  }
})

test('createRegion() refuses numbers outside their limits, names them and says what to use', () => {
  const wrong: [keyof typeof SMALL, number, string][] = [
    ['rows', 0, 'from 1 to 65536'],
    ['rows', 65_537, 'from 1 to 65536'],
    ['services', 1025, 'from 1 to 1024'],
    ['seats', 255, 'from 1 to 254'],
    ['textBytes', 127, 'from 128 to 65536'],
    ['outcomes', 63, 'from 64 to 65536'],
    ['outcomes', 100, 'a power of two'],
    ['affinity', 8, 'from 64 to 4194304'],
    ['affinity', 100, 'a power of two'],
    ['rows', 1.5, 'a whole number'],
    ['rows', Number.NaN, 'a whole number'],
  ]
  for (const [name, value, wish] of wrong) {
    const message = refusal('SBX_REGION_FULL', () => createRegion({ ...SMALL, [name]: value }))
    assert.match(message, new RegExp(`^Cannot create region: ${name} is ${value}, use`))
    assert.ok(message.includes(wish), message)
  }
})

test('createRegion() takes the largest number of seats there may be', () => {
  assert.equal(createRegion({ ...SMALL, seats: 254 }).layout.slots, 256)
})

test('createRegion() without a wish gives the default capacity', () => {
  const { rows, services, seats, textBytes, outcomes, affinity, choices } = createRegion().layout
  assert.deepEqual({ rows, services, seats, textBytes, outcomes, affinity, choices }, DEFAULT_CAPACITY)
})

test('a region of one row, one service and one seat works', () => {
  const world = new TinyWorld({}, { capacity: { rows: 1, services: 1, seats: 1 } })
  world.writer.edit(edit => edit.add(world.service, newEndpoint('only')))
  assert.equal(world.pickId(), 'only')
  world.close()
})
