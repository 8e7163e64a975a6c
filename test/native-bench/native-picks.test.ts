import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EJECTED } from '../../engine/memory/bars.ts'
import { GOLDEN } from '../../engine/memory/hash-key.ts'
import { handleOf } from '../../engine/memory/region.ts'
import { rowOfTicket } from '../../engine/memory/ticket.ts'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import { NATIVE_POLICIES, NativePicks } from '../../native-bench/baseline/native-picks.ts'
import { TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const PICKS = 20_000

for (const policy of NATIVE_POLICIES) {
  for (const endpoints of [1, 4, 16, 17, 64]) {
    test(`${policy} in C++ picks what it picks here, of ${endpoints}`, async t => {
      const rows = Array.from({ length: endpoints }, (_, i) => [`e${i}`, { weight: 1 + (i % 3) }] as const)
      const world = tinyWorld(Object.fromEntries(rows), { policy })
      t.after(() => world.close())
      // Another thread keeps some of them busy, and one is out: that is in the copy as well.
      const other = attach(handleOf(world.region))
      t.after(() => other.close())
      const busy = new Router(other, TinyWorld.SERVICE)
      for (let i = 0; i < 7; i++) assert.ok(busy.pick() >= 0)
      if (endpoints > 1) world.endpoints.setBar(world.rows()[1]!, EJECTED, true)
      const native = await NativePicks.begin(policy, world.attachment)
      if (native === undefined) {
        t.skip('there is no g++')
        return
      }
      t.after(() => native.close())
      const here = Array.from({ length: PICKS }, (_, i) => {
        const ticket = world.router.pick(Math.imul(i, GOLDEN))
        world.router.settle(ticket, 'ok', i & 1023)
        return rowOfTicket(ticket)
      })
      assert.deepEqual(await native.pick(PICKS), here)
    })
  }
}
