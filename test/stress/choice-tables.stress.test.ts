import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'
import { TableWriter } from '../../engine/memory/table-writer.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { eventually } from '../support/eventually.ts'
import { BROKEN, BUILT, COUNTED, COUNTERS, READ, type Role, WORDS } from './choice-tables-thread.ts'
import { RegionStress } from './region-stress.ts'

const READERS = 3
const DEATHS = 8

/** Room for the live table, one that each reader pins, and one to build: one that is not protected is overwritten soon. */
function region(): Region {
  const made = createRegion({
    rows: 16,
    services: 1,
    seats: READERS + 2,
    textBytes: 128,
    outcomes: 64,
    choices: (READERS + 2) * WORDS * 4,
  })
  const seat = takeSeat(made)
  new TableWriter(made, seat).edit(edit =>
    edit.putService({ name: 'api', policy: { name: 'maglev' }, panicThreshold: 0 }),
  )
  freeSeat(made, seat)
  return made
}

const stressAtNew = (): RegionStress<Role> =>
  new RegionStress(new URL('./choice-tables-thread.js', import.meta.url), region(), COUNTERS)

test('choice tables: a pinned reader never sees half a table, while builders die and are replaced', async t => {
  const stress = stressAtNew()
  for (let reader = 0; reader < READERS; reader++) stress.start('read pinned')
  const dice = createDice(0x5eed)
  let builder = stress.start('build')
  for (let death = 0; death < DEATHS; death++) builder = await stress.replace(builder, 'build', BUILT, dice)
  await eventually('readers have read', () => stress.count(READ) > 0)
  await stress.stop()
  t.diagnostic(`${stress.count(BUILT)} tables, ${stress.count(READ)} reads, ${DEATHS} builders died`)
  assert.equal(stress.count(BROKEN), 0, 'broken tables')
})

test('choice tables: the same readers without a pin do see broken tables: the test has eyes', async t => {
  const stress = stressAtNew()
  for (let reader = 0; reader < READERS; reader++) stress.start('read unpinned')
  stress.start('build')
  await eventually('a reader without a pin sees a broken table', () => stress.count(BROKEN) > 0, 20_000)
  await stress.stop()
  t.diagnostic(`${stress.count(BROKEN)} of ${stress.count(READ)} reads without a pin were broken`)
})

test('a thread that fills a table ends before the end of its builder is told: nobody writes for the dead', async () => {
  // What the model of choice tables takes for granted of the platform: threads of a thread end with it, and first.
  const stress = stressAtNew()
  const parent = stress.start('has one count')
  await eventually('the inner thread counts', () => stress.count(COUNTED) > 0)
  const ended = once(parent, 'exit')
  void parent.terminate()
  await ended
  const counted = stress.count(COUNTED)
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(stress.count(COUNTED), counted)
})
