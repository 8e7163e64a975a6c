import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { stay, tell } from '../../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { type Draft, defineSignal, type Signal, type SignalOf } from '../../../../agents/kit/grammar/signal.ts'
import {
  allocationPlanned,
  allocationRequested,
  coordinationEnded,
  coordinationRequested,
  coordinationSensed,
  policyTaken,
  rebalanceDone,
  type Task,
} from '../../../../agents/signals.ts'
import { coordination, sessionEnded, sessionWanted } from '../../../../agents/skills/operations/coordination.ts'
import type { Session } from '../../../../agents/skills/operations/session.ts'
import { run } from '../../kit/run/tiny-runner.ts'
import { checkTwoMounts } from '../two-mounts.ts'

const mounted = coordination.mount('coordination', { deadlineMsMax: 60_000 })
const wished = defineSignal('acme.session.wished', { data: trusted<SignalOf<typeof sessionWanted>['data']>() })

const task = (what: Task['what'], subject: string, detail = ''): Task => ({
  role: 'load-balancer',
  what,
  subject,
  detail,
})

function world() {
  const agent = defineAgent({
    ...{
      name: 'orchestrator',
      role: 'orchestrator',
      skills: [mounted],
      listens: [wished, sessionEnded],
      own: [sessionWanted],
    },
    start: () => stay([] as readonly Session[]),
    decide(ended, signal) {
      if (signal.type === 'signalbox.session.ended') return stay([...ended, signal.data.session])
      return signal.type === 'acme.session.wished'
        ? { state: ended, directives: [tell(sessionWanted.of(signal.data))] }
        : stay(ended)
    },
  })
  const { runner, sent, advance } = run(agent)
  let ids = 0
  const hear = (draft: Draft, more: Partial<Signal> = {}): void =>
    void runner.receive({ id: `t${ids++}`, specversion: '1.0', source: '/test', time: '', ...draft, ...more })
  /** Who was asked answers the how-manieth question. */
  const answer = (at: number, draft: Draft): void => hear(draft, { causationid: questions()[at]!.id })
  const questions = (): Signal[] =>
    sent.filter(({ type }) => /service\.(rebalance|policy)$|discovery\.request$/.test(type))
  const ended = () => sent.filter(coordinationEnded.is).map(({ data }) => data)
  return { runner, sent, advance, hear, answer, questions, ended, slice: () => runner.slice(mounted) }
}

const DONE = { unevennessBefore: 0.5, unevennessAfter: 0.1234567 }
const tasks = [task('rebalance', 'api'), task('policy', 'api', 'peak-ewma'), task('rebalance', 'web')]

test('coordination: tasks are asked for all at once, and what came of each is known by the deadline (AC-33, SK-21)', async () => {
  const { hear, questions, answer, ended, advance } = world()
  hear(coordinationRequested.of({ tasks, deadlineMs: 10_000, by: 'test' }))
  assert.equal(questions().length, 3)
  await advance(2_000)
  answer(0, rebalanceDone.of({ service: 'api', ...DONE }))
  answer(1, policyTaken.of({ service: 'api', policy: '', before: 'maglev', refused: 'its keys would move' }))
  await advance(7_900)
  assert.deepEqual(ended(), [], 'one is still waited for')
  await advance(200)
  const [{ id, results }] = ended() as [SignalOf<typeof coordinationEnded>['data']]
  assert.match(id, /^[0-9A-F]{16}$/)
  assert.deepEqual(
    results.map(({ what, subject, status, because, tookMs }) => [what, subject, status, because, tookMs]),
    [
      ['rebalance', 'api', 'done', 'its weights have moved', 2_000],
      ['policy', 'api', 'failed', 'its keys would move', 2_000],
      ['rebalance', 'web', 'silent', 'no answer within 10000 ms', 10_000],
    ],
  )
  assert.deepEqual(results[0]!.figures, { 'unevenness-before': '0.5', 'unevenness-after': '0.1235' })
})

test('coordination: an answer after the deadline is noted as late, as long again (AC-33)', async () => {
  const { hear, answer, slice, advance, ended } = world()
  hear(coordinationRequested.of({ tasks, deadlineMs: 1_000, by: 'test' }))
  await advance(1_500)
  answer(2, rebalanceDone.of({ service: 'web', ...DONE }))
  await advance(100)
  assert.equal(ended().length, 1, 'who asked has its answer, and gets no second one')
  await advance(1_000)
  const [past] = slice().past
  assert.deepEqual(
    past!.results.map(each => each!.status),
    ['silent', 'silent', 'late'],
  )
  assert.deepEqual(slice().sums, { ended: 1, failed: 3, late: 1 })
  assert.equal(slice().open.size, 0)
})

test('coordination: a session ends as soon as all have answered, and each hears of its own', async () => {
  const { hear, answer, runner, advance } = world()
  hear(wished.of({ key: 'one', tasks: [task('rebalance', 'api')], deadlineMs: 5_000 }))
  hear(wished.of({ key: 'two', tasks: [task('rebalance', 'api'), task('rebalance', 'web')], deadlineMs: 5_000 }))
  answer(2, rebalanceDone.of({ service: 'web', ...DONE }))
  answer(0, rebalanceDone.of({ service: 'api', ...DONE }))
  await advance(10)
  assert.deepEqual(
    (runner.state as Session[]).map(({ by }) => by),
    ['one'],
  )
  answer(1, rebalanceDone.of({ service: 'api', ...DONE }))
  await advance(10)
  assert.deepEqual(
    (runner.state as Session[]).map(({ by }) => by),
    ['one', 'two'],
  )
})

test('coordination: an answer counts for the question it answers, whoever else was silent about the same', async () => {
  const { hear, answer, runner, slice, advance } = world()
  const wish = { tasks: [task('rebalance', 'api')], deadlineMs: 5_000 }
  hear(wished.of({ key: 'one', ...wish }))
  await advance(6_000)
  hear(wished.of({ key: 'two', ...wish }))
  answer(1, rebalanceDone.of({ service: 'api', ...DONE }))
  await advance(10)
  const results = (runner.state as Session[]).map(({ by, results }) => [by, results[0]!.status])
  assert.deepEqual(results, [
    ['one', 'silent'],
    ['two', 'done'],
  ])
  answer(0, rebalanceDone.of({ service: 'api', ...DONE }))
  await advance(10)
  assert.equal(slice().sums.late, 1)
})

test('coordination: a plan of where load would go is read for the service it was asked for', async () => {
  const { hear, sent, ended } = world()
  hear(coordinationRequested.of({ tasks: [task('allocate', 'api')], deadlineMs: 5_000, by: 'test' }))
  const question = sent.find(allocationRequested.is)!
  const plan = { demand: 10, shortage: 0, costPerHour: 12.5, goalPerHour: 100, isWithinGoal: true, endpoints: [] }
  hear(allocationPlanned.of({ services: [{ service: 'api', ...plan }] }), { causationid: question.id })
  assert.deepEqual(ended()[0]!.results[0]!.figures, { shortage: '0', 'cost-per-hour': '12.5' })
})

test('coordination: without tasks, or without room for a session, the answer comes at once and says so', async () => {
  const { hear, ended, advance } = world()
  hear(coordinationRequested.of({ tasks: [], deadlineMs: 1_000, by: 'test' }))
  assert.deepEqual(ended()[0]!.results, [])
  for (let i = 0; i < 70; i++)
    hear(coordinationRequested.of({ tasks: tasks.slice(0, 1), deadlineMs: 1_000, by: 'test' }))
  assert.deepEqual(
    ended()
      .slice(1)
      .map(({ results }) => results[0]!.status),
    Array(6).fill('silent'),
  )
  await advance(2_500)
  assert.equal(ended().length, 71)
})

test('the agent-coordination sensor tells of sessions that are open, ended, failed and late, where anything has happened (SE-28)', async () => {
  const { hear, sent, answer, advance } = world()
  const sensed = () => sent.filter(coordinationSensed.is).map(({ data }) => data)
  await advance(50_000)
  assert.deepEqual(sensed(), [{ open: 0, ended: 0, failed: 0, late: 0 }])
  hear(coordinationRequested.of({ tasks, deadlineMs: 20_000, by: 'test' }))
  await advance(18_000)
  assert.deepEqual(sensed().at(-1), { open: 1, ended: 0, failed: 0, late: 0 })
  answer(0, rebalanceDone.of({ service: 'api', ...DONE }))
  await advance(5_000)
  answer(2, rebalanceDone.of({ service: 'web', ...DONE }))
  await advance(20_000)
  assert.deepEqual(sensed().at(-1), { open: 0, ended: 1, failed: 2, late: 1 })
})

test('coordination mounted twice keeps two states, and unmounted hears nothing more (SK-21)', () => {
  checkTwoMounts({
    skill: coordination,
    options: [{ deadlineMsMax: 1_000 }, { deadlineMsMax: 2_000 }],
    heard: coordinationRequested.of({ tasks, deadlineMs: 5_000, by: 'test' }),
    of: ({ open }) => [...open.values()].map(({ deadlineMs }) => deadlineMs),
  })
})
