import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PUBLISHED_AT, SEAT_PIN, SEAT_PIN_NEXT } from '../../engine/memory/layout.ts'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import { seatWord, takeSeat } from '../../engine/memory/seats.ts'
import {
  fillSlot,
  findFreeSlot,
  isAtLeast,
  isForgotten,
  isWhole,
  movePin,
  peekPublished,
  publishSlot,
  readSlot,
  type Structure,
  serviceCount,
  serviceStart,
  serviceText,
  slotOf,
  slotStart,
  slotVersion,
  versionOf,
} from '../../engine/memory/slots.ts'
import { stepwise } from './ring-steps.ts'

const SMALL = { rows: 16, services: 2, seats: 4, textBytes: 128, outcomes: 64 }

/** A structure whose rows can be told from its version: version mod 16, then as many as there are left. */
function structure(version: number): Structure {
  const rows = Array.from({ length: 1 + (version % 15) }, (_, i) => (version + i) % 16)
  return { version, services: [{ text: `version ${version}`, revision: version, rows }] }
}

/** Publishes the next version and returns its slot. */
function publishNext(region: Region): number {
  const before = peekPublished(region)
  const slot = findFreeSlot(region)
  assert.ok(slot >= 0, 'there is a free slot')
  fillSlot(region, slot, structure(versionOf(before) + 1))
  assert.ok(publishSlot(region, before, slot))
  return slot
}

test('a new region has an empty structure of version 1', () => {
  const region = createRegion(SMALL)
  assert.deepEqual(readSlot(region, peekPublished(region)), { version: 1, services: [] })
  assert.ok(isWhole(region, slotOf(peekPublished(region))))
})

test('readSlot() reads back what fillSlot() wrote', () => {
  const region = createRegion(SMALL)
  const two: Structure = {
    version: 2,
    services: [
      { text: 'grüße', revision: 2, rows: [3, 1, 2] },
      { text: '', revision: 1, rows: [] },
    ],
  }
  fillSlot(region, 5, two)
  assert.deepEqual(readSlot(region, (2 << 8) | 5), two)
})

test('a slot holds every row and every service the region has room for', () => {
  const region = createRegion(SMALL)
  const rows = Array.from({ length: 16 }, (_, row) => row)
  const text = 'x'.repeat(240)
  const full: Structure = {
    version: 2,
    services: [
      { text, revision: 2, rows: rows.slice(0, 9) },
      { text, revision: 2, rows: rows.slice(9) },
    ],
  }
  fillSlot(region, 1, full)
  assert.deepEqual(readSlot(region, (2 << 8) | 1), full)
  assert.ok(isWhole(region, 1))
  assert.ok(isWhole(region, 0), 'its neighbour is untouched')
})

test('the readers of a pinned slot find rows and text of a service', () => {
  const region = createRegion(SMALL)
  const slot = publishNext(region)
  const start = serviceStart(region, slot, 0)
  const count = serviceCount(region, slot, 0)
  assert.deepEqual([...region.words.subarray(start, start + count)], structure(2).services[0].rows)
  assert.equal(serviceText(region, slot, 0), 'version 2')
})

test('isWhole() sees a single changed row', () => {
  const region = createRegion(SMALL)
  const slot = publishNext(region)
  region.words[serviceStart(region, slot, 0)] ^= 1
  assert.equal(isWhole(region, slot), false)
})

test('each publication makes the version one larger', () => {
  const region = createRegion(SMALL)
  for (let version = 2; version < 50; version++) {
    publishNext(region)
    assert.equal(versionOf(peekPublished(region)), version)
  }
})

test('publishSlot() refuses a writer whose picture is out of date', () => {
  const region = createRegion(SMALL)
  const before = peekPublished(region)
  publishNext(region)
  const live = peekPublished(region)
  const slot = findFreeSlot(region)
  fillSlot(region, slot, structure(2))
  assert.equal(publishSlot(region, before, slot), false)
  assert.equal(peekPublished(region), live)
})

test('findFreeSlot() never gives the live slot nor a pinned one', () => {
  const region = createRegion(SMALL)
  const seats = [takeSeat(region), takeSeat(region), takeSeat(region)]
  for (const seat of seats) {
    movePin(region, seat)
    publishNext(region)
  }
  const inUse = new Set([slotOf(peekPublished(region))])
  for (const seat of seats) inUse.add(region.words[seatWord(region, seat, SEAT_PIN)] - 1)
  assert.equal(inUse.size, 4)
  assert.ok(!inUse.has(findFreeSlot(region)))
})

test('findFreeSlot() spares a slot that a thread is moving to', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const next = findFreeSlot(region)
  region.words[seatWord(region, seat, SEAT_PIN_NEXT)] = next + 1
  assert.notEqual(findFreeSlot(region), next)
})

test('findFreeSlot() answers −1 while every slot is in use', () => {
  const region = createRegion({ ...SMALL, seats: 1 })
  const seat = takeSeat(region)
  // Three slots: one live, and a mover holds the two others.
  const others = [0, 1, 2].filter(slot => slot !== slotOf(peekPublished(region)))
  region.words[seatWord(region, seat, SEAT_PIN)] = others[0] + 1
  region.words[seatWord(region, seat, SEAT_PIN_NEXT)] = others[1] + 1
  assert.equal(findFreeSlot(region), -1)
})

test('with all seats pinned to different versions the writer still has a slot', () => {
  const region = createRegion(SMALL)
  for (let seat = 0; seat < 4; seat++) {
    movePin(region, takeSeat(region))
    publishNext(region)
  }
  for (let publication = 0; publication < 100; publication++) publishNext(region)
  assert.equal(versionOf(peekPublished(region)), 1 + 4 + 100)
})

test('a pinned slot is never overwritten, through 1,000 publications with several seats pinned', () => {
  const region = createRegion(SMALL)
  const seats = [takeSeat(region), takeSeat(region), takeSeat(region), takeSeat(region)]
  const pinned = new Map<number, number>()
  for (let publication = 0; publication < 1000; publication++) {
    publishNext(region)
    // Seat k moves every 7^k publications, so pins of all ages stand at one moment.
    seats.forEach((seat, k) => {
      if (publication % 7 ** k === 0) pinned.set(seat, movePin(region, seat))
    })
    for (const published of pinned.values()) {
      assert.ok(isWhole(region, slotOf(published)))
      assert.deepEqual(readSlot(region, published), structure(versionOf(published)))
    }
  }
})

test('movePin() pins the live slot and clears its announcement', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const slot = publishNext(region)
  assert.equal(movePin(region, seat), peekPublished(region))
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN)], slot + 1)
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN_NEXT)], 0)
})

test('movePin() ends on a whole slot, whenever the writer goes once through all slots meanwhile', () => {
  for (let at = 0; at < 16; at++) {
    const region = createRegion(SMALL)
    const seat = takeSeat(region)
    publishNext(region)
    // As many publications as there are slots: one that is not protected is reused by then.
    const throughAll = () => {
      for (let slot = 0; slot < region.layout.slots; slot++) publishNext(region)
    }
    const published = stepwise(
      () => movePin(region, seat),
      step => {
        if (step === at) throughAll()
      },
    )
    assert.ok(published !== 0)
    assert.equal(region.words[seatWord(region, seat, SEAT_PIN)], slotOf(published) + 1)
    throughAll()
    assert.deepEqual(readSlot(region, published), structure(versionOf(published)), `the writer comes at step ${at}`)
  }
})

test('movePin() keeps the old pin when the writer outruns it three times', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const held = movePin(region, seat)
  const moved = stepwise(
    () => movePin(region, seat),
    (_, operation) => {
      if (operation === 'store') publishNext(region)
    },
  )
  assert.equal(moved, 0)
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN)], slotOf(held) + 1)
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN_NEXT)], 0)
  assert.ok(isWhole(region, slotOf(held)))
})

test('versions one thread sees never go back', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  let last = 0
  for (let publication = 0; publication < 200; publication++) {
    publishNext(region)
    const published = stepwise(
      () => movePin(region, seat),
      step => {
        if (step === publication % 9) publishNext(region)
      },
    )
    const version = published === 0 ? last : versionOf(published)
    assert.ok(version >= last)
    last = version
  }
})

test('isForgotten() waits for every pin to reach the version', () => {
  const region = createRegion(SMALL)
  const [early, late] = [takeSeat(region), takeSeat(region)]
  movePin(region, early)
  movePin(region, late)
  publishNext(region) // version 2
  assert.equal(isForgotten(region, 2), false)
  movePin(region, early)
  assert.equal(isForgotten(region, 2), false)
  movePin(region, late)
  assert.equal(isForgotten(region, 2), true)
})

test('isForgotten() does not wait for seats that pin nothing', () => {
  const region = createRegion(SMALL)
  takeSeat(region)
  publishNext(region)
  assert.equal(isForgotten(region, 2), true)
})

test('isAtLeast() compares versions across the wrap at 2^23', () => {
  assert.equal(isAtLeast(5, 5), true)
  assert.equal(isAtLeast(6, 5), true)
  assert.equal(isAtLeast(5, 6), false)
  assert.equal(isAtLeast(2, 0x7fffff), true)
  assert.equal(isAtLeast(0x7fffff, 2), false)
})

test('a slot fills from its start and tells the version it was filled as', () => {
  const region = createRegion(SMALL)
  fillSlot(region, 3, structure(77))
  assert.equal(slotVersion(region, 3), 77)
  assert.equal(region.words[slotStart(region, 3)], 77)
  assert.notEqual(region.words[PUBLISHED_AT], 77 << 8)
})
