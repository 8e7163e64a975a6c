import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEGRADED, DRAINING, EJECTED, HELD, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { reportEndpointOf, reportPickable, reportServices } from '../../engine/router/report.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const endpoint = fc.record({
  bars: fc.subarray([DRAINING, UNHEALTHY, EJECTED, HELD, TRIPPED, DEGRADED]),
  weight: fc.constantFrom(0, 1, 1),
  priority: fc.nat(1),
})
const service = fc.record({
  endpoints: fc.array(endpoint, { maxLength: 4 }),
  panicThreshold: fc.constantFrom(0, 0.5, 1),
  failOnPanic: fc.boolean(),
})

test('whether anything can be picked, and what one endpoint is, are what a report of all says', () => {
  let open = 0
  let shut = 0
  fc.assert(
    fc.property(service, ({ endpoints, panicThreshold, failOnPanic }) => {
      const named = endpoints.map(({ weight, priority }, i) => [`e${i}`, { weight, priority }] as const)
      const world = tinyWorld(Object.fromEntries(named), { panicThreshold, text: { failOnPanic } })
      for (const [i, { bars }] of endpoints.entries()) for (const bar of bars) world.bar(`e${i}`, bar)
      const [report] = reportServices(world.attachment)
      const isPickable = report!.endpoints.some(each => each.isPickable)
      assert.deepEqual(reportPickable(world.attachment), [{ service: 'api', isPickable }])
      for (const each of report!.endpoints) assert.deepEqual(reportEndpointOf(world.attachment, 'api', each.id), each)
      assert.equal(reportEndpointOf(world.attachment, 'api', 'none'), undefined)
      world.close()
      if (isPickable) open++
      else shut++
    }),
    { numRuns: 300 },
  )
  assert.ok(open > 20 && shut > 20, `${open} open, ${shut} shut`)
})
