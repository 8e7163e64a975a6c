import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { reply, stay } from '../../../agents/kit/grammar/directive.ts'
import { policyRequested, policyTaken } from '../../../agents/signals.ts'
import { broken, FOUR, OrchestratorStage } from './stage.ts'

const CHECKED = {
  services: { api: { ...FOUR.services.api, healthCheck: { path: '/', interval: '1s', timeout: '500ms' } } },
}
const WITH_CHECKS = ['health-monitor', 'load-balancer', 'consensus-coordinator', 'cluster-orchestrator']

test('scale_cluster takes back all that it added, be it more than there was', async t => {
  const ports = Array.from({ length: 8 }, (_, i) => String(20 + i))
  const config = { ...CHECKED, agents: { 'cluster-orchestrator': { scale: { timeout: '10s' } } } }
  const stage = await OrchestratorStage.of(t, { config, names: WITH_CHECKS, ...broken(new Set(ports)) })
  const add = ports.map(port => `http://127.0.0.1:${port}`).join(', ')
  const { id } = await stage.request('scale_cluster', { service: 'api', add })
  await stage.advance(5_000)
  assert.equal(stage.box.explain('api').endpoints.length, 12)
  await stage.advance(10_000)
  assert.equal(stage.finished(id)!.status, 'failed')
  assert.equal(stage.box.explain('api').endpoints.length, 4)
})

test('optimize_performance that cannot take back what made it worse has failed, and says what stays', async t => {
  const changing = defineAgent({
    ...{ name: 'load-balancer', role: 'load-balancer', listens: [policyRequested], emits: [policyTaken] },
    start: () => stay(0),
    decide(times, signal) {
      const { service, policy } = signal.data
      const refused = times > 0 ? 'a test' : ''
      const taken = policyTaken.of({ service, policy, before: 'round-robin', refused })
      return { state: times + 1, directives: [reply(signal, taken)] }
    },
  })
  const stage = await OrchestratorStage.of(t, { agents: { 'load-balancer': changing } })
  stage.metrics({ latencyUsP99: 300_000 })
  const { id } = await stage.request('optimize_performance')
  await stage.advance(78_000)
  stage.metrics({ latencyUsP99: 400_000 })
  await stage.advance(8_000)
  assert.equal(stage.finished(id), undefined, 'it is asked for again')
  assert.equal((await stage.list(id)).operations[0]!.stage, 'undo')
  await stage.advance(125_000)
  const { status, because } = stage.finished(id)!
  assert.equal(status, 'failed')
  assert.match(because, /p99 of api is worse by 33.33 %; not taken back: load-balancer policy api: a test/)
})
