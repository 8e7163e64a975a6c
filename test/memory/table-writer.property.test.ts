import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SignalboxError } from '../../engine/errors.ts'
import { isWhole, peekPublished, slotOf, versionOf } from '../../engine/memory/slots.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { TinyWorld } from '../support/tiny-world.ts'

const ROWS = 8
const SERVICES = 3

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('add' as const), service: fc.nat(SERVICES - 1), id: fc.nat(9) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant('remove' as const), service: fc.nat(SERVICES - 1), id: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('put' as const), service: fc.nat(SERVICES - 1), id: fc.nat(2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('throw' as const), service: fc.nat(SERVICES - 1), id: fc.nat(9) }),
  },
)

test('the table says what a map of services says, whatever is added, removed and put, as another thread reads it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const world = new TinyWorld({}, { capacity: { rows: ROWS, services: SERVICES + 1, seats: 3 } })
      const reader = world.another()
      const writers = [world.writer, world.another().writer]
      const model = new Map<string, { policy: string; ids: string[] }>([['api', { policy: 'least-request', ids: [] }]])

      steps.forEach(({ what, service, id }, index) => {
        const writer = writers[index % 2]
        const name = `service ${service}`
        const known = model.get(name)
        const before = versionOf(peekPublished(world.region))
        if (what === 'put') {
          const policy = ['round-robin', 'least-request', 'weighted-round-robin'][id]
          writer.edit(edit => edit.putService({ name, policy: { name: policy }, panicThreshold: 0 }))
          model.set(name, { policy, ids: known?.ids ?? [] })
        } else if (known === undefined) {
          return
        } else if (what === 'add') {
          const used = [...model.values()].reduce((sum, { ids }) => sum + ids.length, 0)
          try {
            writer.edit(edit => edit.add(edit.find(name), newEndpoint(`e${id}`, { weight: id + 1 })))
            known.ids.push(`e${id}`)
          } catch (error) {
            assert.ok(error instanceof SignalboxError && error.code === 'SBX_REGION_FULL', String(error))
            assert.equal(used, ROWS, 'it is full only when it is full')
          }
        } else if (what === 'remove') {
          if (known.ids.length === 0) return
          const position = id % known.ids.length
          writer.edit(edit => edit.remove(edit.find(name), edit.rows(edit.find(name))[position]))
          known.ids.splice(position, 1)
        } else {
          assert.throws(() =>
            writer.edit(edit => {
              for (const row of [...edit.rows(edit.find(name))]) edit.remove(edit.find(name), row)
              throw new Error('no')
            }),
          )
          assert.equal(versionOf(peekPublished(world.region)), before)
        }

        // Everybody turns once, so that rows removed so far can be used again.
        world.catchUp()
        assert.ok(versionOf(peekPublished(world.region)) - before <= 1, 'one publication an edit')
        assert.ok(isWhole(world.region, slotOf(peekPublished(world.region))))
        const read = reader
          .serviceTexts()
          .map(({ text, rows }) => [
            text.name,
            { policy: text.policy.name, ids: rows.map(row => reader.endpoint(row).id) },
          ])
        assert.deepEqual(read, [...model])
        const rows = reader.serviceTexts().flatMap(each => each.rows)
        assert.equal(new Set(rows).size, rows.length, 'no row has two tenants')
      })
      world.close()
    }),
    { numRuns: 150, seed: 0x5eed },
  )
})
