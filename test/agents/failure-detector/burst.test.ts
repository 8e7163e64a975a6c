import assert from 'node:assert/strict'
import { test } from 'node:test'
import { burstCharges } from '../../../agents/failure-detector/burst.ts'
import { ejections, OUTLIER, stage } from './courtroom.ts'

const RULE = { burst: 0.2, burstVolume: 50 }
/** Endpoints by how many of how many failed. */
const bursts = (...sums: (readonly [failed: number, total: number])[]) =>
  sums.map(([failed, total], row) => ({ row, generation: 1, failed, total }))
const charged = (...sums: (readonly [number, number])[]) =>
  burstCharges(RULE, bursts(...sums)).map(({ row, found, limit }) => `${row} ${found.toFixed(0)}/${limit.toFixed(0)}`)

test('burstCharges() charges who fails far more often than the others, and says by how much it may', () => {
  // 30 of 100 against 2 of 300: p − q = 29 %, and z = 0.29 ÷ √(0.08 × 0.92 × (1/100 + 1/300)) = 9.4.
  assert.deepEqual(charged([30, 100], [1, 100], [0, 100], [1, 100]), ['0 30/21'])
  assert.deepEqual(charged([0, 100], [60, 100], [30, 100], [0, 100], [0, 100]), ['1 60/28'])
})

test('burstCharges() charges nobody where all fail alike, where it may be chance, and where there is too little to compare', () => {
  assert.deepEqual(charged([30, 100], [30, 100], [30, 100]), [], 'it is not the endpoint')
  // 13 of 50 against 4 of 100: p − q = 22 %, z = 0.22 ÷ √(0.113 × 0.887 × (1/50 + 1/100)) = 4.0.
  assert.deepEqual(charged([13, 50], [4, 100]), [], 'one in thirty thousand is chance')
  assert.deepEqual(charged([30, 49], [0, 500]), [], 'too few requests')
  assert.deepEqual(charged([30, 100], [0, 49]), [], 'nobody to compare with')
  assert.deepEqual(charged([30, 100]), [], 'alone')
  assert.deepEqual(burstCharges({ ...RULE, burst: 0 }, bursts([90, 100], [0, 100])), [], 'switched off')
})

test('failure detector ejects at once who fails three in ten within a second, and never five in a row', async () => {
  const { world, settle } = stage([...'abcd'], { outlier: { ...OUTLIER, burst: '20%' } })
  await world.advance(1_000, 10)
  for (let i = 0; i < 10; i++) {
    for (const id of 'abc') settle(id, 'o'.repeat(10))
    settle('d', 'ooeooeooeo')
    await world.advance(50, 10)
  }
  const [first] = ejections(world)
  assert.match(first!, /^d burst 30\/20/)
  assert.equal(ejections(world).length, 1)
})

test('failure detector with burst holds nothing of one second against the next', async () => {
  const { world, settle } = stage([...'abcd'], { outlier: { ...OUTLIER, burst: '20%' } })
  for (let second = 0; second < 5; second++) {
    for (const id of 'abc') settle(id, 'o'.repeat(40))
    settle('d', 'ooeooeooeo'.repeat(4))
    await world.advance(1_000, 10)
  }
  assert.deepEqual(ejections(world), [], 'forty requests a second, five times, are not fifty in one')
})
