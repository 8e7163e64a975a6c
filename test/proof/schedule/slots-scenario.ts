import { SLOT_CHECK, SLOT_ROWS, SLOT_VERSION } from '../../../engine/memory/layout.ts'
import { takeSeat } from '../../../engine/memory/seats.ts'
import { findFreeSlot, versionOf } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import {
  brokenStructure,
  PinnedReader,
  publishedOf,
  regionOf,
  regionScenario,
  seatAndPin,
  supervisor,
  text,
  watchedRegion,
} from './region-world.ts'
import type { Role, Scenario } from './scenario.ts'

/** Words of the board. */
const PUBLISHED_COUNT = 0

/** Readers follow the structure while a writer publishes so often that slots must be used again. */
export function slotsScenario(readers: number, publications: number): Scenario {
  const writerSeat = readers
  const world = regionScenario(4, readers + 1, region => {
    // Readers pin version 1; version 2 is live when a run begins.
    seatAndPin(region, readers)
    takeSeat(region)
    new TableWriter(region, writerSeat).edit(edit => edit.putService(text(0)))
  })
  const reader = (seat: number): Role => ({
    name: `reader ${seat}`,
    play(stage) {
      const pinnedReader = new PinnedReader(watchedRegion(stage), seat, 1 << 8)
      for (let turn = 0; turn < 2; turn++) {
        pinnedReader.catchUp()
        pinnedReader.look()
      }
    },
  })
  const writer: Role = {
    name: 'writer',
    play(stage) {
      const tableWriter = new TableWriter(watchedRegion(stage), writerSeat)
      for (let n = 1; n <= publications; n++) {
        tableWriter.edit(edit => edit.putService(text(n / 100)))
        stage.board[PUBLISHED_COUNT]!++
      }
    },
  }
  return {
    ...world,
    roles: [...Array.from({ length: readers }, (_, seat) => reader(seat)), writer, supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      return (word, isWrite) => {
        if (word < layout.slotsAt || word >= layout.inflightAt) return false
        const at = (word - layout.slotsAt) % layout.slotWords
        return isWrite ? at === SLOT_VERSION || at === SLOT_CHECK : at === SLOT_CHECK || at === SLOT_ROWS
      }
    },
    check(buffer, board, dead) {
      const region = regionOf(buffer)
      const broken = brokenStructure(region)
      if (broken !== undefined) return broken
      const versions = versionOf(publishedOf(region)) - 2
      const told = board[PUBLISHED_COUNT]!
      // A writer that dies at the end of an edit has published and not told.
      const isRight = dead === writerSeat ? versions === told || versions === told + 1 : versions === publications
      if (!isRight) return `${told} edits made ${versions} versions`
      return findFreeSlot(region) >= 0 ? undefined : 'no slot is free when all is done'
    },
  }
}
