import { SEAT_PIN, SEAT_THREAD, SEATS_HIGH_AT } from '../../../engine/memory/layout.ts'
import { freeSeat, freeSeatOf, seatsOfThread, seatWord, takeSeat } from '../../../engine/memory/seats.ts'
import { movePin } from '../../../engine/memory/slots.ts'
import { Tally } from '../../../engine/memory/tally.ts'
import { regionOf, regionScenario, watchedRegion } from './region-world.ts'
import { ensure, type Role, type Scenario } from './scenario.ts'

/** Threads take a seat, use it, give it back and take one again. The board holds per seat the taker + 1. */
export function seatsScenario(): Scenario {
  const world = regionScenario(1, 2, () => {})
  const taker = (name: string): Role => ({
    name,
    play(stage) {
      const region = watchedRegion(stage)
      for (let turn = 0; turn < 2; turn++) {
        const seat = takeSeat(region)
        ensure(stage.board[seat] === 0, `seat ${seat} is given to two threads`)
        stage.board[seat] = stage.actor + 1
        const ownInflight = region.layout.inflightAt + seat * region.layout.inflightStride
        ensure(region.words[ownInflight] === 0, 'a new seat has something in flight')
        ensure(region.words[SEATS_HIGH_AT]! > seat, 'scans stop before a seat that is taken')
        ensure(region.words[seatWord(region, seat, SEAT_PIN)] === 0, 'a new seat has a pin')
        movePin(region, seat)
        new Tally(region, seat).enter(0)
        stage.board[seat] = 0
        freeSeat(region, seat)
      }
    },
  })
  const supervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      const region = watchedRegion(stage)
      for (const seat of seatsOfThread(region, stage.deadThread)) {
        stage.board[seat] = 0
        freeSeatOf(region, seat, stage.deadThread)
      }
    },
  }
  return {
    ...world,
    roles: [taker('taker A'), taker('taker B'), supervisor],
    stopsAt: () => () => false,
    check(buffer) {
      const region = regionOf(buffer)
      for (let seat = 0; seat < 2; seat++) {
        if (region.words[seatWord(region, seat, SEAT_THREAD)] !== 0) return `seat ${seat} stays taken`
        if (region.words[seatWord(region, seat, SEAT_PIN)] !== 0) return `seat ${seat} keeps its pin`
      }
      if (new Tally(region, 0).inflight(0) !== 0) return 'something stays in flight'
      return region.words[SEATS_HIGH_AT]! >= 1 ? undefined : 'SEATS_HIGH was not raised'
    },
  }
}
