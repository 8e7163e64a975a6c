import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atomics } from '../../engine/memory/atomics.ts'
import { PUBLISHED_AT, SEAT_PIN, SEAT_PIN_NEXT } from '../../engine/memory/layout.ts'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import { seatWord, takeSeat } from '../../engine/memory/seats.ts'
import {
  fillSlot,
  findFreeSlot,
  isForgotten,
  movePin,
  peekPublished,
  publishSlot,
  slotOf,
  versionOf,
} from '../../engine/memory/slots.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { stepwise } from './ring-steps.ts'

const SMALL = { rows: 4, services: 2, seats: 1, textBytes: 128, outcomes: 64 }

function publishNext(region: Region): void {
  const before = peekPublished(region)
  const slot = findFreeSlot(region)
  fillSlot(region, slot, { version: versionOf(before) + 1, services: [] })
  assert.ok(publishSlot(region, before, slot))
}

/** A thread in the middle of movePin: it has announced the slot, seen that it is live, and not yet moved its pin. */
function halfwayMover(region: Region): { slot: number; finish: () => void } {
  const seat = takeSeat(region)
  movePin(region, seat)
  publishNext(region)
  const slot = slotOf(atomics.load(region.words, PUBLISHED_AT))
  atomics.store(region.words, seatWord(region, seat, SEAT_PIN_NEXT), slot + 1)
  assert.equal(slotOf(atomics.load(region.words, PUBLISHED_AT)), slot)
  return {
    slot,
    finish: () => {
      atomics.store(region.words, seatWord(region, seat, SEAT_PIN), slot + 1)
      atomics.store(region.words, seatWord(region, seat, SEAT_PIN_NEXT), 0)
    },
  }
}

test('findFreeSlot() spares the slot of a thread that ends its move at any step of the scan', () => {
  for (let at = 0; at < 10; at++) {
    const region = createRegion(SMALL)
    const mover = halfwayMover(region)
    publishNext(region)
    const free = stepwise(
      () => findFreeSlot(region),
      step => {
        if (step === at) mover.finish()
      },
    )
    assert.notEqual(free, mover.slot, `the mover ends at step ${at}`)
  }
})

test('isForgotten() sees the pin of a thread that ends its move at any step of the scan', () => {
  for (let at = 0; at < 10; at++) {
    const region = createRegion({ ...SMALL, seats: 2 })
    // The old pin is let go meanwhile, so that only the new one can hold the version up.
    const mover = halfwayMover(region)
    const version = versionOf(peekPublished(region)) + 1
    publishNext(region)
    atomics.store(region.words, seatWord(region, 0, SEAT_PIN), 0)
    const isGone = stepwise(
      () => isForgotten(region, version),
      step => {
        if (step === at) mover.finish()
      },
    )
    assert.equal(isGone, false, `the mover ends at step ${at}`)
  }
})

test('a row is not reused when an old pin picks it, and moves on, at any step of the writer', () => {
  for (let at = 0; at < 40; at++) {
    const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
    const other = world.another()
    const router = world.routerOf(other)
    world.remove('a')
    world.attachment.catchUp()
    let ticket = -1
    try {
      stepwise(
        () => world.writer.edit(edit => edit.add(world.service, newEndpoint('b'))),
        step => {
          if (step !== at) return
          // The other thread picks by the structure it has pinned, then turns and lets go of it.
          const row = 0
          ticket = other.tally.enter(row)
          other.catchUp()
        },
      )
    } catch {
      // Refused for want of a row: right while the pick is in flight.
    }
    router.settle(ticket, 'ok', 1)
    assert.equal(other.tally.inflight(0), 0, `picked at step ${at}: its settle found another tenant`)
    world.close()
  }
})

test('versions go on across 2^23: the slot and the published word say the same, and no version comes twice', () => {
  const world = tinyWorld({ a: {} })
  const { region } = world
  const slot = slotOf(peekPublished(region))
  region.words[PUBLISHED_AT] = (0x7ffffd << 8) | slot
  const seen = new Set<number>()
  for (let i = 0; i < 6; i++) {
    world.add(`b${i}`)
    const live = peekPublished(region)
    assert.ok(!seen.has(versionOf(live)), `version ${versionOf(live)} comes twice`)
    seen.add(versionOf(live))
    assert.equal(world.attachment.catchUp(), live)
    assert.equal(versionOf(live), region.words[region.layout.slotsAt + slotOf(live) * region.layout.slotWords])
    assert.notEqual(live, 0, 'the word 0 means that movePin failed')
  }
  world.close()
})

test('a policy that is changed twice across 2^23 is the last one', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 0.01 } }, { policy: 'least-request' })
  const { region, writer } = world
  region.words[PUBLISHED_AT] = (0x7fffff << 8) | slotOf(peekPublished(region))
  writer.edit(edit => edit.putService({ name: 'api', policy: { name: 'weighted-round-robin' }, panicThreshold: 0 }))
  world.router.pick()
  writer.edit(edit => edit.putService({ name: 'api', policy: { name: 'round-robin' }, panicThreshold: 0 }))
  const ids = [world.pickId(), world.pickId(), world.pickId(), world.pickId()]
  assert.equal(ids.filter(id => id === 'b').length, 2, 'round robin takes both in turn')
  world.close()
})
