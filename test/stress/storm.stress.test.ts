import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { tickClock } from '../../engine/memory/clock.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { eventually } from '../support/eventually.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { GuardedStress } from './guarded-stress.ts'
import { BLIND, PICKED, REFUSED, SEQUENCE, STEPS_MOST, WRONG } from './guarded-thread.ts'

const ENDPOINTS = 10_000
const FLIPS_A_MS = 1
const RUN_MS = 1500

test('storm: with 1,000 flips a second over 10,000 endpoints no pick is late to see one, and every pick ends', async t => {
  const endpoints = Object.fromEntries(Array.from({ length: ENDPOINTS }, (_, i) => [`e${i}`, {}]))
  const capacity = { rows: ENDPOINTS, services: 1 }
  const world = tinyWorld(endpoints, { panicThreshold: 0, capacity })
  const stress = new GuardedStress(world)
  const dice = createDice(0x5eed)
  let flips = 0
  /** Bars a row and says so afterwards; lets it in again and says so before: what is marked is barred. */
  const flip = (): void => {
    const row = below(dice(), ENDPOINTS)
    if (stress.marks[row] === 0) {
      world.endpoints.setBar(row, UNHEALTHY, true)
      Atomics.store(stress.marks, row, ++flips)
      Atomics.store(stress.counters, SEQUENCE, flips)
    } else {
      Atomics.store(stress.marks, row, 0)
      world.endpoints.setBar(row, UNHEALTHY, false)
      flips++
    }
  }
  // One in three is barred from the beginning, so that a pick that does not look meets one.
  while (flips < ENDPOINTS / 3) flip()
  stress.start('pick in a storm', 3)
  await eventually('threads pick', () => stress.count(PICKED) > 1000)
  const began = performance.now()
  const before = flips
  while (performance.now() - began < RUN_MS) {
    const due = before + (performance.now() - began) * FLIPS_A_MS
    while (flips < due) flip()
    tickClock(world.region)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  while (flips < before + RUN_MS * FLIPS_A_MS) flip()
  await stress.stop()
  const most = stress.count(STEPS_MOST)
  t.diagnostic(`${flips - before} flips, ${stress.count(PICKED)} picks, at most ${most} steps in one`)
  assert.equal(stress.count(WRONG), 0, 'picks of a row that was barred before they began')
  assert.equal(stress.count(REFUSED), 0, 'two thirds are open')
  assert.ok(most <= 6 * ENDPOINTS + 80, `${most} steps in one pick`)
  assert.ok(stress.count(BLIND) > 0, 'who does not look meets barred rows: the test has eyes')
  world.close()
})
