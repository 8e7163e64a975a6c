import assert from 'node:assert/strict'
import { test } from 'node:test'
import { threadId } from 'node:worker_threads'
import { realAtomics, useAtomics } from '../../engine/memory/atomics.ts'
import {
  DRAINER_AT,
  SEAT_PIN,
  SEAT_PIN_NEXT,
  SEAT_THREAD,
  SEATS_HIGH_AT,
  WRITER_AT,
} from '../../engine/memory/layout.ts'
import { becomeDrainer } from '../../engine/memory/outcome-ring.ts'
import { createRegion } from '../../engine/memory/region.ts'
import { freeSeat, freeSeatOf, seatsOfThread, seatWord, takeSeat } from '../../engine/memory/seats.ts'
import { movePin } from '../../engine/memory/slots.ts'
import { Tally } from '../../engine/memory/tally.ts'

const SMALL = { rows: 4, services: 1, seats: 3, textBytes: 128, outcomes: 64 }

test('takeSeat() takes the lowest free seat', () => {
  const region = createRegion(SMALL)
  assert.deepEqual([takeSeat(region), takeSeat(region), takeSeat(region)], [0, 1, 2])
  freeSeat(region, 1)
  assert.equal(takeSeat(region), 1)
})

test('takeSeat() throws when all seats are taken, and says what to do', () => {
  const region = createRegion(SMALL)
  for (let seat = 0; seat < 3; seat++) takeSeat(region)
  assert.throws(() => takeSeat(region), {
    code: 'SBX_REGION_SEATS_TAKEN',
    message: /^Cannot attach: all 3 seats are taken; close .*box\.watch\(worker\).* larger capacity\.seats$/,
  })
})

test('a seat that was refused leaves the others as they are', () => {
  const region = createRegion(SMALL)
  for (let seat = 0; seat < 3; seat++) takeSeat(region)
  assert.throws(() => takeSeat(region))
  assert.deepEqual(seatsOfThread(region, threadId), [0, 1, 2])
})

test('the highest seat ever taken is remembered, so that scans stop there', () => {
  const region = createRegion(SMALL)
  takeSeat(region)
  takeSeat(region)
  freeSeat(region, 1)
  assert.equal(region.words[SEATS_HIGH_AT], 2)
})

test('freeSeat() gives back in flight, pins, the right to write and to drain, and the seat', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const tally = new Tally(region, seat)
  tally.enter(0)
  tally.enter(3)
  movePin(region, seat)
  region.words[seatWord(region, seat, SEAT_PIN_NEXT)] = 1 // died while it moved
  region.words[WRITER_AT] = seat + 1
  becomeDrainer(region, seat)

  freeSeat(region, seat)

  assert.deepEqual([tally.inflight(0), tally.inflight(3)], [0, 0])
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN)], 0)
  assert.equal(region.words[seatWord(region, seat, SEAT_PIN_NEXT)], 0)
  assert.equal(region.words[WRITER_AT], 0)
  assert.equal(region.words[DRAINER_AT], 0)
  assert.deepEqual(seatsOfThread(region, threadId), [])
})

test('freeSeat() keeps what the thread has counted in total', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const tally = new Tally(region, seat)
  tally.enter(0)
  freeSeat(region, seat)
  assert.equal(tally.totals(0).picked, 1)
})

test('freeSeat() leaves what other seats hold', () => {
  const region = createRegion(SMALL)
  const [gone, stays] = [takeSeat(region), takeSeat(region)]
  const tally = new Tally(region, stays)
  tally.enter(0)
  movePin(region, stays)
  region.words[WRITER_AT] = stays + 1
  becomeDrainer(region, stays)

  freeSeat(region, gone)

  assert.equal(tally.inflight(0), 1)
  assert.notEqual(region.words[seatWord(region, stays, SEAT_PIN)], 0)
  assert.equal(region.words[WRITER_AT], stays + 1)
  assert.equal(region.words[DRAINER_AT], stays + 1)
})

test('seatsOfThread() finds seats by thread, and none of a thread that has none', () => {
  const region = createRegion(SMALL)
  takeSeat(region)
  takeSeat(region)
  assert.deepEqual(seatsOfThread(region, threadId), [0, 1])
  assert.deepEqual(seatsOfThread(region, 4711), [])
})

test('freeSeatOf() of one that died while it gave back the seat of another goes on with that', t => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const tally = new Tally(region, seat)
  region.words[seatWord(region, seat, SEAT_THREAD)] = 4711 + 1
  tally.enter(0)
  t.after(() => useAtomics(realAtomics))
  const { load, add, sub, and, or, exchange, compareExchange, notify, wait } = realAtomics
  const store = (): number => {
    throw new Error('dies')
  }
  useAtomics({ load, store, add, sub, and, or, exchange, compareExchange, notify, wait })
  assert.throws(() => freeSeatOf(region, seat, 4711), /dies/)
  useAtomics(realAtomics)

  assert.deepEqual(seatsOfThread(region, 4711), [])
  assert.deepEqual(seatsOfThread(region, threadId), [seat])
  freeSeatOf(region, seat, threadId)
  assert.equal(takeSeat(region), seat)
})
