import {
  becomeBuilder,
  fillTable,
  findRoom,
  isTableWhole,
  readTable,
  tableWords,
} from '../../../engine/memory/choice-tables.ts'
import { BUILDER_AT, SLOT_CHECK, SLOT_VERSION, TABLE_HEADER_WORDS, TABLE_KIND } from '../../../engine/memory/layout.ts'
import type { Region } from '../../../engine/memory/region.ts'
import { takeSeat } from '../../../engine/memory/seats.ts'
import { findFreeSlot, movePin, serviceTable, serviceText, slotOf } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import {
  brokenStructure,
  PinnedReader,
  publishedOf,
  regionOf,
  regionScenario,
  supervisor,
  text,
  watchedRegion,
} from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'

/** Words of the board. */
const BUILT = 0

const READER_SEAT = 0
const BUILDER_SEAT = 1
const BUILDS = 3
/** Version 2 in slot 1: the first edit of a new region. */
const PINNED_AT_FIRST = (2 << 8) | 1

const WORDS = tableWords(1, 2, 0)
/** The live table, one that is pinned, one that is announced, and one to build. */
const TABLES = 4

/** Builds table n into room for it, and publishes it together with a text that says n. */
function build(region: Region, writer: TableWriter, n: number): void {
  const at = findRoom(region, WORDS)
  ensure(at !== 0, 'there is no room for a table')
  fillTable(region, at, {
    kind: n,
    tickets: Int32Array.of(n),
    weightsQ8: Int32Array.of(256),
    entries: Uint16Array.of(0, 0),
  })
  writer.edit(edit => edit.setTable(edit.putService(text(n / 100)), at))
}

function checkTable(region: Region, slot: number): void {
  const at = serviceTable(region, slot, 0)
  ensure(isTableWhole(region, at), 'a reader sees a torn table')
  const n = Math.round((JSON.parse(serviceText(region, slot, 0)) as { panicThreshold: number }).panicThreshold * 100)
  const { kind, tickets } = readTable(region, at)
  ensure(kind === n && tickets[0] === n, `a slot of build ${n} names a table of build ${kind}`)
}

/** A reader follows the structure while a builder builds so often that room must be used again. */
export function choiceTablesScenario(): Scenario {
  const world = regionScenario(
    4,
    2,
    region => {
      const seat = takeSeat(region)
      takeSeat(region)
      const writer = new TableWriter(region, BUILDER_SEAT)
      build(region, writer, 0)
      ensure(movePin(region, seat) === PINNED_AT_FIRST, 'the reader pins the first build')
      build(region, writer, 1)
    },
    TABLES * WORDS * 4,
  )
  const reader: Role = {
    name: 'reader',
    play(stage) {
      const region = watchedRegion(stage)
      const pinned = new PinnedReader(region, READER_SEAT, PINNED_AT_FIRST)
      for (let turn = 0; turn < 2; turn++) {
        pinned.catchUp()
        checkTable(region, slotOf(pinned.pinned))
      }
    },
  }
  const builder: Role = {
    name: 'builder',
    play(stage) {
      const region = watchedRegion(stage)
      ensure(becomeBuilder(region, BUILDER_SEAT), 'nobody builds, and the right to is not given')
      const writer = new TableWriter(region, BUILDER_SEAT)
      for (let n = 2; n < 2 + BUILDS; n++) {
        build(region, writer, n)
        stage.board[BUILT] = n
      }
    },
  }
  return {
    ...world,
    roles: [reader, builder, supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      return (word, isWrite) => {
        if (word >= layout.choicesAt && word < layout.choicesEnd) {
          const at = (word - layout.choicesAt) % WORDS
          return at === TABLE_KIND || at === TABLE_HEADER_WORDS
        }
        if (word < layout.slotsAt || word >= layout.inflightAt) return false
        const at = (word - layout.slotsAt) % layout.slotWords
        return isWrite && (at === SLOT_VERSION || at === SLOT_CHECK)
      }
    },
    check(buffer, board, dead) {
      const region = regionOf(buffer)
      const broken = brokenStructure(region)
      if (broken !== undefined) return broken
      const at = serviceTable(region, slotOf(publishedOf(region)), 0)
      if (!isTableWhole(region, at)) return 'the live slot names a table that is not whole'
      const { kind } = readTable(region, at)
      // A builder that dies at the end of an edit has published and not told.
      const isRight =
        dead === 1 ? kind === board[BUILT] || kind === board[BUILT]! + 1 || kind <= 2 : kind === 1 + BUILDS
      if (!isRight) return `the live table is of build ${kind}, build ${board[BUILT]} was told`
      if (dead === 1 && region.words[BUILDER_AT] !== 0) return 'the right to build of the dead is kept'
      if (findRoom(region, WORDS) === 0) return 'no room is left when all is done'
      return findFreeSlot(region) >= 0 ? undefined : 'no slot is free when all is done'
    },
  }
}
