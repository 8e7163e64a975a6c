import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRITER_AT } from '../../engine/memory/layout.ts'
import { createRegion, handleOf, type Region } from '../../engine/memory/region.ts'
import { isWhole, slotOf } from '../../engine/memory/slots.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { attach } from '../../engine/router/attachment.ts'
import { eventually } from '../support/eventually.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { RegionStress } from './region-stress.ts'
import { BROKEN, COUNTERS, PUBLISHED, READ, type Role } from './slots-thread.ts'

const DEATHS = 200
/** Writers at a time: one dies while the other writes, or waits for what the dead one held. */
const WRITERS = 3
const CAPACITY = { rows: 24, services: 1, seats: 8, textBytes: 128, outcomes: 64 }

class Threads extends RegionStress<Role> {
  /** How many of the dead held the right to write. */
  heldTheRight = 0

  constructor(region: Region) {
    super(new URL('./slots-thread.js', import.meta.url), region, COUNTERS)
  }

  protected override giveBack(seat: number): void {
    if (Atomics.load(this.region.words, WRITER_AT) === seat + 1) this.heldTheRight++
    super.giveBack(seat)
  }
}

test(`table: ${DEATHS} writers are killed wherever they are, and nobody stands still or reads half an edit`, async t => {
  const region = createRegion(CAPACITY)
  const attachment = attach(handleOf(region))
  attachment.writer.edit(edit => {
    const service = edit.putService({ name: 'api', policy: { name: 'round-robin' }, panicThreshold: 0 })
    edit.add(service, newEndpoint('e0', { metadata: { batch: '0' } }))
  })
  const keepUp = setInterval(() => attachment.catchUp(), 1)
  const threads = new Threads(region)
  const dice = createDice(0x5eed)
  threads.start('read endpoints')
  const writers = Array.from({ length: WRITERS }, () => threads.start('publish by edit'))
  try {
    await eventually('somebody publishes', () => threads.count(PUBLISHED) > 0)
    for (let death = 0; death < DEATHS; death++) {
      // Whoever came last is still starting: the others write.
      const victim = writers.splice(below(dice(), WRITERS - 1), 1)[0]!
      const [published, read] = [threads.count(PUBLISHED), threads.count(READ)]
      await victim.terminate()
      writers.push(threads.start('publish by edit'))
      await eventually(
        `writing and reading go on after death ${death + 1}`,
        () => threads.count(PUBLISHED) > published && threads.count(READ) > read,
      )
      // This thread reads under its pin, as everyone does.
      assert.ok(isWhole(region, slotOf(attachment.catchUp())), 'a pinned slot is torn')
    }
  } finally {
    await threads.stop()
    clearInterval(keepUp)
  }
  t.diagnostic(
    `${threads.count(PUBLISHED)} edits, ${threads.count(READ)} reads, ${threads.heldTheRight} died with the right to write`,
  )
  assert.equal(threads.count(BROKEN), 0, 'structures of two batches')
  assert.equal(Atomics.load(region.words, WRITER_AT), 0, 'the right to write is free again')
  attachment.close()
})
