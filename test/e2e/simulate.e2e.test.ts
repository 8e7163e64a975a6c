import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scenarioNames } from '../../native-bench/quality/scenario/scenario.ts'

const SIGNALBOX = fileURLToPath(new URL('../../scripts/signalbox.js', import.meta.url))

function simulate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [SIGNALBOX, 'simulate', ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

test('signalbox simulate FILE prints a table with all contenders, the bound among them, and draws the plot', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-simulate-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'small.yaml')
  writeFileSync(
    file,
    `title: Ten machines
machines: [{ count: 10, slots: 1 }]
work: { mean: 20ms }
load: { share: 0.7 }
warmUp: 1s
span: 5s
sweep: { threads: [1, 4] }
contenders: [oracle, least-request, { policy: random, as: by chance }, haproxy-leastconn]
`,
  )
  const [plot, json] = [join(folder, 'small.svg'), join(folder, 'small.json')]
  const told = await simulate(file, '--seeds', '2', '--plot', plot, '--json', json)
  assert.equal(told.code, 0, told.stderr)
  assert.match(
    told.stdout,
    /^Ten machines\nms, medians of 2 seeds\n\nat 1 +success +mean +p50 +p90 +p99 +p99.9 +× oracle\n/,
  )
  for (const name of ['oracle', '● least-request', '● by chance', 'haproxy-leastconn']) {
    assert.match(told.stdout, new RegExp(`${name} +1?[0-9.]+ % +[0-9.]+ `))
  }
  assert.match(told.stdout, /p99, ms, at 4\n/)
  assert.match(readFileSync(plot, 'utf8'), /^<svg .*<\/svg>\n$/s)
  const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { contender: string; courses: unknown[] }[] }
  assert.equal(results.length, 8)
  assert.ok(results.every(({ courses }) => courses.length === 2))
  assert.deepEqual(
    (await simulate(file, '--seeds', '2')).stdout,
    told.stdout,
    'with the same seeds it is the same again',
  )
})

test('signalbox simulate says what is wrong with a scenario, and exits 2', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-simulate-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'wrong.yaml')
  writeFileSync(file, 'title: wrong\nmachines: [{ slots: one }]\nload: { rate: 1 }\ncontenders: [first]\n')
  const wrong = await simulate(file)
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /wrong\.yaml:2:\d+: machines\[0\]\.slots: .*whole number/)
  const absent = await simulate('no-such-one')
  assert.equal(absent.code, 2)
  assert.match(absent.stderr, /there is none; there are .*timelike/)
  for (const args of [[], ['timelike', '--seeds', 'many'], ['timelike', '--first-seed', '1.5']]) {
    assert.equal((await simulate(...args)).code, 2, args.join(' '))
  }
})

test('signalbox help simulate lists the scenarios there are', async () => {
  const { code, stdout } = await simulate('--help')
  assert.equal(code, 0)
  for (const name of scenarioNames()) assert.ok(stdout.includes(name), name)
})
