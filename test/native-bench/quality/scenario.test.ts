import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblems } from '../../../engine/config/problems.ts'
import {
  parseScenario,
  pointsOf,
  readScenario,
  scenarioNames,
} from '../../../native-bench/quality/scenario/scenario.ts'

const TINY = `title: tiny
machines: [{ count: 2, slots: 1 }]
work: { mean: 10ms }
load: { share: 0.5 }
contenders: [least-request]
`

function problems(written: string): string {
  const read = parseScenario(written)
  return 'text' in read ? '' : formatProblems('tiny.yaml', read.problems)
}

for (const name of scenarioNames()) {
  test(`scenario ${name} can be read`, async () => {
    const read = await readScenario(name)
    assert.ok('text' in read, 'problems' in read ? read.problems : '')
    assert.ok(pointsOf(read.text).length > 0)
  })
}

test('a share is of all that machines can do in a second', () => {
  const read = parseScenario(TINY)
  assert.ok('text' in read)
  // Two machines, one request of 10 ms at a time: 200 a second, half of it 100.
  assert.equal(pointsOf(read.text)[0]!.scenario.rate, 100)
})

test('what is wrong with a scenario is said with its line, its path and a wish', () => {
  assert.match(
    problems(TINY.replace('least-request', 'leest-request')),
    /^tiny\.yaml:5:14: contenders\[0\]: .*least-request/,
  )
  assert.match(
    problems(TINY.replace('mean: 10ms', 'law: uniform')),
    /^tiny\.yaml:3:7: work\.to: missing; uniform needs it/,
  )
  assert.match(problems(TINY.replace('slots: 1', 'slots: 1, cores: 2')), /machines\[0\]\.slots: has cores as well/)
  assert.match(problems(TINY.replace(', slots: 1', '')), /load: there is no such share/)
  assert.match(problems(TINY.replace('share: 0.5', 'share: 0.5, rate: 3')), /load: has rate and share; write one of/)
  assert.match(
    problems(`${TINY}changes: [{ at: 1s, machines: [2] }]\n`),
    /changes\[0\]\.machines: there is no machine 2; they go from 0 to 1/,
  )
  assert.match(problems(`${TINY}fleet: { nodes: 9 }\nagents: true\n`), /agents: run on 4 nodes at most, there are 9/)
  assert.match(
    problems(TINY.replace('least-request', '{ rule: c3, hears: true }')),
    /contenders\[0\]: has hears, which is for policies/,
  )
  assert.match(problems(`${TINY}colour: red\n`), /^tiny\.yaml:6:1: colour: /)
  assert.match(problems('title: [\n'), /not YAML/)
})

test('a scenario that is not there names those that are', async () => {
  const read = await readScenario('timelikes')
  assert.ok('problems' in read)
  assert.match(read.problems, /Cannot read scenario timelikes: there is none; there are .*timelike/)
})

test('a sweep is the same again for each of its values', () => {
  const read = parseScenario(`${TINY}sweep: { threads: [1, 4] }\n`)
  assert.ok('text' in read)
  assert.deepEqual(
    pointsOf(read.text).map(({ label, scenario }) => [label, scenario.fleet.threads]),
    [
      ['1', 1],
      ['4', 4],
    ],
  )
})
