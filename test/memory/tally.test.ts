import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOTAL_LATENCY_HIGH, TOTAL_LATENCY_US, TOTAL_PICKED, TOTAL_WORDS } from '../../engine/memory/layout.ts'
import {
  ABANDONED,
  ERROR,
  GATEWAY,
  OK,
  OUTCOMES,
  outcomeCode,
  outcomeOfStatus,
  TIMEOUT,
  UNREACHABLE,
} from '../../engine/memory/outcomes.ts'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'
import { Tally } from '../../engine/memory/tally.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const SMALL = { rows: 4, services: 1, seats: 3, textBytes: 128, outcomes: 64 }

function tallies(region: Region, count: number): Tally[] {
  return Array.from({ length: count }, () => new Tally(region, takeSeat(region)))
}

test('enter() and leave() count in flight', () => {
  const [tally] = tallies(createRegion(SMALL), 1)
  const tickets = [tally.enter(1), tally.enter(1)]
  assert.equal(tally.inflight(1), 2)
  assert.ok(tally.leave(tickets[0], OK, 5))
  assert.equal(tally.inflight(1), 1)
  assert.equal(tally.inflight(0), 0)
})

test('in flight is the sum over all threads, seen by each', () => {
  const [one, two, three] = tallies(createRegion(SMALL), 3)
  one.enter(2)
  two.enter(2)
  two.enter(2)
  for (const tally of [one, two, three]) assert.equal(tally.inflight(2), 3)
})

test('leave() refuses a second settle and counts nothing', () => {
  const [tally] = tallies(createRegion(SMALL), 1)
  const ticket = tally.enter(0)
  assert.equal(tally.leave(ticket, OK, 5), true)
  assert.equal(tally.leave(ticket, OK, 5), false)
  assert.equal(tally.inflight(0), 0)
  assert.equal(tally.totals(0).ok, 1)
})

test('leave() refuses the ticket of another thread', () => {
  const [one, two] = tallies(createRegion(SMALL), 2)
  const ticket = one.enter(0)
  assert.equal(two.leave(ticket, OK, 5), false)
  assert.equal(one.inflight(0), 1)
})

test('leave() refuses what is no ticket', () => {
  const [tally] = tallies(createRegion(SMALL), 1)
  tally.enter(0)
  for (const wrong of [-1, -0x80000000, 4, 0xffff, 1 << 16, 0x3fffffff]) {
    assert.equal(tally.leave(wrong, OK, 1), false, String(wrong))
  }
  assert.equal(tally.inflight(0), 1)
})

test('a settle with the ticket of a former tenant changes nothing', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  const stale = world.router.pick()
  world.router.settle(stale, 'ok', 5)
  world.remove('a')
  world.attachment.catchUp()
  world.writer.edit(edit => edit.add(world.service, newEndpoint('b')))
  const ticket = world.router.pick()
  assert.notEqual(ticket, stale)
  world.router.settle(stale, 'error', 5)
  const row = world.row('b')
  assert.equal(world.attachment.tally.inflight(row), 1)
  assert.equal(world.attachment.tally.totals(row).error, 0)
  world.close()
})

test('totals tell picks, outcomes and the latency of good answers', () => {
  const [one, two] = tallies(createRegion(SMALL), 2)
  one.leave(one.enter(1), OK, 100)
  one.leave(one.enter(1), ERROR, 7)
  two.leave(two.enter(1), OK, 11)
  two.leave(two.enter(1), TIMEOUT, 7)
  two.leave(two.enter(1), ABANDONED, 7)
  two.enter(1)
  assert.deepEqual(one.totals(1), { picked: 6, ok: 2, error: 1, timeout: 1, abandoned: 1, latencyUsSum: 111 })
  assert.equal(one.totals(0).picked, 0)
})

test('totals count the finer words for a failure as errors, and touch nothing else', () => {
  const region = createRegion(SMALL)
  const [tally] = tallies(region, 1)
  // 99: a code that only a newer version knows.
  for (const code of [GATEWAY, UNREACHABLE, 99]) tally.leave(tally.enter(1), code, 7)
  assert.deepEqual(tally.totals(1), { picked: 3, ok: 0, error: 3, timeout: 0, abandoned: 0, latencyUsSum: 0 })
  // Codes 4 and 5 would otherwise be the words of the latency sum.
  const at = region.layout.totalsAt + TOTAL_WORDS
  assert.deepEqual([region.words[at + TOTAL_LATENCY_US], region.words[at + TOTAL_LATENCY_HIGH]], [0, 0])
})

test('outcomeOfStatus() tells gateway errors from the endpoint’s own', () => {
  const statuses = [200, 304, 404, 429, 499, 500, 501, 502, 503, 504, 505, 599]
  const [ok, error, gateway] = ['ok', 'error', 'gateway'] as const
  assert.deepEqual(statuses.map(outcomeOfStatus), [
    ...[ok, ok, ok, ok, ok],
    ...[error, error],
    ...[gateway, gateway, gateway],
    ...[error, error],
  ])
})

test('the latency sum goes on past 2^32', () => {
  const [tally] = tallies(createRegion(SMALL), 1)
  // Three times 2^31 − 1 is above 2^32: the low word has wrapped once.
  for (let i = 0; i < 3; i++) tally.leave(tally.enter(0), OK, 0x7fffffff)
  assert.equal(tally.totals(0).latencyUsSum, 3 * 0x7fffffff)
})

test('the latency sum carries exactly at 2^32', () => {
  const region = createRegion(SMALL)
  const [tally] = tallies(region, 1)
  const at = region.layout.totalsAt + 2 * TOTAL_WORDS
  region.words[at + TOTAL_LATENCY_US] = -1 // 2^32 − 1
  tally.leave(tally.enter(2), OK, 1)
  // One carry counts twice, and is even again when it is over.
  assert.equal(region.words[at + TOTAL_LATENCY_HIGH], 2)
  assert.equal(tally.totals(2).latencyUsSum, 2 ** 32)
})

test('totals are read as unsigned: a count goes on past 2^31', () => {
  const region = createRegion(SMALL)
  const [tally] = tallies(region, 1)
  region.words[region.layout.totalsAt + TOTAL_PICKED] = 0x7fffffff
  tally.enter(0)
  assert.equal(tally.totals(0).picked, 2 ** 31)
})

test('totals of a thread that has gone still count', () => {
  const region = createRegion(SMALL)
  const seat = takeSeat(region)
  const gone = new Tally(region, seat)
  gone.leave(gone.enter(0), OK, 9)
  freeSeat(region, seat)
  const [later] = tallies(region, 1)
  later.leave(later.enter(0), OK, 1)
  assert.equal(later.totals(0).ok, 2)
  assert.equal(later.totals(0).latencyUsSum, 10)
})

test('forget() zeroes the totals of one row in every seat', () => {
  const [one, two] = tallies(createRegion(SMALL), 2)
  for (const tally of [one, two]) for (const row of [0, 1]) tally.leave(tally.enter(row), OK, 3)
  one.forget(0)
  assert.equal(two.totals(0).ok, 0)
  assert.equal(two.totals(1).ok, 2)
})

test('outcomeCode() gives each outcome its place in OUTCOMES, and takes an unknown word for abandoned', () => {
  assert.deepEqual(OUTCOMES.map(outcomeCode), [OK, ERROR, TIMEOUT, ABANDONED, GATEWAY, UNREACHABLE])
  assert.equal(outcomeCode('exploded' as 'ok'), ABANDONED)
})
