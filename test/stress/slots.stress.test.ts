import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createRegion, handleOf, type Region, type RegionHandle } from '../../engine/memory/region.ts'
import { freeSeat, seatsOfThread } from '../../engine/memory/seats.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { attach } from '../../engine/router/attachment.ts'
import { eventually } from '../support/eventually.ts'
import { newEndpoint } from '../support/tiny-world.ts'
import { BROKEN, COUNTERS, PUBLISHED, READ, ROWS, type Role, SERVICES, STOP, WENT_BACK } from './slots-thread.ts'

/** Few seats, so few slots: one that is not protected is reused at once. */
const CAPACITY = { rows: ROWS, services: SERVICES, seats: 5, textBytes: 128, outcomes: 64 }

class Stress {
  readonly counters = new Int32Array(new SharedArrayBuffer(COUNTERS * 4))
  readonly #handle: RegionHandle
  readonly #region: Region
  readonly #threads = new Set<Promise<unknown>>()

  constructor(region: Region) {
    this.#region = region
    this.#handle = handleOf(region)
  }

  start(role: Role): Worker {
    const workerData = { role, handle: this.#handle, counters: this.counters.buffer }
    const worker = new Worker(new URL('./slots-thread.js', import.meta.url), { workerData })
    const { threadId } = worker
    const ended = new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', () => {
        for (const seat of seatsOfThread(this.#region, threadId)) freeSeat(this.#region, seat)
        resolve()
      })
    })
    this.#threads.add(ended)
    return worker
  }

  count(counter: number): number {
    return Atomics.load(this.counters, counter)
  }

  /** Ends a writer in the middle of whatever it does and puts another in its place, again and again. */
  async churn(role: Role, forMs: number): Promise<number> {
    const dice = createDice(0x5eed)
    const end = performance.now() + forMs
    let writer = this.start(role)
    let deaths = 0
    while (performance.now() < end) {
      const seen = this.count(PUBLISHED)
      await eventually('the new writer publishes', () => this.count(PUBLISHED) > seen)
      await new Promise(resolve => setTimeout(resolve, below(dice(), 40)))
      await writer.terminate()
      deaths++
      writer = this.start(role)
    }
    return deaths
  }

  async stop(): Promise<void> {
    Atomics.store(this.counters, STOP, 1)
    await Promise.all(this.#threads)
  }
}

test('slots: a pinned reader never sees half a publication, while writers die and are replaced', async t => {
  const stress = new Stress(createRegion(CAPACITY))
  for (let reader = 0; reader < 3; reader++) stress.start('read pinned')
  const deaths = await stress.churn('publish', 1500)
  await stress.stop()
  t.diagnostic(`${stress.count(PUBLISHED)} publications, ${stress.count(READ)} reads, ${deaths} writers died`)
  assert.ok(stress.count(PUBLISHED) > 0 && stress.count(READ) > 0 && deaths > 1)
  assert.equal(stress.count(BROKEN), 0, 'broken snapshots')
  assert.equal(stress.count(WENT_BACK), 0, 'versions that went back')
})

test('slots: the same readers without a pin do see broken publications: the test has eyes', async t => {
  const stress = new Stress(createRegion(CAPACITY))
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
  const stress = new Stress(region)
  for (let reader = 0; reader < 2; reader++) stress.start('read endpoints')
  const deaths = await stress.churn('publish by edit', 1500)
  await stress.stop()
  clearInterval(keepUp)
  attachment.close()
  t.diagnostic(`${stress.count(PUBLISHED)} edits, ${stress.count(READ)} reads, ${deaths} writers died`)
  assert.ok(stress.count(PUBLISHED) > 0 && stress.count(READ) > 0 && deaths > 1)
  assert.equal(stress.count(BROKEN), 0, 'structures of two batches')
})
