import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routingOf } from '../../../native-bench/quality/contender.ts'
import { RULES } from '../../../native-bench/quality/rules/registry.ts'
import { parseScenario, pointsOf, type Scenario } from '../../../native-bench/quality/scenario/scenario.ts'
import { type Course, quantileOf } from '../../../native-bench/quality/world/course.ts'
import { live } from '../../../native-bench/quality/world/world.ts'

function scenario(machines: string, load: string, rest = 'work: { law: exponential, mean: 100ms }'): Scenario {
  const read = parseScenario(`
title: a test
machines: ${machines}
load: ${load}
warmUp: 20s
span: 200s
patience: 60s
contenders: [random]
${rest}
`)
  assert.ok('text' in read, 'problems' in read ? JSON.stringify(read.problems) : '')
  return pointsOf(read.text)[0]!.scenario
}

function run(of: Scenario, contender: string, seed = 1): Promise<Course> {
  return live(of, seed, routingOf(contender, of, seed))
}

for (const [kind, machines] of [
  ['a queue', '[{ slots: 1 }]'],
  ['a core that is shared', '[{ cores: 1 }]'],
] as const) {
  test(`${kind}, Poisson and exponential, half used: twice the work on average, as theory has it`, async () => {
    // M/M/1: 1 ÷ (10 a second − 5 a second); for shared cores the same (Kleinrock).
    const means = await Promise.all(
      [1, 2, 3, 4].map(async seed => (await run(scenario(machines, '{ share: 0.5 }'), 'random', seed)).meanMs),
    )
    const mean = means.reduce((sum, each) => sum + each, 0) / means.length
    assert.ok(Math.abs(mean - 200) < 20, `${mean} ms`)
  })
}

test('with the same seed everything happens again, with another one other things', async () => {
  const of = { ...scenario('[{ count: 10, slots: 1 }]', '{ share: 0.8 }'), spanMs: 20_000 }
  const [first, again, other] = await Promise.all([1, 1, 2].map(seed => run(of, 'least-request', seed)))
  assert.deepEqual(again, first)
  assert.notDeepEqual(other, first)
})

test('the same requests come whoever routes them', async () => {
  const of = { ...scenario('[{ count: 10, slots: 1 }]', '{ share: 0.5 }'), spanMs: 20_000 }
  const courses = await Promise.all(['oracle', 'random', 'c3', 'prequal-probes'].map(each => run(of, each)))
  assert.equal(new Set(courses.map(({ requests }) => requests)).size, 1)
})

test('nobody is better than the oracle, and every rule is better than chance', async () => {
  const of = { ...scenario('[{ count: 20, slots: 1 }]', '{ share: 0.7 }'), spanMs: 60_000 }
  const p99s: Record<string, number> = {}
  for (const { name } of RULES) p99s[name] = quantileOf(await run(of, name), 0.99)
  for (const [name, p99] of Object.entries(p99s)) {
    assert.ok(p99 >= 0.98 * p99s.oracle!, `${name} ${p99}, oracle ${p99s.oracle}`)
    // Weights tell nothing where all machines are alike, and half a second is longer ago than requests take.
    if (!['even-chance', 'weighted-by-utilisation', 'yarp-two-choices'].includes(name)) {
      assert.ok(p99 < 0.8 * p99s['even-chance']!, `${name} ${p99}, chance ${p99s['even-chance']}`)
    }
  }
})

test('who has waited as long as he has patience has failed, and is not waited for', async () => {
  const of = {
    ...scenario(
      '[{ slots: 1 }]',
      '{ rate: 2 }',
      'work: { law: constant, mean: 100ms }\nchanges: [{ at: 30s, speed: 0 }, { at: 40s, speed: 1 }]',
    ),
    patienceMs: 1000,
  }
  const { failed, requests, quantilesMs } = await run(of, 'random')
  // Two a second by chance, for ten seconds: 20, give or take 4.5.
  assert.ok(failed > 6 && failed < 36, `${failed} of ${requests}`)
  assert.equal(quantilesMs.at(-1), 1000)
})

test('a machine that fails fails at once, and a failure counts as a wait without end', async () => {
  const of = scenario(
    '[{ count: 2, slots: 4 }]',
    '{ rate: 10 }',
    'work: { law: constant, mean: 10ms }\nchanges: [{ at: 0s, machines: [1], failing: 100% }]',
  )
  const { failed, requests, quantilesMs } = await run(of, 'round-robin')
  assert.ok(Math.abs(failed / requests - 0.5) < 0.02)
  assert.equal(quantilesMs.at(-1), 60_000)
})

test('callers that wait for their answer come as often as they get one', async () => {
  const of = scenario('[{ count: 4 }]', '{ concurrency: 8 }', 'work: { law: constant, mean: 100ms }')
  const { requests, failed } = await run(of, 'random')
  assert.equal(failed, 0)
  // 8 callers, ten times a second, for 200 seconds.
  assert.ok(Math.abs(requests - 16_000) <= 16, `${requests}`)
})

test('sixteen threads that share what they know are as good as one, sixteen that do not are not', async () => {
  const of = { ...scenario('[{ count: 50, slots: 1 }]', '{ share: 0.8 }'), spanMs: 60_000 }
  const p99 = async (nodes: number, threads: number): Promise<number> => {
    const fleet = { ...of, fleet: { nodes, threads } }
    return quantileOf(await run(fleet, 'least-request'), 0.99)
  }
  const [one, shared, apart] = [await p99(1, 1), await p99(1, 16), await p99(16, 1)]
  assert.ok(Math.abs(shared / one - 1) < 0.1, `one ${one}, sixteen threads ${shared}`)
  assert.ok(apart > 1.5 * one, `one ${one}, sixteen nodes ${apart}`)
})
