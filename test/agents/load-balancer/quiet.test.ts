import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Glance, glanceAtTables, isSameGlance } from '../../../agents/kit/glance.ts'
import { lookAtTables } from '../../../agents/kit/tables.ts'
import { loadBalancer, type State } from '../../../agents/load-balancer/agent.ts'
import { endpointReturned, settledBatch } from '../../../agents/signals.ts'
import { EJECTED, HEALTH_DEGRADED } from '../../../engine/writer.ts'
import { tinyWorld } from '../../support/tiny-world.ts'
import { Stage } from '../stage.ts'

/** A load balancer whose looks at the tables are counted. */
function counted(ids: readonly string[], service: object = {}) {
  let looks = 0
  const look = {
    ...lookAtTables,
    run: () => {
      looks++
      return structuredClone({ services: [world.service] })
    },
  }
  const world: Stage = new Stage(loadBalancer, service, ids, [look])
  world.start()
  const looksWithin = async (ms: number): Promise<number> => {
    const before = looks
    await world.advance(ms, 10)
    return looks - before
  }
  return { world, looksWithin }
}

const refOf = (world: Stage, id: string) => {
  const { row, generation } = world.row(id)
  return { row, generation, service: 'api', id }
}

test('where nothing happens the tables are looked at once a second, and what changes in them within a tenth of one', async () => {
  const { world, looksWithin } = counted(['a', 'b', 'c'])
  await looksWithin(2_000)
  const idle = await looksWithin(20_000)
  // Once a second; loads are compared every five seconds, adaptation is due every ten.
  assert.ok(idle >= 18 && idle <= 30, `${idle} looks in 20 s`)
  world.row('a').weight = 2
  assert.equal(await looksWithin(110), 1)
  assert.equal(await looksWithin(500), 0, 'it has been seen')
})

test('while there is traffic the tables are looked at each tenth of a second, for what is in flight', async () => {
  const { world, looksWithin } = counted(['a', 'b'])
  await looksWithin(2_000)
  let looks = 0
  for (let i = 0; i < 20; i++) {
    const ended = { ok: 1, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 1_000, latencyUsMax: 1_000 }
    world.hear(settledBatch.of({ rows: [{ ...refOf(world, 'a'), ...ended }] }))
    looks += await looksWithin(100)
  }
  assert.ok(looks >= 18, `${looks} in 2 s`)
})

test('while an endpoint is eased in its weight grows each tenth of a second', async () => {
  const { world, looksWithin } = counted(['a', 'b'], { slowStart: { window: '5s' } })
  await looksWithin(2_000)
  world.add('c')
  const looks = await looksWithin(4_000)
  assert.ok(looks >= 38, `${looks} in 4 s`)
  await looksWithin(2_000)
  assert.equal(world.row('c').factor, 1)
  assert.ok((await looksWithin(5_000)) <= 10, 'and then it is quiet again')
})

test('a fact about one endpoint copies nothing of what is known of the others', async () => {
  const { world, looksWithin } = counted(['a', 'b', 'c'], { slowStart: { window: '5s' } })
  await looksWithin(1_000)
  const { known } = world.state as State
  const others = [known.get(1), known.get(2)]
  world.hear(endpointReturned.of({ ...refOf(world, 'a'), because: 'time' }))
  await looksWithin(5)
  assert.equal((world.state as State).known, known)
  assert.ok(known.get(0)!.easing.cameMs !== undefined)
  assert.deepEqual([known.get(1), known.get(2)], others)
  world.remove('b')
  await looksWithin(1_100)
  assert.deepEqual([...known.keys()], [0, 2], 'who is gone is forgotten')
})

test('a glance tells each change of what weights follow from, and nothing where there is none', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const { attachment } = world
  const glance = (): Glance => glanceAtTables.run(undefined, { attachment } as never) as Glance
  const [row] = attachment.serviceTexts()[0]!.rows
  const { endpoints } = attachment
  const changes = [
    () => endpoints.setBar(row!, EJECTED, true),
    () => endpoints.setBar(row!, EJECTED, false),
    () => endpoints.setHealth(row!, HEALTH_DEGRADED),
    () => endpoints.setWeight(row!, 3),
    () =>
      attachment.writer.edit(edit =>
        edit.add(0, { id: 'c', url: 'http://127.0.0.1:3', zone: '', metadata: {}, weight: 1, priority: 0 }),
      ),
  ]
  for (const change of changes) {
    const before = glance()
    assert.ok(isSameGlance(before, glance()))
    change()
    assert.ok(!isSameGlance(before, glance()), `${change}`)
  }
})
