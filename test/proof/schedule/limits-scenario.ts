import { SignalboxError } from '../../../engine/errors.ts'
import { GAUGE_INFLIGHT, Gauges } from '../../../engine/memory/gauges.ts'
import { freeSeat, freeSeatOf, takeSeat } from '../../../engine/memory/seats.ts'
import { movePin } from '../../../engine/memory/slots.ts'
import { TableWriter } from '../../../engine/memory/table-writer.ts'
import { Tally } from '../../../engine/memory/tally.ts'
import { guardedText } from './breaker-scenario.ts'
import { endpoint, publishedOf, regionOf, regionScenario, watchedRegion } from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'
import { routerOnSeat, underWay } from './seated.ts'

/** What the limits of the world are. */
export interface LimitsSize {
  threads: number
  picks: number
  /** Requests of the service, and of its one endpoint; 0: no limit. */
  requests: number
  endpointRequests: number
}

/** Threads pick and settle where fewer may be in flight than would like. The board holds per thread what it has in flight. */
export function limitsScenario({ threads, picks, requests, endpointRequests }: LimitsSize): Scenario {
  const most = Math.min(requests || threads, endpointRequests || threads)
  const lastSeat = threads
  const world = regionScenario(1, threads + 1, region => {
    for (let seat = 0; seat <= lastSeat; seat++) takeSeat(region)
    const limits = { requests, connections: 0, retries: 0, endpointRequests }
    new TableWriter(region, lastSeat).edit(edit => edit.add(edit.putService(guardedText({ limits })), endpoint('a')))
    for (let seat = 0; seat <= lastSeat; seat++) movePin(region, seat)
  })
  const thread = (seat: number): Role => ({
    name: `thread ${seat}`,
    play(stage) {
      const { board } = stage
      const region = watchedRegion(stage)
      const { router } = routerOnSeat(region, seat, publishedOf(region))
      for (let pick = 0; pick < picks; pick++) {
        const ticket = router.pick()
        if (ticket < 0) continue
        board[seat] = 1
        let held = 0
        for (let other = 0; other < threads; other++) held += board[other]!
        ensure(held <= most, `${held} are in flight where ${most} may be`)
        underWay(region)
        // Said before it is so: while it settles its place may be taken.
        board[seat] = 0
        router.settle(ticket, 'ok')
      }
    },
  })
  const supervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      stage.board[stage.dead] = 0
      freeSeat(watchedRegion(stage), stage.dead)
    },
  }
  return {
    ...world,
    roles: [...Array.from({ length: threads }, (_, seat) => thread(seat)), supervisor],
    stopsAt(words) {
      const { layout } = regionOf(words.buffer as SharedArrayBuffer)
      return (word, isWrite) =>
        // What leave does: the plain words that a count goes down in.
        isWrite && word >= layout.inflightAt && word < layout.totalsAt
    },
    check(buffer) {
      const region = regionOf(buffer)
      if (new Tally(region, 0).inflight(0) !== 0) return 'something stays in flight at the endpoint'
      if (new Gauges(region, 0, 0).sum(GAUGE_INFLIGHT) !== 0) return 'something stays in flight in the service'
      const { router } = routerOnSeat(region, lastSeat, publishedOf(region))
      for (let n = 0; n < most; n++) if (router.pick() < 0) return `only ${n} are let in where ${most} may be`
      return router.pick() < 0 ? undefined : 'one more is let in than may be'
    },
  }
}

/** One thread and no more: its words can be taken over by a newcomer on the same seat. */
export function seatChangesScenario(): Scenario {
  const limits = { requests: 1, connections: 0, retries: 0, endpointRequests: 1 }
  const world = regionScenario(1, 2, region => {
    for (let seat = 0; seat < 2; seat++) takeSeat(region)
    new TableWriter(region, 1).edit(edit => edit.add(edit.putService(guardedText({ limits })), endpoint('a')))
    for (let seat = 0; seat < 2; seat++) movePin(region, seat)
    freeSeat(region, 0)
  })
  const guest = (name: string): Role => ({
    name,
    play(stage) {
      const { board, actor } = stage
      const region = watchedRegion(stage)
      let seat: number
      try {
        seat = takeSeat(region)
      } catch (error) {
        // The one seat there is is taken.
        if (error instanceof SignalboxError) return
        throw error
      }
      movePin(region, seat)
      const { router } = routerOnSeat(region, seat, publishedOf(region))
      const ticket = router.pick()
      if (ticket >= 0) {
        board[actor] = 1
        ensure(board[0]! + board[1]! <= 1, 'two are in flight where one may be')
        underWay(region)
      }
      // It ends without settling: what it has in flight goes with its seat.
      board[actor] = 0
      freeSeat(region, seat)
    },
  })
  const supervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      stage.board[stage.dead] = 0
      const region = watchedRegion(stage)
      freeSeatOf(region, 0, stage.deadThread)
    },
  }
  return {
    ...world,
    roles: [guest('guest A'), guest('guest B'), supervisor],
    stopsAt: () => () => false,
    check(buffer) {
      const region = regionOf(buffer)
      if (new Tally(region, 1).inflight(0) !== 0) return 'something stays in flight at the endpoint'
      if (new Gauges(region, 1, 0).sum(GAUGE_INFLIGHT) !== 0) return 'something stays in flight in the service'
      const { router } = routerOnSeat(region, 1, publishedOf(region))
      return router.pick() >= 0 ? undefined : 'nothing is let in when all have left'
    },
  }
}
