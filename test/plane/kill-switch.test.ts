import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PICK } from '../../engine/index.ts'
import { SWITCH_NAMES, switchAgent } from '../../engine/memory/agent-switches.ts'
import { barNames, DEGRADED, EJECTED, HELD, ISOLATED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { HEALTH_DEGRADED } from '../../engine/memory/endpoint-table.ts'
import { SWITCHED_OFF_AT } from '../../engine/memory/layout.ts'
import { freeSeat, takeSeat } from '../../engine/memory/seats.ts'
import { disableAgent, enableAgent, isAgentEnabled } from '../../engine/router/agent-switch.ts'
import { reportService } from '../../engine/router/report.ts'
import { reportText } from '../../engine/router/report-text.ts'
import type { Router } from '../../engine/router/router.ts'
import { adminWorld } from '../admin/admin-world.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { many } from './plane-world.ts'

/** How often each endpoint is picked, and settled at once. */
function shares(router: Router, picks: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const ticket = router.pick()
    const { id } = router.endpoint(ticket)
    counts[id] = (counts[id] ?? 0) + 1
    router.settle(ticket, 'ok', 1000)
  }
  return counts
}

for (const [name, bar] of [
  ['failure-detector', EJECTED],
  ['health-monitor', UNHEALTHY],
  ['health-monitor', ISOLATED],
  ['control-plane', HELD],
] as const) {
  test(`${name} off: ${barNames(bar)[0]} is not seen by the next pick of any thread; on: it is`, t => {
    const world = tinyWorld(many(4), { policy: 'round-robin' })
    t.after(() => world.close())
    const routers = [world.router, world.routerOf(world.another())]
    world.bar('e0', bar)
    for (const router of routers) assert.deepEqual(Object.keys(shares(router, 12)).length, 3)
    disableAgent(world.attachment, name)
    for (const router of routers) assert.deepEqual(shares(router, 12), { e0: 3, e1: 3, e2: 3, e3: 3 })
    enableAgent(world.attachment, name)
    for (const router of routers) assert.equal(shares(router, 12).e0, undefined)
  })
}

test('an agent off leaves what the others say', t => {
  const world = tinyWorld(many(4), { policy: 'round-robin' })
  t.after(() => world.close())
  world.bar('e0', EJECTED)
  world.bar('e1', UNHEALTHY | EJECTED)
  disableAgent(world.attachment, 'failure-detector')
  assert.deepEqual(Object.keys(shares(world.router, 12)).sort(), ['e0', 'e2', 'e3'])
})

test('health-monitor off: who it calls degraded is as good as any', t => {
  const world = tinyWorld(many(2), { policy: 'round-robin' })
  t.after(() => world.close())
  world.endpoints.setHealth(world.row('e0'), HEALTH_DEGRADED)
  assert.deepEqual(shares(world.router, 4), { e1: 4 })
  disableAgent(world.attachment, 'health-monitor')
  assert.deepEqual(shares(world.router, 4), { e0: 2, e1: 2 })
  assert.equal(world.endpoints.bars(world.row('e0')), DEGRADED, 'the word itself stays')
})

test("load-balancer off: the operator's weights alone, also where it had brought the largest down", t => {
  const world = tinyWorld({ a: { weight: 3 }, b: { weight: 1 } }, { policy: 'weighted-round-robin' })
  t.after(() => world.close())
  world.endpoints.setFactor(world.row('a'), 0.1)
  world.services.refreshPullMax(world.service, world.rows(), world.endpoints)
  disableAgent(world.attachment, 'load-balancer')
  assert.deepEqual(shares(world.router, 40), { a: 30, b: 10 })
  // It does not know, and goes on writing.
  world.endpoints.setFactor(world.row('a'), 1 / 4096)
  world.services.refreshPullMax(world.service, world.rows(), world.endpoints)
  assert.deepEqual(shares(world.router, 40), { a: 30, b: 10 })
  enableAgent(world.attachment, 'load-balancer')
  const after = shares(world.router, 40)
  assert.ok((after.a ?? 0) <= 1, JSON.stringify(after))
})

test('load-balancer off: a limit it learned holds nobody back', t => {
  const world = tinyWorld({ a: {} }, { text: { isAdaptive: true } })
  t.after(() => world.close())
  world.endpoints.setAdaptiveLimit(world.row('a'), 1)
  assert.ok(world.router.pick() >= 0)
  assert.equal(world.router.pick(), PICK.OVERLOADED)
  disableAgent(world.attachment, 'load-balancer')
  assert.ok(world.router.pick() >= 0)
})

test('resource-manager off: what it turns away is let in, and what the operator turns away is not', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  world.services.setShedByAgent(world.service, 1)
  assert.equal(world.router.pick(), PICK.SHED)
  disableAgent(world.attachment, 'resource-manager')
  assert.ok(world.router.pick() >= 0)
  enableAgent(world.attachment, 'resource-manager')
  world.services.setShedByAgent(world.service, 0)
  world.services.setAdmitted(world.service, 1)
  assert.equal(world.router.pick(), PICK.OVERLOADED)
  world.services.setShedFrom(world.service, 1)
  disableAgent(world.attachment, 'resource-manager')
  assert.equal(world.router.pick(), PICK.SHED)
  world.services.setShedFrom(world.service, 0)
  assert.ok(world.router.pick() >= 0)
})

test('forecasts and reported loads are nothing to who is told that they do not count', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const row = world.row('a')
  world.endpoints.setForecast(row, 500, 7)
  world.endpoints.setUtilisation(row, 0.5)
  const candidates = world.candidates(Candidates)
  const heard = (): number[] => [candidates.forecastUs(row), candidates.utilisationQ12(row)]
  assert.deepEqual(heard(), [500, 2049])
  const switchOff = (name: string): void => {
    switchAgent(world.region, name, false)
    candidates.heed(world.region.words[SWITCHED_OFF_AT]!)
  }
  switchOff('load-balancer')
  assert.deepEqual(heard(), [500, 2049], 'neither is its word')
  switchOff('predictor')
  assert.deepEqual(heard(), [0, 2049])
  switchOff('resource-manager')
  assert.deepEqual(heard(), [0, 0])
})

test('in a service of a thousand the very next pick goes by the switch too, within the same tick', t => {
  const world = tinyWorld(many(1000), { policy: 'round-robin', capacity: { rows: 1000 } })
  t.after(() => world.close())
  for (const row of world.rows().slice(1)) world.endpoints.setBar(row, HELD, true)
  // The clock stands: loads of so many are derived once a tick.
  assert.equal(world.pickId(), 'e0')
  disableAgent(world.attachment, 'control-plane')
  const ids = new Set(Array.from({ length: 20 }, () => world.pickId()))
  assert.equal(ids.size, 20)
})

test('a probe goes to an endpoint whose breaker is open and whose ejection does not count', t => {
  const breaker = {
    consecutiveFailures: 1,
    errorRate: 0,
    errorRateVolume: 1,
    windowMs: 1000,
    openForMs: 0,
    maxOpenForMs: 0,
    probes: 1,
  }
  const world = tinyWorld({ a: {} }, { text: { breaker }, panicThreshold: 0 })
  t.after(() => world.close())
  world.router.settle(world.router.pick(), 'error', 1)
  world.bar('a', EJECTED)
  assert.equal(world.endpoints.bars(world.row('a')), TRIPPED | EJECTED)
  assert.ok(world.router.pick() < 0)
  world.region.words.fill(world.region.words[16]! + 10, 16, 17)
  disableAgent(world.attachment, 'failure-detector')
  assert.ok(world.router.pick() >= 0)
})

test('who dies between the switch and telling of it is told for when its seat is freed', t => {
  const world = tinyWorld(many(2), { policy: 'round-robin' })
  t.after(() => world.close())
  world.bar('e0', EJECTED)
  assert.deepEqual(shares(world.router, 2), { e1: 2 })
  const seat = takeSeat(world.region)
  Atomics.or(world.region.words, SWITCHED_OFF_AT, EJECTED)
  freeSeat(world.region, seat)
  assert.deepEqual(shares(world.router, 2), { e0: 1, e1: 1 })
})

test('explain says whose words do not count, and what would stand against an endpoint', t => {
  const world = tinyWorld(many(2))
  t.after(() => world.close())
  world.bar('e0', EJECTED)
  disableAgent(world.attachment, 'failure-detector')
  const report = reportService(world.attachment, 'api')
  const [e0] = report.endpoints
  assert.deepEqual(
    [report.switchedOff, e0!.bars, e0!.ignored, e0!.isPickable],
    [['failure-detector'], [], ['ejected'], true],
  )
  assert.equal(e0!.why, 'picked with weight 1; ejected by an agent that is switched off')
  assert.match(reportText(report), /\n {2}switched off, what it wrote does not count: failure-detector\n/)
})

test('a name without a switch is refused with the names there are', t => {
  const world = tinyWorld(many(1))
  t.after(() => world.close())
  for (const name of ['load-balancers', '__proto__', 'toString']) {
    assert.throws(() => disableAgent(world.attachment, name), /SBX_AGENT_UNKNOWN|use one of health-monitor, /)
    assert.equal(isAgentEnabled(world.attachment, name), true)
  }
})

test('POST /api/v1/agents/:name/disable and enable work the switch; /agents, /metrics and explain show it', async t => {
  const { box, ask } = await adminWorld(t)
  const post = async (path: string) => ask(`/api/v1/agents/${path}`, { method: 'POST' })
  assert.deepEqual((await post('failure-detector/disable')).json, { name: 'failure-detector', isEnabled: false })
  assert.deepEqual((await ask('/api/v1/agents')).json.switchedOff, ['failure-detector'])
  const enabled = async (): Promise<Record<string, number>> => {
    const { text } = await ask('/metrics')
    const samples = text.matchAll(/^signalbox_agent_enabled\{agent="([^"]+)"\} (\d)$/gm)
    return Object.fromEntries(Array.from(samples, ([, name, value]) => [name, Number(value)]))
  }
  const all = Object.fromEntries(SWITCH_NAMES.map(name => [name, 1]))
  assert.deepEqual(await enabled(), { ...all, 'failure-detector': 0 })
  assert.deepEqual((await ask('/api/v1/explain/api')).json.switchedOff, ['failure-detector'])
  assert.equal(box.isAgentEnabled('failure-detector'), false)
  assert.deepEqual((await post('failure-detector/enable')).json, { name: 'failure-detector', isEnabled: true })
  assert.deepEqual(await enabled(), all)
  const unknown = await post('nobody/disable')
  assert.deepEqual([unknown.status, unknown.json.error.code], [404, 'SBX_AGENT_UNKNOWN'])
})
