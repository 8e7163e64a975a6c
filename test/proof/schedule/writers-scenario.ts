import { SLOT_CHECK, SLOT_VERSION, WRITER_AT } from '../../../engine/memory/layout.ts'
import { readSlot, versionOf } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import {
  brokenStructure,
  endpoint,
  publishedOf,
  regionOf,
  regionScenario,
  seatAndPin,
  supervisor,
  text,
  watchedRegion,
} from './region-world.ts'
import type { Role, Scenario } from './scenario.ts'

/** Two threads add an endpoint each. From `writer + 1` on the board: its row + 1 once the edit has returned. */
export function writersScenario(): Scenario {
  const world = regionScenario(4, 2, region => {
    seatAndPin(region, 2)
    new TableWriter(region, 0).edit(edit => edit.putService(text(0)))
  })
  const writer = (seat: number): Role => ({
    name: `writer ${seat}`,
    play(stage) {
      const row = new TableWriter(watchedRegion(stage), seat).edit(edit => edit.add(0, endpoint(`e${seat}`)))
      stage.board[seat] = row + 1
    },
  })
  return {
    ...world,
    roles: [writer(0), writer(1), supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      return (word, isWrite) => {
        if (!isWrite || word < layout.slotsAt || word >= layout.inflightAt) return false
        const at = (word - layout.slotsAt) % layout.slotWords
        return at === SLOT_VERSION || at === SLOT_CHECK
      }
    },
    check(buffer, board, dead) {
      const region = regionOf(buffer)
      const broken = brokenStructure(region)
      if (broken !== undefined) return broken
      if (region.words[WRITER_AT] !== 0) return 'the right to write is not given back'
      const published = publishedOf(region)
      const { rows } = readSlot(region, published).services[0]!
      if (versionOf(published) - 2 !== rows.length)
        return `${versionOf(published) - 2} publications listed ${rows.length} endpoints`
      for (const seat of [0, 1]) {
        if (board[seat] === 0 && seat !== dead) return `writer ${seat} did not come to write`
        if (board[seat] !== 0 && !rows.includes(board[seat]! - 1)) return `what writer ${seat} added is not listed`
      }
      return undefined
    },
  }
}
