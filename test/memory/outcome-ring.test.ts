import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOCK_MS_AT, OUTCOME_READ, OUTCOME_WRITE } from '../../engine/memory/layout.ts'
import { becomeDrainer, drainOutcomes, OutcomeWriter, outcomesLost } from '../../engine/memory/outcome-ring.ts'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'

const SMALL = { rows: 4, services: 1, seats: 3, textBytes: 128, outcomes: 64 }

/** Everything in the rings, as records. */
function drain(region: Region, limit = Number.MAX_SAFE_INTEGER): number[][] {
  const records: number[][] = []
  drainOutcomes(region, (...record) => records.push(record), limit)
  return records
}

/** A region with a drainer in seat 0 and a writer in seat 1 whose cursors start at `cursor`. */
function ring(cursor = 0): { region: Region; writer: OutcomeWriter; seat: number } {
  const region = createRegion(SMALL)
  becomeDrainer(region, takeSeat(region))
  const seat = takeSeat(region)
  const at = region.layout.outcomeRingsAt + seat * region.layout.outcomeRingWords
  region.words[at + OUTCOME_WRITE] = cursor
  region.words[at + OUTCOME_READ] = cursor
  return { region, writer: new OutcomeWriter(region, seat), seat }
}

test('report() hands on ticket, outcome, latency and clock, oldest first', () => {
  const { region, writer } = ring()
  region.words[CLOCK_MS_AT] = 77
  writer.report(5, 0, 120)
  writer.report(9, 2, 0)
  assert.deepEqual(drain(region), [
    [5, 0, 120, 77],
    [9, 2, 0, 77],
  ])
  assert.deepEqual(drain(region), [])
})

test('report() does nothing while nobody drains', () => {
  const region = createRegion(SMALL)
  const writer = new OutcomeWriter(region, takeSeat(region))
  for (let i = 0; i < 100; i++) writer.report(i, 0, 0)
  assert.deepEqual(drain(region), [])
  assert.equal(outcomesLost(region), 0)
})

test('a full ring refuses the newest record, keeps the oldest and counts the loss', () => {
  const { region, writer } = ring()
  for (let i = 0; i < 64 + 5; i++) writer.report(i, 0, 0)
  assert.equal(outcomesLost(region), 5)
  assert.deepEqual(
    drain(region).map(([ticket]) => ticket),
    Array.from({ length: 64 }, (_, i) => i),
  )
})

test('after a drain there is room again', () => {
  const { region, writer } = ring()
  for (let i = 0; i < 70; i++) writer.report(i, 0, 0)
  drain(region)
  writer.report(1000, 0, 0)
  assert.deepEqual(
    drain(region).map(([ticket]) => ticket),
    [1000],
  )
})

test('drainOutcomes() takes at most its limit from each ring and goes on where it stopped', () => {
  const { region, writer } = ring()
  for (let i = 0; i < 10; i++) writer.report(i, 0, 0)
  assert.equal(drain(region, 4).length, 4)
  assert.deepEqual(
    drain(region, 4).map(([ticket]) => ticket),
    [4, 5, 6, 7],
  )
  assert.equal(drain(region, 0).length, 0)
})

test('drainOutcomes() reads the rings of all seats and says how many records there were', () => {
  const { region, writer } = ring()
  const third = new OutcomeWriter(region, takeSeat(region))
  writer.report(1, 0, 0)
  third.report(2, 0, 0)
  third.report(3, 0, 0)
  let tickets: number[] = []
  assert.equal(
    drainOutcomes(region, ticket => tickets.push(ticket), 10),
    3,
  )
  tickets = tickets.sort()
  assert.deepEqual(tickets, [1, 2, 3])
})

for (const [name, cursor] of [
  ['2^31', 0x7fffffff - 30],
  ['2^32', -30],
] as const) {
  test(`cursors that cross ${name} lose and repeat nothing`, () => {
    const { region, writer } = ring(cursor)
    const seen: number[] = []
    for (let i = 0; i < 200; i++) {
      writer.report(i, 0, 0)
      if (i % 50 === 49) seen.push(...drain(region).map(([ticket]) => ticket))
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, i) => i),
    )
    assert.equal(outcomesLost(region), 0)
  })

  test(`a ring that is full across ${name} still refuses and counts`, () => {
    const { region, writer } = ring(cursor)
    for (let i = 0; i < 100; i++) writer.report(i, 0, 0)
    assert.equal(drain(region).length, 64)
    assert.equal(outcomesLost(region), 36)
  })
}

test('records of a thread that has gone are drained, and its seat goes on in their place', () => {
  const { region, writer, seat } = ring()
  writer.report(1, 0, 0)
  freeSeat(region, seat)
  const later = new OutcomeWriter(region, takeSeat(region))
  later.report(2, 0, 0)
  assert.deepEqual(
    drain(region).map(([ticket]) => ticket),
    [1, 2],
  )
})

test('becomeDrainer() lets one seat drain, until it is freed', () => {
  const region = createRegion(SMALL)
  const [one, two] = [takeSeat(region), takeSeat(region)]
  assert.equal(becomeDrainer(region, one), true)
  assert.equal(becomeDrainer(region, one), true)
  assert.equal(becomeDrainer(region, two), false)
  freeSeat(region, one)
  assert.equal(becomeDrainer(region, two), true)
})
