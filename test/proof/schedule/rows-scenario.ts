import { SignalboxError } from '../../../engine/errors.ts'
import { EndpointTable } from '../../../engine/memory/endpoint-table.ts'
import { OK } from '../../../engine/memory/outcomes.ts'
import { freeSeat } from '../../../engine/memory/seats.ts'
import { movePin, serviceCount, serviceStart, slotOf, versionOf } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import { Tally } from '../../../engine/memory/tally.ts'
import {
  brokenStructure,
  endpoint,
  PinnedReader,
  regionOf,
  regionScenario,
  seatAndPin,
  supervisor,
  text,
  watchedRegion,
} from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'

const READER = 0
const WRITER = 1
/** The version that lists the first tenant, and the one that lists the next. */
const FIRST = 2
const REMOVED = 3
const ATTEMPTS = 2

/** A region of one row: a reader picks and settles while a writer removes the row and lists it for another tenant. */
export function rowsScenario(): Scenario {
  const world = regionScenario(1, 2, region => {
    seatAndPin(region, 2)
    new TableWriter(region, WRITER).edit(edit => edit.add(edit.putService(text(0)), endpoint(`tenant${FIRST}`)))
  })
  const reader: Role = {
    name: 'reader',
    play(stage) {
      const region = watchedRegion(stage)
      const tally = new Tally(region, READER)
      const endpoints = new EndpointTable(region)
      const pinnedReader = new PinnedReader(region, READER, 1 << 8)
      const tenant = (): string => endpoints.readText(0).id
      for (let turn = 0; turn < 2; turn++) {
        pinnedReader.catchUp()
        const slot = slotOf(pinnedReader.pinned)
        const version = versionOf(pinnedReader.pinned)
        if (version === 1 || serviceCount(region, slot, 0) === 0) continue
        const row = region.words[serviceStart(region, slot, 0)]!
        const ticket = tally.enter(row)
        const picked = tenant()
        ensure((picked === `tenant${FIRST}`) === (version === FIRST), `version ${version} leads to ${picked}`)
        pinnedReader.catchUp()
        ensure(tenant() === picked, 'the row of a ticket has another tenant')
        ensure(tally.leave(ticket, OK, 1), 'a held ticket cannot be settled')
      }
    },
  }
  const writer: Role = {
    name: 'writer',
    play(stage) {
      const region = watchedRegion(stage)
      const tableWriter = new TableWriter(region, WRITER)
      tableWriter.edit(edit => edit.remove(0, 0))
      // As the thread of a writer does: its own pin, too, keeps a row from being used again.
      movePin(region, WRITER)
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        try {
          tableWriter.edit(edit => edit.add(0, endpoint(`tenant${REMOVED + 1}`)))
          return
        } catch (error) {
          // The reader can still see the row, or has a request in flight on it.
          if (!(error instanceof SignalboxError) || error.code !== 'SBX_REGION_FULL') throw error
        }
      }
    },
  }
  return {
    ...world,
    roles: [reader, writer, supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      return (word, isWrite) =>
        // In flight of the reader, and the first word of the row: its generation.
        isWrite ? word === layout.inflightAt : word === layout.endpointsAt || word === layout.inflightAt
    },
    check(buffer) {
      const region = regionOf(buffer)
      const broken = brokenStructure(region)
      if (broken !== undefined) return broken
      if (new Tally(region, READER).inflight(0) !== 0) return 'something stays in flight for ever'
      // Whoever died, the row comes back once everyone has looked at the new structure.
      freeSeat(region, READER)
      freeSeat(region, WRITER)
      new TableWriter(region, WRITER).edit(edit => {
        for (const row of [...edit.rows(0)]) edit.remove(0, row)
      })
      new TableWriter(region, WRITER).edit(edit => edit.add(0, endpoint('last')))
      return undefined
    },
  }
}
