import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Contest, compete, type Standing } from '../../native-bench/contest.ts'
import { closedLoop, POST, SMALL, systemCalls } from '../../native-bench/proxy/closed-loop.ts'
import { openLoop } from '../../native-bench/proxy/open-loop.ts'
import { picturesOf } from '../../native-bench/proxy/plots.ts'
import { unevenLoad } from '../../native-bench/uneven/group.ts'
import { capacityPerSecond } from '../../native-bench/uneven/plan.ts'

/** One turn of one side, which is the quickest to begin of those that every machine has. */
async function oneTurn(contest: Contest, name: string): Promise<Standing | undefined> {
  const sides = contest.sides.filter(side => side.name === name)
  assert.equal(sides.length, 1)
  const [standing] = await compete({ ...contest, sides, rounds: 1, warmUp: 0 })
  return standing
}

function figuresOf(contest: Contest, { figures }: Standing): Record<string, number> {
  return Object.fromEntries(contest.figures.map(({ name }, i) => [name, figures[i]!.median]))
}

const NODE = 'node:http + undici'

for (const [contest, isTls] of [
  [closedLoop('post', POST, 16), false],
  [closedLoop('tls', SMALL, 16, true), true],
] as const) {
  test(`a turn of ${contest.name} tells what a request takes, and no errors`, async t => {
    const standing = await oneTurn(contest, NODE)
    if (standing === undefined) return t.skip(`needs wrk and g++${isTls ? ', and openssl' : ''}`)
    const told = figuresOf(contest, standing)
    assert.ok(told.requests! > 0 && told.p50! > 0 && told.p50! <= told.p99!)
    // Node at work has more than 30 MiB, and takes more than 1 µs and less than all that two seconds have.
    assert.ok(told.memory! > 30 << 20, `${told.memory}`)
    const cpu = told['CPU a request']!
    assert.ok(cpu > 1000 && cpu * told.requests! < 1.5e9, `${cpu} ns, ${told.requests} a second`)
    assert.equal(told.errors, 0)
  })
}

test('system calls are counted a request', async t => {
  const standing = await oneTurn(systemCalls(16), NODE)
  if (standing === undefined) return t.skip('needs wrk and g++')
  const calls = standing.figures[0]!.median
  // A read and a write on either side; waits are shared.
  if (!Number.isNaN(calls)) assert.ok(calls > 4 && calls < 20, `${calls}`)
})

test('an open loop tells what a request takes at a rate, and how late it was itself', async t => {
  const contest = openLoop(500, 1)
  const standing = await oneTurn(contest, NODE)
  if (standing === undefined) return t.skip('needs g++')
  const told = figuresOf(contest, standing)
  assert.ok(told.p50! <= told.p99! && told.p99! <= told['p99.9']!)
  assert.ok(told['sent late, p99']! <= told['p99.9']!)
  assert.equal(told.errors, 0)
})

test('behind a proxy the uneven servers take what they promise, at the least', async t => {
  const contest = unevenLoad(0.3, 1, 0.2)
  const standing = await oneTurn(contest, 'nginx least_conn')
  if (standing === undefined) return t.skip('needs nginx')
  const told = figuresOf(contest, standing)
  // Nobody is quicker than the quick ones, whose mean is 20 ms; of 370 requests it deviates by 26 ÷ √370, three times.
  assert.ok(told.mean! > (20 - 4) * 1e6, `${told.mean} ns`)
  assert.ok(told.p50! <= told.p99!)
  assert.equal(told.errors, 0)
  assert.ok(capacityPerSecond() > 1000 && capacityPerSecond() < 1500)
})

test('a picture has the contests that tell its figure and were measured; without any there is none', () => {
  const figures = [
    { name: 'requests', unit: '/s' as const },
    { name: 'memory', unit: 'bytes' as const },
  ]
  const contests = ['a', 'b'].map(name => ({ name, figures, rounds: 5, warmUp: 0, sides: [] }))
  const spread = (median: number) => ({ median, low: median, high: median })
  const standings: Standing[] = [
    { contest: 'a', side: 'signalbox', figures: [spread(1), spread(3 << 20)], times: spread(1), rounds: 5 },
  ]
  const pictures = [
    { file: 'memory.svg', title: 'Memory', figure: 'memory', unit: 'MiB', divisor: 1 << 20 },
    { file: 'other.svg', title: 'Other', figure: 'what nobody tells', unit: '', divisor: 1 },
  ]
  const drawn = picturesOf(pictures, contests, { rows: [], standings, missing: [] }, 'a machine')
  assert.deepEqual(Object.keys(drawn), ['memory.svg'])
  assert.match(drawn['memory.svg']!, />3 MiB</)
  assert.match(drawn['memory.svg']!, />a</)
  assert.doesNotMatch(drawn['memory.svg']!, />b</)
})
