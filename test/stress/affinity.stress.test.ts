import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Affinity } from '../../engine/memory/affinity.ts'
import { AFFINITY_SET_WORDS, AFFINITY_TICKET, AFFINITY_WAYS } from '../../engine/memory/layout.ts'
import { handleOf } from '../../engine/memory/region.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { eventually } from '../support/eventually.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'
import {
  COUNTERS,
  FOUND,
  HASHES,
  homeOf,
  KEPT,
  MISSED,
  MIXED,
  type Part,
  ROWS,
  type Role,
  STOP,
  TTL_MS,
  WRONG,
} from './affinity-thread.ts'

/** What one entry holds for each hash, as one thread alone writes it; the table is left empty. */
function pairsOf(world: TinyWorld): Map<number, number> {
  const { words, layout } = world.region
  const table = new Affinity(world.region, world.service)
  const end = layout.affinityAt + (layout.affinity / AFFINITY_WAYS) * AFFINITY_SET_WORDS
  const pairs = new Map<number, number>()
  for (let hash = 1; hash <= HASHES; hash++) {
    table.keep(hash, homeOf(hash, world.rows()), TTL_MS)
    for (let set = layout.affinityAt; set < end; set += AFFINITY_SET_WORDS) {
      for (let at = set; at < set + AFFINITY_WAYS; at++) {
        if (words[at + AFFINITY_TICKET] !== 0) pairs.set(words[at], words[at + AFFINITY_TICKET])
      }
    }
    words.fill(0, layout.affinityAt, end)
  }
  return pairs
}

test('affinity: no session is ever found where it was not kept, while words of many writers mix and writers die', async t => {
  const world = tinyWorld(Object.fromEntries(Array.from({ length: ROWS }, (_, i) => [`e${i}`, {}])))
  const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * 4))
  const pairs = pairsOf(world)
  assert.equal(pairs.size, HASHES)
  const ended: Promise<unknown>[] = []
  const start = (role: Role): Worker => {
    const workerData: Part = {
      role,
      handle: handleOf(world.region),
      counters: counters.buffer as SharedArrayBuffer,
      service: world.service,
      rows: world.rows(),
      pairs,
    }
    const worker = new Worker(new URL('./affinity-thread.js', import.meta.url), { workerData })
    ended.push(
      new Promise<void>((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', () => resolve())
      }),
    )
    return worker
  }
  const count = (counter: number): number => Atomics.load(counters, counter)

  for (let i = 0; i < 2; i++) start('find')
  start('keep')
  const dice = createDice(0x5eed)
  const until = performance.now() + 1500
  let deaths = 0
  let writer = start('keep')
  while (performance.now() < until) {
    const kept = count(KEPT)
    await eventually('writers keep on', () => count(KEPT) > kept)
    await new Promise(resolve => setTimeout(resolve, below(dice(), 40)))
    await writer.terminate()
    deaths++
    writer = start('keep')
  }
  await eventually('words of two writers are seen together: the test has eyes', () => count(MIXED) > 0, 60_000)
  await eventually('sessions are found, and missed', () => count(FOUND) > 1000 && count(MISSED) > 1000)
  Atomics.store(counters, STOP, 1)
  await Promise.all(ended)
  t.diagnostic(
    `${count(KEPT)} kept, ${count(FOUND)} found, ${count(MISSED)} missed, ${count(MIXED)} mixtures seen, ${deaths} writers died`,
  )
  assert.equal(count(WRONG), 0, 'sessions found where they were not kept')
  world.close()
})
