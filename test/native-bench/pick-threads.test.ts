import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { POLICIES } from '../../engine/policies/registry.ts'
import { overBudget } from '../../native-bench/budget.ts'
import { CPU_CLOCK, threadCpuNs } from '../../native-bench/cpu-time.ts'
import { drawThreads } from '../../native-bench/policies/drawn.ts'
import { PickThreads } from '../../native-bench/policies/pick-threads.ts'
import { load, matrix } from '../../native-bench/policies/threads.ts'

test('the time of a thread on the processor goes on while it works, and stands while it sleeps', async t => {
  if (CPU_CLOCK === 'wall') return t.skip('this machine does not tell')
  const before = await threadCpuNs()
  const since = performance.now()
  while (performance.now() - since < 60);
  const worked = await threadCpuNs()
  await sleep(60)
  const slept = await threadCpuNs()
  // Others may have the processor for most of it, but not for all; and nobody has more of it than there is.
  assert.ok(worked - before > 3e6 && worked - before < 90e6, `${worked - before} ns of 60 ms of work`)
  assert.ok(slept - worked < 20e6, `${slept - worked} ns of 60 ms of sleep`)
})

test('threads pick and settle at once, and publications are made while they do', async () => {
  const picking = await PickThreads.begin('least-request', 16, 3, 1000)
  try {
    const quiet = await picking.turn()
    assert.ok(quiet.cpuNs > 0 && quiet.p50 > 0 && quiet.p999 >= quiet.p99 && quiet.p99 >= quiet.p50)
    const { publications, ...published } = await picking.turnPublished()
    // Never more than are asked for, but for the first, which is made at once.
    assert.ok(publications > 0 && publications < 1300, `${publications} a second`)
    assert.ok(published.cpuNs > 0)
    // The picks of all threads are settled: each row's in-flight count is the sum of all seats'.
    assert.equal(picking.inflight(), 0)
    const version = picking.version()
    await picking.turn()
    assert.equal(picking.version(), version, 'nothing is published once it rests')
  } finally {
    await picking.close()
  }
})

test('a policy that is none fails, and no thread is left', async () => {
  await assert.rejects(PickThreads.begin('there-is-no-such-policy', 4, 1, 1000))
})

test('every policy is in the matrix, with every number of endpoints and threads, quiet and published', () => {
  const names = new Set(matrix.contests!.map(({ name }) => name))
  for (const { name } of POLICIES) {
    assert.ok(load.contests!.some(each => each.name === `threads/${name}/16`))
    for (const endpoints of [4, 64, 1024, 10_000]) {
      assert.ok(names.delete(`threads/${name}/${endpoints}`))
      for (const threads of [1, 2, 4, 8, 16]) {
        assert.ok(names.delete(`publications/${name}/${endpoints}/threads ${threads}`))
      }
    }
  }
  assert.deepEqual([...names], [])
  const sides = matrix.contests!.map(each => each.sides.map(({ name }) => name).join(', '))
  assert.deepEqual(
    [...new Set(sides)],
    ['1 thread, 2 threads, 4 threads, 8 threads, 16 threads', 'quiet, 1,000 a second'],
  )
  const all = [...load.contests!, ...matrix.contests!].map(({ name }) => name)
  assert.equal(new Set(all).size, all.length, 'no name is in both')
})

const spread = (median: number) => ({ median, low: median, high: median })
const standing = (contest: string, side: string, times: number) => ({
  contest,
  side,
  figures: [spread(100 * times)],
  times: spread(times),
  rounds: 7,
})

test('five times with more threads is the most, twice while it is published, and BalancedPool takes ten times at least', () => {
  const within = [
    standing('threads/random/64', '16 threads', 4.9),
    standing('publications/random/64/threads 16', '1,000 a second', 1.9),
    standing('publications/rendezvous/10000/threads 16', '1,000 a second', 5),
    standing('peers/in turn/1024', 'undici BalancedPool', 11),
    standing('peers/in turn/1024', 'moleculer RoundRobin', 0.1),
    standing('native/random/4', 'signalbox', 8.9),
  ]
  assert.deepEqual(overBudget([], within), [])
  const beyond = [
    standing('threads/random/64', '16 threads', 5.1),
    standing('publications/random/64/threads 16', '1,000 a second', 2.1),
    standing('peers/in turn/1024', 'undici BalancedPool', 9),
    standing('native/random/4', 'signalbox', 9.1),
  ]
  assert.deepEqual(
    overBudget([], beyond).map(sentence => sentence.split(':', 1)[0]),
    beyond.map(({ contest }) => contest),
  )
})

test('the pictures have a line for each policy, by threads', () => {
  const standings = ['random', 'maglev'].flatMap(policy => [
    ...[1, 2, 16].map(threads => standing(`threads/${policy}/64`, `${threads} threads`, 1 + threads / 100)),
    ...[1, 16].flatMap(threads => [
      standing(`publications/${policy}/64/threads ${threads}`, 'quiet', 1),
      standing(`publications/${policy}/64/threads ${threads}`, '1,000 a second', 1.1),
    ]),
  ])
  const plots = drawThreads({ rows: [], standings, missing: [] }, 'a machine')
  assert.deepEqual(Object.keys(plots), ['threads-64.svg', 'publications-64.svg', 'publications-by-threads-64.svg'])
  const lengths = (svg: string): number[] =>
    [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, d]) => d!.match(/[ML]/g)!.length)
  assert.deepEqual(lengths(plots['threads-64.svg']!), [3, 3])
  assert.deepEqual(lengths(plots['publications-by-threads-64.svg']!), [2, 2])
  assert.equal(plots['publications-64.svg']!.match(/<rect x="\d/g)?.length, 4)
})
