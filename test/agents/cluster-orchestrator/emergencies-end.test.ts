import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  emergencyEscalated,
  emergencyRefused,
  emergencyResolved,
  emergencyStarted,
  humanNeeded,
  nodeHealthChanged,
  resourceExhausted,
  sheddingRequested,
} from '../../../agents/signals.ts'
import { broken, dataOf, FOUR, OrchestratorStage } from './stage.ts'

test('of a service with many endpoints each has its turn to be connected to, and those that stay away keep none of the others waiting', async t => {
  const ports = Array.from({ length: 40 }, (_, i) => String(i + 1))
  const gone = new Set(ports.slice(0, 19))
  const endpoints = ports.map(port => ({ id: port, url: `http://127.0.0.1:${port}` }))
  const stage = await OrchestratorStage.of(t, {
    ...{ config: { services: { api: { endpoints } } }, names: ['cluster-orchestrator'], ...broken(gone) },
  })
  const targets = ports.map(port => `api/${port}`).join(', ')
  const { id } = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api', targets })
  await stage.advance(2_000)
  assert.equal(stage.out().length, 12, '30 % of them are kept out')
  await stage.advance(15_000)
  // 21 of 40 can be connected to: fewer than half are out.
  assert.equal(stage.finished(id)?.status, 'done')
  assert.deepEqual(stage.out(), [])
})

test('a shortage that is over does not go on for requests that were as slow before, nor for ever for those that are slow since', async t => {
  const stage = await OrchestratorStage.of(t)
  const memory = { resource: 'memory', used: 0.95, limit: 0.85 } as const
  const go = async (seconds: number, latencyUsP99: number) => {
    for (let i = 0; i < seconds / 5; i++) {
      stage.metrics({ latencyUsP99 })
      await stage.advance(5_000)
    }
  }
  // Three times the goal, and usual there.
  await go(10, 300_000)
  stage.hear(resourceExhausted.of({ ...memory, isOver: true }))
  await go(5, 300_000)
  stage.hear(resourceExhausted.of({ ...memory, isOver: false }))
  await go(40, 310_000)
  assert.equal(stage.told(emergencyResolved.type).length, 1)
  stage.hear(resourceExhausted.of({ ...memory, isOver: true }))
  await go(5, 900_000)
  stage.hear(resourceExhausted.of({ ...memory, isOver: false }))
  await go(280, 900_000)
  assert.equal(stage.told(emergencyResolved.type).length, 1)
  await go(30, 900_000)
  const resolved = dataOf<{ met: string[] }>(stage.told(emergencyResolved.type))
  assert.deepEqual(resolved[1]!.met, ['resources-restored'])
})

test('an emergency that is asked for is of something that somebody reports on, and ends where nothing is amiss', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'], ...broken(new Set()) })
  for (const [type, subject] of [
    ['node_failure', 'n7'],
    ['network_partition', 'p7'],
    ['resource_exhaustion', 'disk'],
  ] as const) {
    const { isTaken, because } = await stage.request('handle_emergency', { type, subject })
    assert.equal(isTaken, false)
    assert.match(because, /^nobody reports on "/)
  }
  const well = await stage.request('handle_emergency', { type: 'resource_exhaustion', subject: 'memory' })
  const none = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api' })
  await stage.advance(35_000)
  assert.deepEqual([stage.finished(well.id)?.status, stage.finished(none.id)?.status], ['done', 'done'])
  const node = { node: 'n7', incarnation: 1, phi: 9, reason: 'a test', from: 'suspect', to: 'alive' } as const
  stage.hear(nodeHealthChanged.of(node))
  await stage.advance(100)
  assert.equal((await stage.request('handle_emergency', { type: 'node_failure', subject: 'n7' })).isTaken, true)
})

test('what there is no room to meet is told, once, and met as soon as there is room', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'] })
  const change = { incarnation: 1, phi: 9, reason: 'silent for 4 s' } as const
  const dies = (node: string) => stage.hear(nodeHealthChanged.of({ ...change, node, from: 'suspect', to: 'dead' }))
  for (let i = 0; i < 32; i++) dies(`n${i}`)
  await stage.advance(1_000)
  dies('last')
  dies('last')
  await stage.advance(1_000)
  const refused = dataOf<{ subject: string; because: string }>(stage.told(emergencyRefused.type))
  assert.deepEqual(
    refused.map(({ subject, because }) => [subject, because]),
    [['last', '32 emergencies are being met']],
  )
  stage.hear(nodeHealthChanged.of({ ...change, node: 'n0', from: 'dead', to: 'alive' }))
  await stage.advance(2_000)
  dies('last')
  await stage.advance(1_000)
  assert.equal(dataOf<{ subject: string }>(stage.told(emergencyStarted.type)).at(-1)!.subject, 'last')
})

test('what is called off takes back what it did: nobody is kept out, nothing is turned away', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'], ...broken(new Set(['1'])) })
  const failure = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api/a' })
  const window = await stage.request('maintenance_window', { targets: 'api/b', duration: '1h' })
  stage.hear(resourceExhausted.of({ resource: 'memory', used: 0.95, limit: 0.85, isOver: true }))
  await stage.advance(3_000)
  assert.deepEqual(stage.out(), ['a held', 'b held'])
  const shortage = (await stage.list()).operations.find(({ options }) => options.subject === 'memory')!
  for (const { id } of [failure, window, shortage]) assert.equal((await stage.cancel(id)).isTaken, true)
  await stage.advance(2_000)
  assert.deepEqual(stage.out(), [])
  const { status, because } = stage.finished(window.id)!
  assert.deepEqual([status, because], ['aborted', 'called off by test'])
  assert.equal(stage.finished(failure.id)!.status, 'aborted')
  const shed = dataOf<{ forMs: number }>(stage.told(sheddingRequested.type)).slice(-2)
  assert.deepEqual(
    shed.map(({ forMs }) => forMs),
    [0, 0],
  )
  assert.match((await stage.cancel(window.id)).because, /it has ended, as aborted/)
  assert.equal((await stage.cancel('none')).isKnown, false)
})

test('a scale hook that does not take what it is told is said, and a person is called', async t => {
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { scale: { hook: { url: 'http://127.0.0.1:7/' } } } } }
  const stage = await OrchestratorStage.of(t, {
    config,
    actions: { 'call-hook': ({ about }) => ({ about, isTaken: false, reason: '503' }) },
  })
  stage.hear(resourceExhausted.of({ resource: 'memory', used: 0.95, limit: 0.85, isOver: true }))
  await stage.advance(1_000)
  const [escalated] = dataOf<{ level: number; because: string }>(stage.told(emergencyEscalated.type))
  assert.deepEqual([escalated!.level, escalated!.because], [1, 'the scale hook has not taken it: 503'])
  const { actions } = (await stage.list()).operations[0]!.after
  assert.match(actions!, /scale-up: the scale hook is told; .*; the scale hook has not taken it: 503$/)
  assert.equal(stage.told(humanNeeded.type).length, 1)
})
