import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  becomeBuilder,
  fillTable,
  findRoom,
  isFilled,
  isTableWhole,
  type Room,
  readTable,
  type TableDraft,
  tableWords,
  tableWordsMax,
} from '../../engine/memory/choice-tables.ts'
import { LINE_WORDS } from '../../engine/memory/layout.ts'
import { createRegion, openRegion, type Region } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'
import { movePin, peekPublished, serviceTable, slotOf } from '../../engine/memory/slots.ts'
import { TableWriter } from '../../engine/memory/table-writer.ts'

/** A table of one member and two entries: a header line, then 2 words and 1, together two lines. */
const WORDS = 2 * LINE_WORDS
const CAPACITY = { rows: 16, services: 2, seats: 4, textBytes: 128, outcomes: 64 }

/** A region with room for so many tables of two lines, and a service to name them. */
function regionOf(tables: number): { region: Region; writer: TableWriter } {
  const region = createRegion({ ...CAPACITY, choices: tables * WORDS * 4 })
  const writer = new TableWriter(region, takeSeat(region))
  writer.edit(edit => edit.putService({ name: 'api', policy: { name: 'maglev' }, panicThreshold: 0 }))
  return { region, writer }
}

function draft(kind: number, entries = 2): TableDraft {
  return {
    kind,
    tickets: Int32Array.of((1 << 16) | 5),
    weightsQ8: Int32Array.of(384),
    entries: new Uint16Array(entries).fill(kind),
  }
}

/** Builds a table into room for it and publishes it; says where. */
function publish({ region, writer }: { region: Region; writer: TableWriter }, kind: number): number {
  const at = findRoom(region, WORDS)
  assert.notEqual(at, 0, 'there is room')
  fillTable(region, at, draft(kind))
  writer.edit(edit => edit.setTable(0, at))
  return at
}

test('readTable() reads back what fillTable() wrote, points and an odd number of entries too', () => {
  const { region } = regionOf(4)
  const ring = {
    ...draft(2, 3),
    points: Uint32Array.of(1, 0x80000000, 0xffffffff),
    entries: Uint16Array.of(1, 2, 65_535),
  }
  const at = findRoom(region, tableWords(1, 3, 3))
  const check = fillTable(region, at, ring)
  const { kind, tickets, weightsQ8, points, entries } = readTable(region, at)
  assert.deepEqual({ kind, tickets, weightsQ8 }, { kind: 2, tickets: ring.tickets, weightsQ8: ring.weightsQ8 })
  assert.deepEqual(Array.from(points!), [1, 0x80000000, 0xffffffff])
  assert.deepEqual(Array.from(entries), [1, 2, 65_535])
  assert.ok(isTableWhole(region, at))
  assert.ok(isFilled(region, at, check))
  assert.ok(!isFilled(region, at, check ^ 1))
})

test('isTableWhole() sees one entry of another table', () => {
  const { region } = regionOf(4)
  const at = findRoom(region, WORDS)
  fillTable(region, at, draft(2))
  readTable(region, at).entries[1] = 3
  assert.ok(!isTableWhole(region, at))
})

test('tableWords() is what fillTable() takes: whole lines, two entries and one point to a word', () => {
  assert.equal(tableWords(1, 2, 0), WORDS)
  // 16 + 2 × 7 + 1 + ⌈3 ÷ 2⌉ = 33 words: three lines.
  assert.equal(tableWords(7, 3, 1), 3 * LINE_WORDS)
})

test('findRoom() gives room that neither the live slot nor a pinned one names', () => {
  const world = regionOf(4)
  const { region } = world
  const reader = takeSeat(region)
  const first = publish(world, 1)
  movePin(region, reader)
  const others = [publish(world, 2), publish(world, 3), publish(world, 4), publish(world, 5)]
  assert.ok(!others.includes(first), 'the pinned one stays')
  assert.equal(readTable(region, first).kind, 1)
  movePin(region, reader)
  const later = [publish(world, 6), publish(world, 7), publish(world, 8), publish(world, 9)]
  assert.ok(later.includes(first), 'and is room when the pin has moved on')
})

test('findRoom() keeps a table that many slots name, as long as one of them is pinned', () => {
  const world = regionOf(3)
  const { region, writer } = world
  const at = publish(world, 1)
  const reader = takeSeat(region)
  // Edits that do not touch the table name it again; the reader pins the last of them.
  for (let n = 0; n < 5; n++) {
    writer.edit(edit => edit.putService({ name: 'other', policy: { name: 'random' }, panicThreshold: n / 10 }))
  }
  movePin(region, reader)
  assert.equal(serviceTable(region, slotOf(peekPublished(region)), 0), at)
  for (let kind = 2; kind < 8; kind++) assert.notEqual(publish(world, kind), at)
})

test('findRoom() answers 0 while everything is in use, and what is reserved is in use', () => {
  const world = regionOf(2)
  const { region } = world
  publish(world, 1)
  const at = findRoom(region, WORDS)
  assert.notEqual(at, 0)
  assert.equal(findRoom(region, WORDS, [{ at, words: WORDS }]), 0)
  assert.equal(findRoom(region, 2 * WORDS), 0, 'what is left is one stretch of one table')
})

test('findRoom() finds room between tables of different sizes', () => {
  const { region, writer } = regionOf(6)
  const reserved: Room[] = []
  const sizes = [2, 100, 2]
  const at = sizes.map(entries => {
    const words = tableWords(1, entries, 0)
    const room = findRoom(region, words, reserved)
    reserved.push({ at: room, words })
    return room
  })
  // Two lines, then ⌈(16 + 2 + 50) ÷ 16⌉ = 5 lines, then two.
  assert.deepEqual(
    at,
    [0, 2, 7].map(line => region.layout.choicesAt + line * LINE_WORDS),
  )
  fillTable(region, at[1], draft(1, 100))
  writer.edit(edit => edit.setTable(0, at[1]))
  assert.equal(findRoom(region, WORDS), at[0], 'before the one in use')
  assert.equal(findRoom(region, tableWords(1, 100, 0)), at[2], 'behind it')
})
test('one seat builds at a time, and the next when its thread has ended', () => {
  const { region } = regionOf(3)
  const [first, second] = [takeSeat(region), takeSeat(region)]
  assert.ok(becomeBuilder(region, first))
  assert.ok(becomeBuilder(region, first), 'it is it already')
  assert.ok(!becomeBuilder(region, second))
  freeSeat(region, first)
  assert.ok(becomeBuilder(region, second))
})

test('a region without a choice area has no room, and one table is never larger than a third of an area', () => {
  assert.equal(findRoom(createRegion({ ...CAPACITY, choices: 0 }), WORDS), 0)
  assert.equal(tableWordsMax(createRegion({ ...CAPACITY, choices: 10 * WORDS * 4 })), 6 * LINE_WORDS)
})

test('another thread that opens the region finds the same choice area', () => {
  const { region } = regionOf(5)
  assert.deepEqual(openRegion({ region: region.buffer }).layout, region.layout)
})
