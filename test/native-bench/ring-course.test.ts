import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Course, type Moved } from '../../native-bench/memory/ring/course.ts'
import type { Way } from '../../native-bench/memory/ring/ends.ts'
import { NativeCourse } from '../../native-bench/memory/ring/native-course.ts'
import { Audit, expectedSum, fill } from '../../native-bench/memory/ring/payload.ts'

/** More than fit into a ring of 256 KiB at 24 bytes each: it wraps, and is full at times. */
const RECORDS = 30_000
const AT_ONCE = 100

const ACROSS: readonly (readonly [Way, number])[] = [
  ['ring, one writer', 1],
  ['ring, many writers', 1],
  ['ring, many writers', 2],
  ['ring, one each', 2],
  ['ring, sleeping reader', 1],
  ['ringbuf, framed', 1],
  ['ringbuf, framed', 2],
  ['ringbuf, one size', 2],
  ['port, typed array', 2],
  ['port, numbers', 1],
  ['port, polled', 1],
]

for (const [way, writers] of ACROSS) {
  test(`by ${way}, ${writers} writing: each record arrives once, whole and in its writer's order`, async t => {
    const course = await Course.across(way, 64, writers)
    if (course === undefined) {
      t.skip('the package is not installed')
      return
    }
    t.after(() => course.close())
    const each = way.startsWith('port') ? 2000 : RECORDS
    for (let turn = 0; turn < 2; turn++) {
      const moved: Moved = await course.move(each)
      const { ns } = moved
      assert.deepEqual(moved, { ns, records: writers * each, sum: expectedSum(writers, each, 64), faults: 0 })
      assert.ok(ns > 0)
    }
  })
}

for (const [kind, way, writers] of [
  ['one', 'ring, one writer', 1],
  ['many', 'ring, many writers', 1],
  ['many', 'ring, many writers', 2],
] as const) {
  test(`the ring of C++ with ${kind} writer(s), ${writers} of them writing, delivers what ours does`, async t => {
    const native = await NativeCourse.begin(kind, 16, writers)
    if (native === undefined) {
      t.skip('there is no g++')
      return
    }
    t.after(() => native.close())
    const course = (await Course.across(way, 16, writers))!
    t.after(() => course.close())
    const { ns: _, ...ours } = await course.move(RECORDS)
    const { ns: __, ...theirs } = await native.move(RECORDS)
    assert.deepEqual(theirs, ours)
    assert.deepEqual(ours, {
      records: writers * RECORDS,
      sum: expectedSum(writers, RECORDS, 16),
      faults: 0,
    })
    const alone = await native.moveAlone(RECORDS, AT_ONCE)
    assert.deepEqual([alone.sum, alone.faults], [expectedSum(1, RECORDS, 16), 0])
  })
}

test('one thread that writes and reads moves the same, by each way', async t => {
  for (const way of [
    'ring, one writer',
    'ring, many writers',
    'ringbuf, framed',
    'port, typed array',
    'array',
  ] as const) {
    const course = await Course.alone(way, 16)
    if (course === undefined) continue
    t.after(() => course.close())
    const { records, sum, faults } = await course.moveAlone(1050, AT_ONCE)
    assert.deepEqual([records, sum, faults], [1050, expectedSum(1, 1050, 16), 0], way)
  }
})

test('each group of a volley is timed, by memory and by messages', async t => {
  for (const way of ['ring, one writer', 'ring, sleeping reader', 'port, typed array', 'port, polled'] as const) {
    const course = (await Course.volley(way, 16))!
    t.after(() => course.close())
    const groups = await course.ping(20, 3)
    assert.equal(groups.length, 3, way)
    for (const ns of groups) assert.ok(ns > 0)
  }
  const native = await NativeCourse.begin('one', 16, 1)
  if (native === undefined) return
  t.after(() => native.close())
  assert.equal((await native.ping(20, 3)).length, 3)
})

test('an audit sees a record that is missing, torn or too early', () => {
  const words = new Int32Array(4)
  const taken = (numbers: readonly number[], spoil = 0): Audit => {
    const audit = new Audit(1)
    for (const n of numbers) {
      fill(words, 0, 4, 0, n)
      words[3]! += spoil
      audit.take(words, 0, 4)
    }
    return audit
  }
  const sum = expectedSum(1, 3, 16)
  assert.deepEqual([taken([0, 1, 2]).sum, taken([0, 1, 2]).faults], [sum, 0])
  assert.ok(taken([0, 2]).sum !== sum && taken([0, 2]).faults > 0)
  assert.ok(taken([0, 2, 1]).faults > 0)
  assert.notEqual(taken([0, 1, 2], 1).sum, sum)
})
