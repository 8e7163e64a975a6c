import {
  DRAINER_AT,
  OUTCOME_LOST,
  OUTCOME_READ,
  OUTCOME_RECORDS,
  OUTCOME_WRITE,
  RECORD_WORDS,
} from '../../../engine/memory/layout.ts'
import { becomeDrainer, drainOutcomes, OutcomeWriter, outcomesLost } from '../../../engine/memory/outcome-ring.ts'
import type { Region } from '../../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../../engine/memory/seats.ts'
import { regionOf, regionScenario, watchedRegion } from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'

const WRITER = 0
const DRAINER = 1
const SUPERVISOR = 2
/** The ring holds 64; it begins with two places free and its cursors just before their wrap. */
const RECORDS = 64
const OLD = RECORDS - 2
const REPORTS = 4
const START = -OLD - 2

/** Words of the board: last number heard (once, in order), how many were reported. */
const LAST = 0
const REPORTED = 1
const HAS_DEATH = 2

const latencyOf = (ticket: number): number => ticket * 3 + 1

function hear(board: Int32Array, ticket: number, outcome: number, latencyUs: number): void {
  ensure(outcome === 1 && latencyUs === latencyOf(ticket), `record ${ticket} is torn`)
  const last = board[LAST]!
  // Full rings lose records, so numbers may be left out; only a drainer's death brings them again.
  ensure(ticket > last || board[HAS_DEATH] === 1, `record ${ticket} comes after ${last}`)
  board[LAST] = ticket
}

/** A thread reports outcomes into a ring that is nearly full while another drains it. */
export function outcomesScenario(): Scenario {
  const ringAt = ({ layout }: Region): number => layout.outcomeRingsAt
  const world = regionScenario(1, 3, region => {
    for (let seat = 0; seat < 3; seat++) takeSeat(region)
    const { words } = region
    words[ringAt(region) + OUTCOME_WRITE] = words[ringAt(region) + OUTCOME_READ] = START
    words[DRAINER_AT] = DRAINER + 1
    const writer = new OutcomeWriter(region, WRITER)
    for (let n = 1; n <= OLD; n++) writer.report(n, 1, latencyOf(n))
  })
  const writer: Role = {
    name: 'writer',
    play(stage) {
      const outcomes = new OutcomeWriter(watchedRegion(stage), WRITER)
      for (let n = 1; n <= REPORTS; n++) {
        outcomes.report(OLD + n, 1, latencyOf(OLD + n))
        stage.board[REPORTED] = n
      }
    },
  }
  const drainer: Role = {
    name: 'drainer',
    play(stage) {
      const region = watchedRegion(stage)
      ensure(becomeDrainer(region, DRAINER), 'the drainer is not let on')
      for (let turn = 0; turn < 3; turn++) {
        const limit = turn === 0 ? OLD - 1 : 2
        drainOutcomes(region, (ticket, outcome, latencyUs) => hear(stage.board, ticket, outcome, latencyUs), limit)
      }
    },
  }
  const supervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      const region = watchedRegion(stage)
      freeSeat(region, stage.dead)
      if (stage.dead === WRITER) return
      stage.board[HAS_DEATH] = 1
      ensure(becomeDrainer(region, SUPERVISOR), 'nobody may drain after the death of the drainer')
      drainOutcomes(region, (ticket, outcome, latencyUs) => hear(stage.board, ticket, outcome, latencyUs), OLD)
    },
  }
  return {
    ...world,
    roles: [writer, drainer, supervisor],
    stopsAt(words) {
      const region = regionOf(words.buffer as SharedArrayBuffer)
      const records = ringAt(region) + OUTCOME_RECORDS
      // Of the two records that are free at first, and the two after them, the latency: written and read apart.
      const places = [0, 1, 2, 3].map(n => (START + OLD + n) & (RECORDS - 1))
      const stops = new Set(places.map(place => records + place * RECORD_WORDS + 2))
      return word => stops.has(word)
    },
    check(buffer, board, dead) {
      const region = regionOf(buffer)
      const { words } = region
      const heard = (words[ringAt(region) + OUTCOME_READ]! - START) | 0
      const accepted = (words[ringAt(region) + OUTCOME_WRITE]! - START) | 0
      const lost = outcomesLost(region)
      if (heard > accepted || accepted - heard > RECORDS) return `the cursors are ${accepted - heard} apart`
      const reported = OLD + board[REPORTED]!
      // While nobody drains, reports go nowhere.
      const isRight = accepted + lost === reported || (dead === WRITER && accepted + lost === reported + 1)
      const mayMiss = dead === DRAINER && accepted + lost <= reported
      if (!isRight && !mayMiss)
        return `${reported} reported, ${accepted} accepted, ${words[ringAt(region) + OUTCOME_LOST]} lost`
      // What is left is whole, too.
      if (dead !== DRAINER) board[HAS_DEATH] = 0
      drainOutcomes(region, (ticket, outcome, latencyUs) => hear(board, ticket, outcome, latencyUs), RECORDS)
      return undefined
    },
  }
}
