import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OUTCOME_READ, OUTCOME_WRITE } from '../../engine/memory/layout.ts'
import { becomeDrainer, drainOutcomes, OutcomeWriter, outcomesLost } from '../../engine/memory/outcome-ring.ts'
import { createRegion } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'

const ROOM = 64

/** What may happen to a ring, each with how often or how much. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('report' as const), times: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('drain' as const), times: fc.integer({ min: 0, max: 80 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('die' as const), times: fc.constant(1) }) },
)

test('the outcome ring is a bounded queue that refuses the newest and counts what it refused', () => {
  const cursor = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0x7fffff00, max: 0x7fffffff }),
    fc.integer({ min: -200, max: -1 }),
  )
  fc.assert(
    fc.property(cursor, fc.array(step, { maxLength: 40 }), (start, steps) => {
      const region = createRegion({ rows: 1, services: 1, seats: 2, textBytes: 128, outcomes: ROOM })
      becomeDrainer(region, takeSeat(region))
      const seat = takeSeat(region)
      const at = region.layout.outcomeRingsAt + seat * region.layout.outcomeRingWords
      region.words[at + OUTCOME_WRITE] = start
      region.words[at + OUTCOME_READ] = start
      let writer = new OutcomeWriter(region, seat)

      const queue: number[] = []
      let lost = 0
      let next = 0
      for (const { what, times } of steps) {
        if (what === 'report') {
          for (let i = 0; i < times; i++, next++) {
            writer.report(next, next & 3, next * 2)
            if (queue.length < ROOM) queue.push(next)
            else lost++
          }
        } else if (what === 'drain') {
          const seen: number[] = []
          const count = drainOutcomes(
            region,
            (ticket, outcome, latencyUs) => {
              assert.deepEqual([outcome, latencyUs], [ticket & 3, ticket * 2])
              seen.push(ticket)
            },
            times,
          )
          assert.equal(count, seen.length)
          assert.deepEqual(seen, queue.splice(0, times))
        } else {
          // The thread ends; the next one to take its seat goes on with the ring.
          freeSeat(region, seat)
          assert.equal(takeSeat(region), seat)
          writer = new OutcomeWriter(region, seat)
        }
        assert.equal(outcomesLost(region), lost)
      }
    }),
    { numRuns: 200, seed: 0x5eed },
  )
})
