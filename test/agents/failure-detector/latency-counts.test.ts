import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LatencyCounts } from '../../../agents/failure-detector/latency-counts.ts'
import type { Drained } from '../../../agents/failure-detector/signals.ts'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import type { LatencyCount } from '../../../agents/signals.ts'
import { stage } from './courtroom.ts'

const drained = (row: number, generation: number, latenciesUs: number[]) =>
  ({ row, generation, latenciesUs }) as unknown as Drained

test('LatencyCounts has a row and bucket once, with how many there were, and forgets what it gave', () => {
  const counts = new LatencyCounts()
  counts.add(drained(3, 1, [1_000, 1_001, 50_000]))
  counts.add(drained(3, 1, [1_000]))
  counts.add(drained(4, 1, [1_000]))
  const [fast, slow] = [bucketOf(1_000), bucketOf(50_000)]
  assert.deepEqual(counts.take(), [
    { row: 3, generation: 1, bucket: fast, count: 3 },
    { row: 3, generation: 1, bucket: slow, count: 1 },
    { row: 4, generation: 1, bucket: fast, count: 1 },
  ])
  assert.deepEqual(counts.take(), [])
})

test('LatencyCounts of a row are of its last tenant', () => {
  const counts = new LatencyCounts()
  counts.add(drained(3, 1, [1_000, 1_000]))
  counts.add(drained(3, 2, [1_000]))
  assert.deepEqual(counts.take(), [{ row: 3, generation: 2, bucket: bucketOf(1_000), count: 1 }])
})

test('failure detector tells latencies once a second: of what went well and what ran into a timeout', async () => {
  const { world, settle } = stage(['a', 'b'])
  for (let i = 0; i < 30; i++) {
    settle('a', 'ooot')
    settle('b', 'ea')
    await world.advance(100)
  }
  await world.advance(1_100)
  const batches = world.sent
    .filter(({ type }) => type === 'signalbox.endpoint.latencies-counted')
    .map(({ data }) => (data as { rows: LatencyCount[] }).rows)
  assert.ok(batches.length >= 4 && batches.length <= 5, `${batches.length} in 4.1 s`)
  const { row } = world.row('a')
  assert.deepEqual([...new Set(batches.flat().map(each => each.row))], [row], 'a failure of b says nothing of its pace')
  assert.equal(
    batches.flat().reduce((sum, { count }) => sum + count, 0),
    30 * 4,
  )
})
