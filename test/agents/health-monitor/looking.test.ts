import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckParams, checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { healthMonitor } from '../../../agents/health-monitor/agent.ts'
import {
  type Examined,
  type ExamineParams,
  examineEndpoint,
} from '../../../agents/health-monitor/examine/examine-endpoint.ts'
import type { Checked } from '../../../agents/health-monitor/signals.ts'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import type { Draft, Signal } from '../../../agents/kit/grammar/signal.ts'
import {
  type Examination,
  endpointExamined,
  healthCheckAnswered,
  healthCheckRequested,
  type Part,
  type Prediction,
  predictionGiven,
  predictionRequested,
  securitySensed,
} from '../../../agents/signals.ts'
import { elapsedMs, HEALTH_DEGRADED, HEALTH_HEALTHY, UNHEALTHY } from '../../../engine/writer.ts'
import { Stage } from '../stage.ts'

const BASIC = { path: '/up', interval: '1s', timeout: '500ms', unhealthyAfter: 2, healthyAfter: 2 }
const EACH_MINUTE = { ...BASIC, comprehensive: { interval: '60s', timeout: '20s' } }

/** A stage whose checks pass unless `failing`, and whose closer looks find what `finds` says at that moment, and take so long. */
function stage(healthCheck: object, ids = ['a'], lookMs = 0) {
  const looks: (ExamineParams & { atMs: number })[] = []
  const checks: number[] = []
  const failing = new Set<string>()
  let found: Part['verdict'] = 'passed'
  let isCritical = false
  const check = {
    ...checkEndpoint,
    run: ({ row, generation, round, id }: CheckParams): Checked => {
      checks.push(elapsedMs(world.clock.now(), world.bootMs))
      return {
        row,
        generation,
        round,
        verdict: failing.has(id!) ? 'failed' : 'passed',
        reason: 'as told',
        isLate: false,
        tookMs: 3,
      }
    },
  }
  const examine = {
    ...examineEndpoint,
    run: (params: ExamineParams, edge: Edge): Examined | Promise<Examined> => {
      looks.push({ ...params, atMs: elapsedMs(world.clock.now(), world.bootMs) })
      const part: Part = {
        part: 'application',
        verdict: found,
        isCritical,
        score: 0,
        reason: 'as told',
        tookMs: 1,
        figures: {},
      }
      const examined = { ticket: params.ticket, parts: [part], dependencies: [], tookMs: lookMs || 1 }
      return lookMs === 0 ? examined : new Promise(resolve => void edge.later(lookMs, () => resolve(examined)))
    },
  }
  const world = new Stage(healthMonitor, { healthCheck }, ids, [check, examine])
  const finds = (verdict: Part['verdict'], critical = false): void => {
    found = verdict
    isCritical = critical
  }
  const told = <Body>(type: string): (Signal & { data: Body })[] =>
    world.sent.filter(each => each.type === type) as (Signal & { data: Body })[]
  const answers = () =>
    told<ReturnType<typeof healthCheckAnswered.of>['data']>(healthCheckAnswered.type).map(({ data }) => data)
  const examinations = () => told<Examination>(endpointExamined.type).map(({ data }) => data)
  return { world, looks, checks, failing, finds, told, answers, examinations }
}

test('an endpoint that is new is checked at once, and may be picked meanwhile: unknown is no bar (D4)', async () => {
  const { world, checks } = stage(BASIC)
  world.start()
  assert.deepEqual([world.row('a').health, world.row('a').bars], [0, 0])
  await world.advance(1)
  assert.deepEqual(checks, [0])
  const { joinedMs } = world.add('b')
  await world.advance(110)
  assert.ok(checks.length >= 2 && elapsedMs(world.clock.now(), joinedMs) <= 110)
})

test('closer looks recur at their interval, the first some time within it; what they find is told (AG-3)', async () => {
  const { world, looks, examinations } = stage(EACH_MINUTE)
  world.start()
  await world.advance(60_000, 10)
  assert.equal(looks.length, 1)
  const { kind, path, timeoutMs, url, thresholds } = looks[0]!
  assert.deepEqual(
    { kind, path, timeoutMs, url },
    { kind: 'comprehensive', path: '/up', timeoutMs: 20_000, url: 'http://a.test:80' },
  )
  assert.deepEqual(thresholds, { cpu: 0.8, memory: 0.85, disk: 0.85, network: 0.85 })
  await world.advance(120_000, 10)
  const gaps = looks.slice(1).map(({ atMs }, i) => atMs - looks[i]!.atMs)
  for (const gap of gaps) assert.ok(gap >= 54_000 && gap <= 66_100, `${gap} ms between two looks`)
  assert.equal(examinations().length, looks.length)
  assert.deepEqual([examinations()[0]!.verdict, examinations()[0]!.id], ['healthy', 'a'])
})

test('after a look that found something the next is due in a quarter of the time, and the endpoint is degraded until then (AG-3)', async () => {
  const { world, looks, finds } = stage(EACH_MINUTE)
  finds('failed')
  world.start()
  await world.advance(60_000, 10)
  assert.equal(world.row('a').health, HEALTH_DEGRADED, 'though basic checks pass')
  finds('passed')
  const before = looks.length
  await world.advance(17_000, 10)
  assert.ok(looks.length > before)
  await world.advance(1_100, 10)
  assert.equal(world.row('a').health, HEALTH_HEALTHY)
})

test('a reload while a look is under way leaves one chain of looks, and what that look found does not count', async () => {
  const often = { ...BASIC, comprehensive: { interval: '10s', timeout: '5s' } }
  const { world, looks, finds } = stage(often, ['a'], 1_000)
  world.start()
  while (looks.length < 2) await world.advance(10, 10)
  finds('failed', true)
  const { length } = looks
  while (looks.length === length) await world.advance(10, 10)
  finds('passed')
  world.reload({ healthCheck: { ...often, path: '/ready' } })
  await world.advance(1_500, 10)
  assert.equal(world.row('a').health, HEALTH_HEALTHY)
  const before = looks.length
  await world.advance(128_500, 10)
  // Each takes 1 s and the next is due 10 to 11 s later: 11 or 12 in 128.5 s, and one more or less for where the first is.
  const more = looks.length - before
  assert.ok(more >= 10 && more <= 13, `${more} looks`)
})

test('a look that failed counts as a failed check (AG-3)', async () => {
  const { world, finds } = stage({ ...EACH_MINUTE, unhealthyAfter: 1 })
  finds('failed', true)
  world.start()
  let isOut = false
  for (let i = 0; i < 60 && !isOut; i++) {
    await world.advance(1_000, 10)
    isOut = (world.row('a').bars & UNHEALTHY) !== 0
  }
  assert.ok(isOut)
})

test('without comprehensive looks in the config there are none but those that are asked for (AG-3)', async () => {
  const { world, looks } = stage(BASIC)
  world.start()
  await world.advance(600_000, 100)
  assert.equal(looks.length, 0)
})

test('that checks of an endpoint were turned away is not held against who has its row next', async () => {
  const { world, looks } = stage(EACH_MINUTE)
  world.start()
  await world.advance(100)
  const { row, generation } = world.row('a')
  world.hear(securitySensed.of({ rows: [{ row, generation, isTrusted: null, daysLeft: null, refusals: 3 }] }))
  const seen = async (id: string): Promise<number> => {
    world.hear(healthCheckRequested.of({ service: 'api', id, kind: 'comprehensive' }))
    await world.advance(100)
    return looks.at(-1)!.refusals.seen
  }
  assert.equal(await seen('a'), 3)
  world.remove('a')
  world.add('b', { row })
  await world.advance(200)
  assert.equal(await seen('b'), 0)
})

test('whoever asks how an endpoint is gets what a look of the kind has found, and what is known besides (AC-24)', async () => {
  const { world, looks, finds, answers } = stage({ ...BASIC, deep: { path: '/shop', timeout: '9s' } })
  world.start()
  await world.advance(1_000, 10)
  for (const kind of ['basic', 'comprehensive', 'deep'])
    world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind }))
  await world.advance(1)
  assert.deepEqual(
    looks.map(({ kind, timeoutMs, requestPath }) => [kind, timeoutMs, requestPath]),
    [
      ['basic', 500, '/shop'],
      ['comprehensive', 30_000, '/shop'],
      ['deep', 9_000, '/shop'],
    ],
  )
  const [basic, , deep] = answers()
  assert.deepEqual([basic!.error, basic!.examination?.verdict, basic!.standing?.word], [null, 'healthy', 'healthy'])
  const baseline = deep!.examination!.parts.find(({ part }) => part === 'baseline')!
  assert.deepEqual([baseline.verdict, baseline.reason], ['skipped', 'No baseline available for comparison'])
  // One that was asked for, where they do not recur, is told and does not count.
  finds('failed', true)
  world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind: 'comprehensive' }))
  await world.advance(1)
  assert.equal(answers().at(-1)!.examination?.verdict, 'failed')
  assert.equal(world.row('a').health, HEALTH_HEALTHY)
})

test('a kind of check that there is not is answered as that, and an endpoint that there is not too (AC-24)', async () => {
  const { world, answers } = stage(BASIC)
  world.start()
  await world.advance(10)
  world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind: 'thorough' }))
  world.hear(healthCheckRequested.of({ service: 'api', id: 'nobody', kind: 'basic' }))
  world.hear(healthCheckRequested.of({ service: 'constructor', id: 'a', kind: 'basic' }))
  await world.advance(1)
  assert.deepEqual(
    answers().map(({ kind, error, examination }) => [kind, error, examination]),
    [
      ['thorough', 'unsupported_check_type', null],
      ['basic', 'unknown_endpoint', null],
      ['basic', 'unknown_endpoint', null],
    ],
  )
})

test('a service without healthCheck is looked at when somebody asks', async () => {
  const { world, looks, answers } = stage(BASIC)
  world.start()
  world.reload({})
  await world.advance(200)
  world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind: 'comprehensive' }))
  await world.advance(1)
  assert.deepEqual(
    [looks[0]!.path, looks[0]!.timeoutMs, answers()[0]!.examination?.verdict],
    ['/healthz', 30_000, 'healthy'],
  )
})

test('a predictive look asks the predictor, and says what it expects; without an answer in time that is what it found (AC-24)', async () => {
  const { world, told, examinations, answers } = stage({ ...BASIC, predictive: { interval: '10s', timeout: '2s' } })
  world.start()
  await world.advance(10_000, 10)
  const [asked] = told<object>(predictionRequested.type)
  assert.deepEqual(asked!.data, { service: 'api', id: 'a' })
  await world.advance(2_100, 10)
  const [late] = examinations()
  assert.deepEqual([late!.kind, late!.verdict, late!.parts[0]!.verdict], ['predictive', 'degraded', 'timeout'])
  assert.equal(world.row('a').health, HEALTH_HEALTHY, 'what may come is not yet')
  world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind: 'predictive' }))
  await world.advance(1)
  const question = told<object>(predictionRequested.type).at(-1)!
  const ref = { row: 0, generation: 1, service: 'api', id: 'a' }
  const expected: Prediction = {
    ...ref,
    what: 'failure',
    probability: 0.9,
    confidence: 0.8,
    etaMs: 5_000,
    reasons: ['latency grows'],
  }
  const answer = predictionGiven.of({
    service: 'api',
    id: 'a',
    predictions: [expected],
    confidence: 0.8,
    because: null,
  })
  world.hear({ ...answer, causationid: question.id } as Draft)
  await world.advance(1)
  const part = answers()[0]!.examination!.parts[0]!
  assert.deepEqual(
    [part.verdict, part.reason, part.figures],
    ['failed', 'failure: latency grows', { probability: 0.9 }],
  )
})

test('where its interval may adapt, a calm endpoint is checked four times less often in the end, and at once more often when it fails (AC-30)', async () => {
  const { world, checks, failing } = stage({ ...BASIC, adaptiveInterval: true })
  world.start()
  await world.advance(400_000, 50)
  const gap = (i: number): number => checks.at(i)! - checks.at(i - 1)!
  assert.ok(gap(-1) > 3_500 && gap(-1) < 4_500, `${gap(-1)} ms when it is calm`)
  failing.add('a')
  const before = checks.length
  await world.advance(4_500, 50)
  failing.clear()
  // The one that fails, and those that follow a quarter of the interval apart.
  assert.ok(checks.length - before >= 2)
  assert.ok(gap(before + 1) <= 330, `${gap(before + 1)} ms when it is suspect`)
  const steady = stage(BASIC)
  steady.world.start()
  await steady.world.advance(300_000, 50)
  const last = steady.checks.at(-1)! - steady.checks.at(-2)!
  assert.ok(last < 1_200, 'otherwise the interval is what it is')
})

test('no more than a thousand and some closer looks wait at a time', async () => {
  const { world, answers } = stage(BASIC)
  world.start()
  await world.advance(10)
  for (let i = 0; i < 1_100; i++) world.hear(healthCheckRequested.of({ service: 'api', id: 'a', kind: 'predictive' }))
  await world.advance(100)
  const refused = answers().filter(({ error }) => error === 'too_many_checks')
  assert.equal(refused.length, 1_100 - 1_024)
})
