import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawPeers } from '../../native-bench/baseline/peers/drawn.ts'
import { KINDS, peers } from '../../native-bench/baseline/peers/group.ts'
import { grpcPicker } from '../../native-bench/baseline/peers/grpc.ts'
import { p2cBalancer, randomBalancer } from '../../native-bench/baseline/peers/load-balancers.ts'
import { loadOf, moleculer } from '../../native-bench/baseline/peers/moleculer.ts'
import type { Peer } from '../../native-bench/baseline/peers/peer.ts'
import { balancedPool } from '../../native-bench/baseline/peers/undici.ts'
import { compete } from '../../native-bench/contest.ts'

/** How often each of so many endpoints is chosen, the i-th time for the key i; undefined where the package is not installed. */
async function countsOf(peer: Peer, endpoints: number, times: number): Promise<number[] | undefined> {
  const choosing = await peer.begin(endpoints)
  if (choosing === undefined) return undefined
  try {
    choosing.batch(endpoints)
    const counts = new Array<number>(endpoints).fill(0)
    for (let i = 0; i < times; i++) {
      const chosen = choosing.choose(i)
      assert.ok(chosen >= 0 && chosen < endpoints, `${peer.name} chose ${chosen} of ${endpoints}`)
      counts[chosen]!++
    }
    return counts
  } finally {
    await choosing.close()
  }
}

/** Each endpoint has its share of so many choices, within five standard deviations where they are by chance. */
function areShared(counts: readonly number[], shares: readonly number[], isByChance: boolean, name: string): void {
  const times = counts.reduce((sum, count) => sum + count, 0)
  counts.forEach((count, i) => {
    const share = shares[i]!
    const off = isByChance ? 5 * Math.sqrt(times * share * (1 - share)) : 1
    assert.ok(Math.abs(count - times * share) <= off, `${name}: ${i} has ${count} of ${times}, not ${times * share}`)
  })
}

const ENDPOINTS = 12
const TIMES = 12_000
const EVEN = new Array<number>(ENDPOINTS).fill(1 / ENDPOINTS)

for (const peer of [
  balancedPool('alike'),
  grpcPicker('round_robin'),
  grpcPicker('outlier_detection'),
  grpcPicker('weighted_round_robin'),
  moleculer('RoundRobin'),
]) {
  test(`${peer.name} takes turns`, async t => {
    const counts = await countsOf(peer, ENDPOINTS, TIMES)
    if (counts === undefined) t.skip('it is not installed')
    else areShared(counts, EVEN, false, peer.name)
  })
}

for (const peer of [randomBalancer, moleculer('Random')]) {
  test(`${peer.name} chooses by chance`, async t => {
    const counts = await countsOf(peer, ENDPOINTS, TIMES)
    if (counts === undefined) t.skip('it is not installed')
    else areShared(counts, EVEN, true, peer.name)
  })
}

test('BalancedPool weighs its members by their errors: 15 of 100 less for each', async t => {
  // By turns 100, 85 and 70. All in steps of 5: 20, 17 and 14 of each 51, four members of each kind.
  const counts = await countsOf(balancedPool('by errors'), ENDPOINTS, 51 * 4 * 100)
  if (counts === undefined) return t.skip('it is not installed')
  const shares = EVEN.map((_, i) => [20, 17, 14][i % 3]! / (51 * 4))
  const times = counts.reduce((sum, count) => sum + count, 0)
  counts.forEach((count, i) => {
    // What was chosen before the counting began is at most one round of all.
    assert.ok(Math.abs(count - times * shares[i]!) <= 12, `${i} has ${count}, not ${times * shares[i]!}`)
  })
})

test('P2cBalancer levels what is chosen: of two by chance the one that has less', async t => {
  const counts = await countsOf(p2cBalancer, ENDPOINTS, TIMES)
  if (counts === undefined) return t.skip('it is not installed')
  // By chance alone the fullest would be some 2.2 × sqrt(1000) = 70 beyond the mean; of two choices it is log log n.
  assert.ok(Math.max(...counts) - Math.min(...counts) < 15, counts.join(' '))
})

for (const [name, samples] of [
  ['CpuUsage', 3],
  ['Latency', 5],
] as const) {
  test(`moleculer ${name} takes the least loaded of ${samples} by chance`, async t => {
    const counts = await countsOf(moleculer(name), ENDPOINTS, TIMES)
    if (counts === undefined) return t.skip('it is not installed')
    // The i-th is the least of k draws with replacement when none is below it and not all are above it.
    const shares = EVEN.map((_, i) => {
      const atLeast = (j: number): number => ((ENDPOINTS - j) / ENDPOINTS) ** samples
      return atLeast(i) - atLeast(i + 1)
    })
    assert.ok(loadOf(0) < loadOf(1))
    areShared(counts, shares, true, name)
  })
}

test('moleculer Shard keeps a key at one member, and all members have keys', async t => {
  const choosing = await moleculer('Shard').begin(ENDPOINTS)
  if (choosing === undefined) return t.skip('it is not installed')
  const first = Array.from({ length: 2000 }, (_, key) => choosing.choose(key))
  const again = Array.from({ length: 2000 }, (_, key) => choosing.choose(key))
  await choosing.close()
  assert.deepEqual(again, first)
  assert.equal(new Set(first).size, ENDPOINTS)
})

test('grpc-js pick_first stays with the first', async t => {
  const counts = await countsOf(grpcPicker('pick_first'), ENDPOINTS, 100)
  if (counts === undefined) t.skip('it is not installed')
  else assert.equal(counts[0], 100)
})

test('each of them is held against a policy here, which stands first, and what is picked alone is settled', async () => {
  assert.equal(peers.contests!.length, KINDS.length * 3)
  for (const contest of peers.contests!) assert.match(contest.sides[0]!.name, /^signalbox .*, pick$/)
  const contest = peers.contests!.find(({ name }) => name === 'peers/by key/4')!
  const standings = await compete({ ...contest, rounds: 2, warmUp: 0 })
  assert.equal(standings[0]!.side, 'signalbox maglev, pick')
  for (const { figures } of standings) assert.ok(figures[0]!.median > 0)
  const plots = drawPeers({ rows: [], standings, missing: [] }, 'a machine')
  assert.deepEqual(Object.keys(plots), ['peers-4.svg'])
  assert.match(plots['peers-4.svg']!, /by key/)
})
