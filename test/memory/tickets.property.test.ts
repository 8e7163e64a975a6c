import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { TinyWorld } from '../support/tiny-world.ts'

const ROWS = 4

/** A thread (0 or 1) does something: picks, settles the n-th of all tickets ever given to it, or changes a row's tenant. */
const step = fc.record({
  thread: fc.nat(1),
  what: fc.constantFrom('pick' as const, 'settle' as const, 'replace' as const, 'turn' as const),
  n: fc.nat(30),
})

test('a ticket never settles a request of another tenant, nor of another thread', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const world = new TinyWorld({ e0: {}, e1: {} }, { policy: 'round-robin', capacity: { rows: ROWS, seats: 2 } })
      const seats = [world.attachment, world.another()]
      const routers = seats.map(seat => world.routerOf(seat))
      const given: { ticket: number; id: string; isOpen: boolean }[][] = [[], []]
      const inflight = new Map<string, number>()
      let born = 2

      for (const { thread, what, n } of steps) {
        if (what === 'pick') {
          const ticket = routers[thread].pick()
          assert.ok(ticket >= 0)
          const { id } = routers[thread].endpoint(ticket)
          given[thread].push({ ticket, id, isOpen: true })
          inflight.set(id, (inflight.get(id) ?? 0) + 1)
        } else if (what === 'settle') {
          const mine = given[thread]
          if (mine.length === 0) continue
          const one = mine[n % mine.length]
          // Settled before, while this thread has others on the same endpoint: which of them it takes cannot be told.
          if (!one.isOpen && mine.some(other => other.isOpen && other.ticket === one.ticket)) continue
          routers[thread].settle(one.ticket, 'ok', 1)
          if (one.isOpen) inflight.set(one.id, inflight.get(one.id)! - 1)
          one.isOpen = false
        } else if (what === 'replace') {
          const rows = world.rows()
          const leaving = rows[n % rows.length]
          world.writer.edit(edit => edit.remove(world.service, leaving))
          world.catchUp()
          try {
            world.writer.edit(edit => edit.add(world.service, newEndpoint(`e${born}`)))
            born++
          } catch {
            // Every free row still has requests in flight. Never leave the service empty.
            if (world.rows().length === 0) break
          }
        } else {
          seats[thread].catchUp()
        }
        for (const row of world.rows()) {
          const { id } = world.attachment.endpoint(row)
          assert.equal(world.attachment.tally.inflight(row), inflight.get(id) ?? 0, `in flight of ${id}`)
        }
      }
      world.close()
    }),
    { numRuns: 200, seed: 0x5eed },
  )
})
