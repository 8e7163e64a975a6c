import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Machine } from '../../../native-bench/quality/world/machine.ts'
import { Queue } from '../../../native-bench/quality/world/queue.ts'
import type { Request } from '../../../native-bench/quality/world/request.ts'
import { SharedCores } from '../../../native-bench/quality/world/shared-cores.ts'
import { Unlimited } from '../../../native-bench/quality/world/unlimited.ts'

const KINDS: Readonly<Record<string, () => Machine>> = {
  'shared cores, one': () => new SharedCores(1, 1),
  'shared cores, four': () => new SharedCores(4, 1.5),
  'a queue of one slot': () => new Queue(1, 1),
  'a queue of three slots': () => new Queue(3, 0.5),
  'no limit': () => new Unlimited(2),
}

function request(number: number): Request {
  const at = { router: 0, caller: 0, sentMs: 0, seed: number, key: number, ticket: 0, machine: 0 }
  return { number, ...at, until: 0, insideThen: 0, insideAfter: 0, servedMs: 0, arrivedMs: 0, state: 'inside' }
}

/** Lets it work until nobody is there; when each request was over. */
function finishAll(machine: Machine): Map<number, number> {
  const over = new Map<number, number>()
  while (machine.inside > 0) {
    const atMs = machine.nextMs
    const done = machine.finish(atMs)
    done.state = 'over'
    over.set(done.number, atMs)
  }
  return over
}

for (const [name, make] of Object.entries(KINDS)) {
  test(`${name}: a request is over when it was said it would be, if nobody else comes`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 80 })), { maxLength: 12 }),
        fc.integer({ min: 1, max: 300 }),
        (before, work) => {
          const machine = make()
          let nowMs = 0
          for (const [number, [theirs, gapMs]] of before.entries()) {
            nowMs += gapMs
            while (machine.nextMs <= nowMs) machine.finish(machine.nextMs).state = 'over'
            machine.begin(request(number), theirs, nowMs)
          }
          const saidMs = machine.whenDone(work, nowMs, [])
          machine.begin(request(99), work, nowMs)
          const over = finishAll(machine).get(99)!
          assert.ok(Math.abs(over - saidMs) < 1e-6 * saidMs, `${over} instead of ${saidMs}`)
        },
      ),
      { seed: 7 },
    )
  })

  test(`${name}: who is withdrawn is not finished, and makes room`, () => {
    const machine = make()
    const [first, second] = [request(1), request(2)]
    machine.begin(first, 100, 0)
    machine.begin(second, 100, 0)
    first.state = 'over'
    machine.withdraw(first, 10)
    assert.equal(machine.inside, 1)
    assert.deepEqual([...finishAll(machine).keys()], [2])
  })
}

test('two share one core and each takes twice as long, four have one each and do not', () => {
  const one = new SharedCores(1, 1)
  const four = new SharedCores(4, 1)
  for (const machine of [one, four]) for (const number of [1, 2]) machine.begin(request(number), 100, 0)
  assert.deepEqual([...finishAll(one).values()], [200, 200])
  assert.deepEqual([...finishAll(four).values()], [100, 100])
})

test('a queue works on them in the order they came, and a slow-down takes those on their way as well', () => {
  const queue = new Queue(1, 1)
  for (const number of [1, 2, 3]) queue.begin(request(number), 100, 0)
  queue.setSpeed(0.5, 50)
  // 50 of the first are left, 100 ms; then 200 each.
  assert.deepEqual(
    [...finishAll(queue)],
    [
      [1, 150],
      [2, 350],
      [3, 550],
    ],
  )
})

test('a machine that stands still finishes nothing', () => {
  for (const make of Object.values(KINDS)) {
    const machine = make()
    machine.setSpeed(0, 0)
    machine.begin(request(1), 10, 0)
    assert.equal(machine.nextMs, Number.POSITIVE_INFINITY)
    assert.equal(machine.whenDone(10, 5, []), Number.POSITIVE_INFINITY)
  }
})

test('half used is half used, and what others take counts', () => {
  const machine = new SharedCores(2, 1)
  machine.begin(request(1), 50, 0)
  machine.finish(50)
  assert.equal(machine.takeUtilisation(100, 100), 0.25)
  machine.setSpeed(0.25, 100)
  assert.equal(machine.takeUtilisation(100, 200), 0.75)
})
