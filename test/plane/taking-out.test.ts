import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DRAINING,
  EJECTED,
  HELD,
  ISOLATED,
  isolatedMax,
  TAKEN_OUT,
  TRIPPED,
  UNHEALTHY,
} from '../../engine/memory/bars.ts'
import { planeOf } from '../../engine/plane/plane.ts'
import { isRoutable } from '../../engine/plane/routable.ts'
import { many, planeWorld } from './plane-world.ts'

test('taking out many in a row looks at all endpoints once, and not once for each', t => {
  const COUNT = 1_000
  const { world, plane } = planeWorld(t, many(COUNT), { capacity: { rows: 1_024 } })
  let looks = 0
  const { bars } = plane.endpoints
  plane.endpoints.bars = row => {
    looks++
    return bars.call(plane.endpoints, row)
  }
  const rows = world.rows()
  const out = rows.filter(row => plane.endpoints.setBar(row, EJECTED, true)).length
  assert.equal(out, COUNT / 2)
  // A few looks at each row, to judge and to count it. A count of all for each of them is 1,000 × 1,000 looks and more.
  assert.ok(looks < 30 * COUNT, `${looks} looks`)
  for (const row of rows) plane.endpoints.setBar(row, EJECTED, false)
  looks = 0
  const opened = rows.filter(row => plane.endpoints.setBreaker(row, 1_000, plane.seat, 0)).length
  assert.equal(opened, COUNT / 2)
  assert.ok(looks < 30 * COUNT, `${looks} looks`)
})

/** One change by one of three: two agents in two threads, and the operator. */
const change = fc.record({
  who: fc.constantFrom('one', 'other', 'operator'),
  what: fc.constantFrom('bar', 'bar', 'bar', 'bar', 'bar', 'breaker', 'breaker', 'breaker', 'weight', 'replace'),
  bar: fc.constantFrom(EJECTED, HELD, ISOLATED, UNHEALTHY, EJECTED | ISOLATED, DRAINING, TRIPPED),
  at: fc.nat(4),
  on: fc.boolean(),
})

test('whoever changes what in between, an endpoint is taken out exactly as far as a count of all allows', t => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80, size: 'max' }), changes => {
      const { world, plane } = planeWorld(t, many(5))
      const planes = { one: plane, other: planeOf(world.another()) }
      const { endpoints } = world
      for (const [step, { who, what, bar, at, on }] of changes.entries()) {
        const rows = world.rows()
        const row = rows[at]!
        const others = rows.filter(each => each !== row)
        const outBy = (bars: number): number => 1 + others.filter(each => (endpoints.bars(each) & bars) !== 0).length
        const isLast = isRoutable(endpoints, row) && !others.some(each => isRoutable(endpoints, each))
        if (what === 'weight') endpoints.setWeight(row, on ? 1 : 0)
        else if (what === 'replace') {
          world.remove(world.attachment.endpoint(row).id)
          world.add(`new${step}`)
          world.catchUp()
        } else if (who === 'operator') endpoints.setBar(row, bar, on)
        else if (what === 'breaker') {
          const may = !on || (outBy(TAKEN_OUT | TRIPPED) <= rows.length / 2 && !isLast)
          assert.equal(planes[who].endpoints.setBreaker(row, on ? 1_000 : 0, 1, 0), may)
        } else if ((bar & (DRAINING | TRIPPED)) === 0) {
          const isolated = (bar & ISOLATED) === 0 || outBy(ISOLATED) <= isolatedMax(rows.length)
          const may = !on || (bar & TAKEN_OUT) === 0 || (outBy(TAKEN_OUT) <= rows.length / 2 && isolated && !isLast)
          assert.equal(planes[who].endpoints.setBar(row, bar, on), may)
        }
      }
    }),
    { numRuns: 100 },
  )
})
