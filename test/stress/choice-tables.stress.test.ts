import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createRegion, handleOf, type Region } from '../../engine/memory/region.ts'
import { freeSeat, seatsOfThread, takeSeat } from '../../engine/memory/seats.ts'
import { TableWriter } from '../../engine/memory/table-writer.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { eventually } from '../support/eventually.ts'
import { BROKEN, BUILT, COUNTED, COUNTERS, READ, type Role, STOP, WORDS } from './choice-tables-thread.ts'

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

class Stress {
  readonly counters = new Int32Array(new SharedArrayBuffer(COUNTERS * 4))
  readonly #region = region()
  readonly #threads = new Set<Promise<unknown>>()

  start(role: Role): Worker {
    const workerData = { role, handle: handleOf(this.#region), counters: this.counters.buffer }
    const worker = new Worker(new URL('./choice-tables-thread.js', import.meta.url), { workerData })
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

  async stop(): Promise<void> {
    Atomics.store(this.counters, STOP, 1)
    await Promise.all(this.#threads)
  }
}

test('choice tables: a pinned reader never sees half a table, while builders die and are replaced', async t => {
  const stress = new Stress()
  for (let reader = 0; reader < READERS; reader++) stress.start('read pinned')
  const dice = createDice(0x5eed)
  let builder = stress.start('build')
  for (let death = 0; death < DEATHS; death++) {
    const seen = stress.count(BUILT)
    await eventually('the new builder publishes', () => stress.count(BUILT) > seen)
    await new Promise(resolve => setTimeout(resolve, below(dice(), 40)))
    await builder.terminate()
    builder = stress.start('build')
  }
  await eventually('readers have read', () => stress.count(READ) > 0)
  await stress.stop()
  t.diagnostic(`${stress.count(BUILT)} tables, ${stress.count(READ)} reads, ${DEATHS} builders died`)
  assert.equal(stress.count(BROKEN), 0, 'broken tables')
})

test('choice tables: the same readers without a pin do see broken tables: the test has eyes', async t => {
  const stress = new Stress()
  for (let reader = 0; reader < READERS; reader++) stress.start('read unpinned')
  stress.start('build')
  await eventually('a reader without a pin sees a broken table', () => stress.count(BROKEN) > 0, 20_000)
  await stress.stop()
  t.diagnostic(`${stress.count(BROKEN)} of ${stress.count(READ)} reads without a pin were broken`)
})

test('a thread that fills a table ends before the end of its builder is told: nobody writes for the dead', async () => {
  // What the model of choice tables takes for granted of the platform: threads of a thread end with it, and first.
  const stress = new Stress()
  const parent = stress.start('has one count')
  await eventually('the inner thread counts', () => stress.count(COUNTED) > 0)
  const ended = once(parent, 'exit')
  void parent.terminate()
  await ended
  const counted = stress.count(COUNTED)
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(stress.count(COUNTED), counted)
})
