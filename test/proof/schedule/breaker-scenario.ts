import { SignalboxError } from '../../../engine/errors.ts'
import { TRIPPED } from '../../../engine/memory/bars.ts'
import { EndpointTable } from '../../../engine/memory/endpoint-table.ts'
import {
  BARS,
  BREAKER_PROBE,
  BREAKER_TRIPS,
  BREAKER_UNTIL_MS,
  CLOCK_MS_AT,
  FAILURES,
} from '../../../engine/memory/layout.ts'
import type { Region } from '../../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../../engine/memory/seats.ts'
import type { BreakerText, ServiceText } from '../../../engine/memory/service-text.ts'
import { movePin, readSlot } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import { isProbe, ticketOf } from '../../../engine/memory/ticket.ts'
import { endpoint, publishedOf, regionOf, regionScenario, supervisor, watchedRegion } from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'
import { routerOnSeat, underWay } from './seated.ts'

const THREADS = 2
/** The seat of whoever looks when all is over. */
const LAST_SEAT = THREADS
const OPEN_MS = 100

/** Words of the board: per thread whether its probe is out, then counts. */
const FAILED = THREADS
const PROBES_FAILED = THREADS + 1
const PROBES_PASSED = THREADS + 2
/** Requests that were no probes and went well: what failed before does not count any more. */
const PASSED = THREADS + 3

const BREAKER: BreakerText = {
  consecutiveFailures: 1,
  errorRate: 0,
  errorRateVolume: 10,
  windowMs: 1000,
  openForMs: OPEN_MS,
  maxOpenForMs: 60_000,
  probes: 1,
}

export const guardedText = (text: Partial<ServiceText>): ServiceText => ({
  name: 'api',
  policy: { name: 'least-request' },
  panicThreshold: 0,
  ...text,
})

/**
 * Threads whose requests fail at one moment, so that both would open the breaker; then time passes, and they send
 * probes. `outcomes` says how the requests of each thread end, one after the other.
 */
export function breakerScenario(outcomes: readonly (readonly ('ok' | 'error')[])[]): Scenario {
  const rowAt = ({ layout }: Region): number => layout.endpointsAt
  const world = regionScenario(1, THREADS + 1, region => {
    for (let seat = 0; seat <= LAST_SEAT; seat++) takeSeat(region)
    new TableWriter(region, LAST_SEAT).edit(edit =>
      edit.add(edit.putService(guardedText({ breaker: BREAKER })), endpoint('a')),
    )
    for (let seat = 0; seat <= LAST_SEAT; seat++) movePin(region, seat)
    region.words[CLOCK_MS_AT] = 1000
  })
  const thread = (seat: number): Role => ({
    name: `thread ${seat}`,
    play({ board, ...stage }) {
      const region = watchedRegion({ board, ...stage })
      const { router } = routerOnSeat(region, seat, publishedOf(region))
      for (const outcome of outcomes[seat]!) {
        const ticket = router.pick()
        if (ticket >= 0) {
          const mine = isProbe(ticket)
          if (mine) {
            for (let other = 0; other < THREADS; other++) ensure(board[other] === 0, 'two probes are out at one time')
            board[seat] = 1
          }
          underWay(region)
          // Said before it is so: while it settles the probe may be given on.
          board[seat] = 0
          board[outcome === 'ok' ? (mine ? PROBES_PASSED : PASSED) : mine ? PROBES_FAILED : FAILED]!++
          router.settle(ticket, outcome)
        }
        // As long as a breaker opens for the first time, and not as long as for the second.
        region.words[CLOCK_MS_AT]! += OPEN_MS
      }
    },
  })
  const clearingSupervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      stage.board[stage.dead] = 0
      freeSeat(watchedRegion(stage), stage.dead)
    },
  }
  return {
    ...world,
    roles: [thread(0), thread(1), clearingSupervisor],
    stopsAt(words) {
      const at = rowAt(regionOf(words.buffer as SharedArrayBuffer))
      return (word, isWrite) => (isWrite ? word === at + BREAKER_TRIPS || word === at + FAILURES : word === at + BARS)
    },
    check(buffer, board, dead) {
      const region = regionOf(buffer)
      const { words } = region
      const at = rowAt(region)
      if (words[at + BREAKER_PROBE] !== 0) return 'a probe stays out for ever'
      const isOpen = (words[at + BARS]! & TRIPPED) !== 0
      const trips = words[at + BREAKER_TRIPS]!
      if (trips > 1 + board[PROBES_FAILED]!)
        return `it counts ${trips} openings, ${board[PROBES_FAILED]} of them by probes`
      // Who dies in the middle of opening leaves the reason: the next failure opens it.
      const isMended = board[PROBES_PASSED]! + board[PASSED]! > 0
      const isRight = isOpen || isMended || board[FAILED] === 0 || (dead >= 0 && words[at + FAILURES]! > 0)
      if (!isRight) return 'it is closed after a failure that no probe mended'
      // Whatever happened, once its time is up a probe is let through, and closes it.
      if (isOpen) words[CLOCK_MS_AT] = words[at + BREAKER_UNTIL_MS]!
      const { router } = routerOnSeat(region, LAST_SEAT, publishedOf(region))
      const ticket = router.pick()
      if (ticket < 0) return 'nothing is picked once all is over'
      if (isProbe(ticket) !== isOpen)
        return isOpen ? 'an open breaker lets anything through' : 'a closed one asks for a probe'
      router.settle(ticket, 'ok')
      return (words[at + BARS]! & TRIPPED) === 0 ? undefined : 'a probe that passed did not close it'
    },
  }
}

/**
 * A request fails while its row is given to another tenant: what the failure does to a breaker, it does to the tenant it
 * was sent to.
 */
export function lateFailureScenario(): Scenario {
  const world = regionScenario(1, 2, region => {
    for (let seat = 0; seat < 2; seat++) takeSeat(region)
    new TableWriter(region, WRITER).edit(edit =>
      edit.add(edit.putService(guardedText({ breaker: BREAKER })), endpoint('first')),
    )
    for (let seat = 0; seat < 2; seat++) movePin(region, seat)
    // The request is under way when the run begins.
    routerOnSeat(region, SENDER, publishedOf(region)).router.pick()
  })
  const pinned = publishedOf(regionOf(world.make()))
  const sender: Role = {
    name: 'sender',
    play(stage) {
      const region = watchedRegion(stage)
      const { router, reader } = routerOnSeat(region, SENDER, pinned)
      reader.catchUp()
      router.settle(ticketOf(0, 1), 'error')
    },
  }
  const writer: Role = {
    name: 'writer',
    play(stage) {
      const region = watchedRegion(stage)
      const tableWriter = new TableWriter(region, WRITER)
      tableWriter.edit(edit => edit.remove(0, 0))
      movePin(region, WRITER)
      addIfFree(tableWriter)
    },
  }
  return {
    ...world,
    roles: [sender, writer, supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      // In flight of the sender.
      return (word, isWrite) => isWrite && word === layout.inflightAt + SENDER * layout.inflightStride
    },
    check(buffer) {
      const region = regionOf(buffer)
      freeSeat(region, SENDER)
      freeSeat(region, WRITER)
      const tableWriter = new TableWriter(region, WRITER)
      if (readSlot(region, publishedOf(region)).services[0]!.rows.length === 0) addIfFree(tableWriter)
      const { words, layout } = region
      const isFirst = new EndpointTable(region).readText(0).id === 'first'
      if (!isFirst && words[layout.endpointsAt + BARS] !== 0) return 'a new tenant begins with an open breaker'
      return !isFirst && words[layout.endpointsAt + FAILURES] !== 0 ? 'a new tenant begins with a failure' : undefined
    },
  }
}

const SENDER = 0
const WRITER = 1

/** Lists another tenant, unless the sender can still see the row or has a request in flight on it. */
function addIfFree(tableWriter: TableWriter): void {
  try {
    tableWriter.edit(edit => edit.add(0, endpoint('second')))
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'SBX_REGION_FULL') throw error
  }
}
