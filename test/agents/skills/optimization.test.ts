import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../agents/kit/grammar/directive.ts'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import { latenciesCounted, tunableChanged, tunableProposed } from '../../../agents/signals.ts'
import { fitElsewhere, STEPS_HERE_MAX } from '../../../agents/skills/forecasts/fits/fit-pool.ts'
import { stepsOf } from '../../../agents/skills/forecasts/fits/fit-task.ts'
import { type RecordedSecond, sweepHalfLives } from '../../../agents/skills/forecasts/fits/sweep-half-lives.ts'
import { performanceOptimization } from '../../../agents/skills/forecasts/performance-optimization.ts'
import { tinyWorld } from '../../support/tiny-world.ts'
import { run, signal } from '../kit/run/tiny-runner.ts'

/** Latencies about one, as they are spread: 40 of them, the longest five times the middle one. */
const SPREAD = Array.from({ length: 40 }, (_, i) =>
  Math.exp(0.8 * Math.sqrt(2) * Math.tan(((i + 0.5) / 40 - 0.5) * 2.6) * 0.4),
)

const pairsOf = (us: number): number[] => SPREAD.flatMap(x => [bucketOf(Math.round(us * x)), 5])

/** How long each of two endpoints takes, µs, when they take turns of so many seconds at being slow. */
const turnOf = (second: number, turnS: number): readonly [number, number] =>
  Math.floor(second / turnS) % 2 === 0 ? [40_000, 10_000] : [10_000, 40_000]

function turns(seconds: number, turnS: number): RecordedSecond[][] {
  return Array.from({ length: seconds }, (_, second) =>
    turnOf(second, turnS).map((us, endpoint) => ({ endpoint, pairs: pairsOf(us) })),
  )
}

const VALUES = [500, 1000, 4000]

test('a sweep judges values on what was recorded: where endpoints change fast, who forgets fast would have done better (AC-20)', () => {
  const swept = sweepHalfLives({ service: 'api', inForce: 4000, values: VALUES, seconds: turns(60, 15) })
  assert.equal(swept.best, 500)
  assert.ok(swept.p99UsBest < 0.95 * swept.p99UsInForce, JSON.stringify(swept))
  const still = sweepHalfLives({ service: 'api', inForce: 1000, values: VALUES, seconds: turns(60, 1e9) })
  assert.equal(still.best, 1000, 'where nothing changes nothing is better')
})

test('a large fit is done in a thread of Piscina, and comes to the same; a signal ends it', async () => {
  const values = Array.from({ length: 1440 }, (_, i) => 100 + 50 * Math.sin((i / 60) * 2 * Math.PI))
  const series = Array.from({ length: 6 }, (_, i) => ({ service: `s${i}`, period: 60, values }))
  const large = { kind: 'seasonal', series } as const
  assert.ok(stepsOf(large) > STEPS_HERE_MAX)
  const [small] = await fitElsewhere({ kind: 'seasonal', series: series.slice(0, 1) }, new AbortController().signal)
  const fits = await fitElsewhere(large, new AbortController().signal)
  assert.deepEqual(
    fits.map(({ rule }) => rule),
    series.map(() => small!.rule),
  )
  const stop = new AbortController()
  const broken = fitElsewhere({ kind: 'seasonal', series: Array(50).fill(series).flat() }, stop.signal)
  stop.abort()
  await assert.rejects(broken, { name: 'AbortError' })
})

/** The skill over real tables, and what is said of two endpoints each second. */
function world(t: { after(end: () => void): void }) {
  const { attachment, ...tiny } = tinyWorld({ a: {}, b: {} }, { policy: 'adaptive' })
  void tiny
  const rows = attachment.serviceTexts()[0]!.rows
  t.after(() => attachment.close())
  const tuning = performanceOptimization.mount('tuning', { tunable: 'half-life', usual: 1000, values: VALUES })
  const agent = defineAgent({
    ...{ name: 'tuner', role: 'tuner', emits: [tunableChanged], skills: [tuning] },
    start: () => stay(null),
    decide: state => stay(state),
  })
  const running = run(agent, { edge: { attachment: attachment as never } })
  const second = async (us: readonly [number, number]): Promise<void> => {
    const counts = rows.flatMap((row, i) => {
      const generation = attachment.endpoints.generation(row)
      return SPREAD.map(x => ({ row, generation, bucket: bucketOf(Math.round(us[i as 0 | 1] * x)), count: 5 }))
    })
    running.runner.receive(signal(latenciesCounted.type, { rows: counts }))
    await running.advance(1000)
  }
  const changes = (): unknown[] =>
    running.sent
      .filter(each => tunableChanged.is(each))
      .map(({ data }) => {
        const { before, value } = data as { before: number; value: number }
        return [before, value]
      })
  return { second, changes, ...running }
}

test('a value that wins twice in the shadow is tried, and kept while p99 is not the worse for it (AC-20, SK-3)', async t => {
  const { second, changes } = world(t)
  for (let i = 0; i < 60 * 6; i++) await second(turnOf(i, 15))
  assert.deepEqual(changes(), [[1000, 500]])
})

test('a proposed value is tried at once, and taken back when p99 is worse with it (SK-3)', async t => {
  const { second, changes, runner } = world(t)
  for (let i = 0; i < 70; i++) await second([10_000, 10_000])
  runner.receive(signal(tunableProposed.type, { service: 'api', tunable: 'half-life', value: 4000, by: 'a person' }))
  assert.deepEqual(changes(), [[1000, 4000]])
  for (let i = 0; i < 200; i++) await second([20_000, 20_000])
  assert.deepEqual(changes(), [
    [1000, 4000],
    [4000, 1000],
  ])
})
