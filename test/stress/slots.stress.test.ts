import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegion, handleOf, type Region } from '../../engine/memory/region.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { attach } from '../../engine/router/attachment.ts'
import { eventually } from '../support/eventually.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { RegionStress } from './region-stress.ts'
import { BROKEN, COUNTERS, PUBLISHED, READ, ROWS, type Role, SERVICES, WENT_BACK } from './slots-thread.ts'

/** Few seats, so few slots: one that is not protected is reused at once. */
const CAPACITY = { rows: ROWS, services: SERVICES, seats: 5, textBytes: 128, outcomes: 64 }
/** A count and not a time: a machine with other things to do takes longer, and shows the same. */
const DEATHS = 6

const stressAt = (region: Region): RegionStress<Role> =>
  new RegionStress(new URL('./slots-thread.js', import.meta.url), region, COUNTERS)

/** Replaces a writer again and again, and ends it all once the readers have read of what was written. */
async function churn(stress: RegionStress<Role>, role: Role): Promise<void> {
  const dice = createDice(0x5eed)
  let writer = stress.start(role)
  for (let death = 0; death < DEATHS; death++) writer = await stress.replace(writer, role, PUBLISHED, dice)
  await eventually('readers have read', () => stress.count(READ) > 0)
  await stress.stop()
}

test('slots: a pinned reader never sees half a publication, while writers die and are replaced', async t => {
  const stress = stressAt(createRegion(CAPACITY))
  for (let reader = 0; reader < 3; reader++) stress.start('read pinned')
  await churn(stress, 'publish')
  t.diagnostic(`${stress.count(PUBLISHED)} publications, ${stress.count(READ)} reads, ${DEATHS} writers died`)
  assert.equal(stress.count(BROKEN), 0, 'broken snapshots')
  assert.equal(stress.count(WENT_BACK), 0, 'versions that went back')
})

test('slots: the same readers without a pin do see broken publications: the test has eyes', async t => {
  const stress = stressAt(createRegion(CAPACITY))
  for (let reader = 0; reader < 3; reader++) stress.start('read unpinned')
  stress.start('publish')
  await eventually('a reader without a pin sees a broken snapshot', () => stress.count(BROKEN) > 0, 20_000)
  await stress.stop()
  t.diagnostic(`${stress.count(BROKEN)} of ${stress.count(READ)} reads without a pin were broken`)
})

test('table: a reader never meets a row of another batch, while rows are reused and writers die', async t => {
  const region = createRegion({ ...CAPACITY, rows: 24 })
  const attachment = attach(handleOf(region))
  attachment.writer.edit(edit => {
    const service = edit.putService({ name: 'api', policy: { name: 'round-robin' }, panicThreshold: 0 })
    edit.add(service, newEndpoint('e0', { metadata: { batch: '0' } }))
  })
  const keepUp = setInterval(() => attachment.catchUp(), 1)
  const stress = stressAt(region)
  for (let reader = 0; reader < 2; reader++) stress.start('read endpoints')
  await churn(stress, 'publish by edit')
  clearInterval(keepUp)
  attachment.close()
  t.diagnostic(`${stress.count(PUBLISHED)} edits, ${stress.count(READ)} reads, ${DEATHS} writers died`)
  assert.equal(stress.count(BROKEN), 0, 'structures of two batches')
})
