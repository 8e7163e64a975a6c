import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestPlaneOptions } from '../../../agents/index.ts'
import {
  discoveryRequested,
  emergencyResolved,
  healthAlerted,
  humanNeeded,
  incidentAcknowledged,
  partitionHealed,
  recoveryRequested,
} from '../../../agents/index.ts'
import { failureOf, procedureOf } from '../../../agents/skills/incidents/failure-procedures.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import { monitorNodes } from './monitor-nodes.ts'
import { dataOf, monitored, PATIENT } from './monitored.ts'

const QUIET = { agents: { 'metrics-collector': null } }
const RESTART = { url: 'http://127.0.0.1:9/restart' }

const alert = (id: string, metric: 'availability' | 'memory' | 'error-rate' | 'certificate-days', reason = '503') =>
  healthAlerted.of(
    { rule: 'test', severity: 'critical', subject: `api/${id}`, metric, value: 1, threshold: 0, reason },
    `api/${id}`,
  )

test('what is wrong with an endpoint decides how it is repaired (AC-4)', () => {
  const of = (metric: Parameters<typeof alert>[1], reason: string) => failureOf(alert('a', metric, reason).data)
  assert.deepEqual(
    [
      of('availability', '503'),
      of('availability', 'ECONNREFUSED'),
      of('availability', 'no answer within 500 ms'),
      of('availability', 'CERT_HAS_EXPIRED'),
      of('error-rate', ''),
      of('memory', ''),
      of('certificate-days', ''),
    ],
    ['failed-check', 'refused', 'refused', 'untrusted', 'errors', 'memory', 'expiring'],
  )
  const { recovery } = validateConfig({ services: { api: {} } }).agents['health-monitor']
  const hooks = { ...recovery, restart: RESTART, certificate: RESTART }
  const steps = (kind: Parameters<typeof procedureOf>[0], knobs: typeof recovery = hooks) =>
    procedureOf(kind, knobs)?.steps.map(step => step.do)
  assert.deepEqual(
    [steps('failed-check'), steps('refused'), steps('untrusted'), steps('errors'), steps('memory'), steps('expiring')],
    [
      [],
      ['refresh-names', 'connect'],
      ['connect'],
      ['wait', 'connect'],
      ['isolate', 'wait', 'call', 'connect', 'release'],
      ['call', 'connect'],
    ],
  )
  assert.deepEqual([steps('memory', recovery), steps('expiring', recovery)], [undefined, undefined], 'nobody could')
  assert.equal(procedureOf('errors', recovery)!.maxAttempts, 3)
})

test('an endpoint that refuses connections has its names looked up, and is repaired when it answers again (AC-4, SK-16)', async t => {
  const { plane, broken, told } = await monitored(t, { ...QUIET, knobs: PATIENT })
  await plane.advance(1_000)
  broken.add('e1')
  await plane.advance(3_000)
  plane.hear(alert('e1', 'availability', 'ECONNREFUSED'))
  await plane.advance(5_000)
  assert.deepEqual(told('endpoint.recovery-ended', 'e1'), [])
  assert.ok(plane.journal.toJsonl().includes(discoveryRequested.type))
  broken.delete('e1')
  // The second attempt, ten seconds after the first.
  await plane.advance(10_000)
  const [ended] = dataOf(told('endpoint.recovery-ended', 'e1'))
  assert.deepEqual([ended!.outcome, ended!.attempts, ended!.kind], ['recovered', 2, 'refused'])
  assert.deepEqual(ended!.tried, [
    'look: its checks fail',
    'refresh-names: done',
    'connect: ECONNREFUSED',
    'refresh-names: done',
    'connect: connected',
    'look: its checks pass',
  ])
})

test('a repair that fails thrice ends, and a person is needed: a fatal line of the log, once (AC-4)', async t => {
  const { plane, broken, told, lines } = await monitored(t, { ...QUIET, knobs: PATIENT })
  await plane.advance(1_000)
  broken.add('e1')
  await plane.advance(3_000)
  plane.hear(alert('e1', 'availability'))
  // Attempts at 0, 10 and 30 s.
  await plane.advance(29_000)
  assert.deepEqual(told('endpoint.recovery-ended', 'e1'), [])
  await plane.advance(2_000)
  const [ended] = dataOf(told('endpoint.recovery-ended', 'e1'))
  assert.deepEqual([ended!.outcome, ended!.attempts], ['failed', 3])
  assert.deepEqual(
    lines.filter(line => line.startsWith('fatal')),
    ['fatal incident human-needed: api/e1'],
  )
})

test('an endpoint whose memory is full is restarted by the hook: kept out first though its checks pass, and let back then (SK-2, AC-4)', async t => {
  const knobs = { ...PATIENT, recovery: { restart: RESTART } }
  const called: { url: string; body: Readonly<Record<string, unknown>> }[] = []
  const outDuring: string[][] = []
  const actions: TestPlaneOptions['actions'] = {
    'call-hook': ({ hook, body, about }) => {
      called.push({ url: hook.url, body })
      outDuring.push(having('isolated'))
      return { about, isTaken: true, reason: '200' }
    },
  }
  const { plane, having, told } = await monitored(t, { ...QUIET, knobs, actions })
  await plane.advance(1_000)
  plane.hear(alert('e1', 'memory', 'as it says itself'))
  assert.deepEqual([having('isolated'), called], [['e1'], []])
  await plane.advance(20_000)
  assert.deepEqual(
    called.map(({ url, body }) => [url, body.subject, body.what]),
    [[RESTART.url, 'api/e1', 'restart']],
  )
  assert.deepEqual([outDuring, having('isolated')], [[['e1']], []])
  assert.equal(dataOf(told('endpoint.recovery-ended', 'e1'))[0]!.outcome, 'recovered')
})

test('requests that fail are seen to have ended by requests that do not, whatever checks say (SK-2, AC-4)', async t => {
  const failing = new Set(['e1', 'e2'])
  const { plane, box, having, told } = await monitored(t, { ...QUIET, endpoints: 10, knobs: PATIENT })
  const router = box.router('api')
  /** Forty requests a second; those to an endpoint that is failing are errors. */
  const go = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      for (let i = 0; i < 40; i++) {
        const ticket = router.pick()
        if (ticket >= 0) router.settle(ticket, failing.has(router.endpoint(ticket).id) ? 'error' : 'ok', 1_000)
      }
      await plane.advance(1_000)
    }
  }
  await go(1)
  for (const id of failing) plane.hear(alert(id, 'error-rate'))
  await go(50)
  assert.deepEqual(having('isolated'), ['e1', 'e2'], 'for its time, for its checks never failed')
  failing.delete('e1')
  await go(45)
  const ended = (id: string) => dataOf(told('endpoint.recovery-ended', id)).map(({ outcome }) => outcome)
  assert.deepEqual([ended('e1'), ended('e2')], [['recovered'], []])
  const { tried } = dataOf(told('endpoint.recovery-ended', 'e1'))[0] as { tried: string[] }
  assert.match(tried.at(-1)!, /^see-requests: 0 of \d+ requests failed$/)
  await go(300)
  assert.deepEqual(ended('e2'), ['failed'])
})

test('a restart that nobody does is taken back: the endpoint is let back, and a person is needed (SK-2)', async t => {
  const knobs = { ...PATIENT, recovery: { restart: RESTART, attempts: 2, backOff: '1s' } }
  const actions = { 'call-hook': ({ about }: { about: string }) => ({ about, isTaken: false, reason: '503' }) }
  const { plane, broken, having, told } = await monitored(t, { ...QUIET, knobs, actions })
  await plane.advance(1_000)
  // Its checks fail, so that nothing but the repair lets it back.
  broken.add('e1')
  plane.hear(alert('e1', 'memory'))
  await plane.advance(10_000)
  assert.deepEqual(having('isolated'), ['e1'])
  await plane.advance(3_000)
  assert.deepEqual(having('isolated'), [])
  const [ended] = dataOf(told('endpoint.recovery-ended', 'e1'))
  assert.equal(ended!.outcome, 'failed')
  assert.equal((ended!.tried as string[]).at(-1), 'taken back: release')
  assert.equal(told('incident.human-needed', 'e1').length, 1)
})

test('without a hook nobody pretends: the repair has failed at once, and says why', async t => {
  const { plane, told } = await monitored(t, { ...QUIET, knobs: PATIENT })
  plane.hear(alert('e1', 'memory', 'it is at 97 %'))
  await plane.advance(100)
  const [ended] = dataOf(told('endpoint.recovery-ended', 'e1'))
  assert.deepEqual([ended!.outcome, ended!.attempts], ['failed', 0])
  assert.equal(ended!.because, 'test: it is at 97 %; the config names nobody who could repair that')
})

test('automatic recovery is on unless the config says no, and then a person is needed at once (D19)', async t => {
  const { autoRecovery } = validateConfig({ services: { api: {} } }).agents['health-monitor']
  assert.equal(autoRecovery, true)
  const { plane, told } = await monitored(t, { ...QUIET, knobs: { ...PATIENT, autoRecovery: false } })
  plane.hear(alert('e1', 'availability'))
  await plane.advance(100)
  assert.equal(dataOf(told('endpoint.recovery-ended', 'e1'))[0]!.outcome, 'off')
  assert.deepEqual(told('endpoint.recovery-begun', 'e1'), [])
  assert.equal(told('incident.human-needed', 'e1').length, 1)
})

test('whoever asks for a repair gets one, without an alert (AC-4)', async t => {
  const { plane, told } = await monitored(t, { ...QUIET })
  plane.hear(recoveryRequested.of({ service: 'api', id: 'e1', kind: 'refused', because: 'asked', by: 'test' }))
  plane.hear(recoveryRequested.of({ service: 'api', id: 'nobody', kind: 'refused', because: 'asked', by: 'test' }))
  await plane.advance(100)
  const tried = (id: string) => dataOf(told('endpoint.recovery-ended', id)).map(each => [each.outcome, each.tried])
  assert.deepEqual(tried('e1'), [['recovered', ['look: its checks pass']]])
  assert.deepEqual(tried('nobody'), [['recovered', ['it has left']]])
})

test('what another agent needs a person for is told outside once, may be acknowledged, and ends when that agent says so', async t => {
  const knobs = {
    ...PATIENT,
    escalation: {
      operator: { url: 'http://127.0.0.1:9/operator' },
      page: { url: 'http://127.0.0.1:9/page' },
      pageAfter: '90s',
    },
  }
  const { plane, told, called } = await monitored(t, { ...QUIET, knobs })
  const needed = (incident: string, subject: string) =>
    plane.hear(humanNeeded.of({ incident, subject, because: 'it is not over after 300 s', tried: ['shed-load'] }))
  needed('A/2', 'api')
  needed('A/2', 'api')
  needed('p1', 'n1')
  await plane.advance(1_000)
  const lines = () => called.map(({ url, body }) => `${new URL(url).pathname} ${body.incident} ${body.level}`)
  assert.deepEqual(lines(), ['/operator A/2 2', '/operator p1 2'])
  plane.hear(incidentAcknowledged.of({ incident: 'p1', by: 'test' }))
  await plane.advance(100_000)
  assert.deepEqual(lines().slice(2), ['/page A/2 3'])
  const shown = () => {
    const { localState } = plane.control.report!('health-monitor') as { localState: { skills: { escalation: object } } }
    return (localState.skills.escalation as { incidents: { id: string }[] }).incidents.map(({ id }) => id)
  }
  assert.deepEqual(shown(), ['A/2', 'p1'])
  plane.hear(emergencyResolved.of({ id: 'A', type: 'node_failure', subject: 'api', met: [], afterMs: 1 }))
  plane.hear(partitionHealed.of({ partition: 'p1', nodes: [], tookMs: 1 }))
  // It is among what the next heartbeat says.
  await plane.advance(10_000)
  assert.deepEqual(shown(), [])
  assert.deepEqual(told('incident.escalated', 'api'), [], 'it is not told again among the agents')
})

test('an incident reaches the orchestrator, the operator and whoever is paged, each once, until it is acknowledged or over', async t => {
  const knobs = {
    ...PATIENT,
    escalation: { operator: { url: 'http://127.0.0.1:9/operator' }, page: { url: 'http://127.0.0.1:9/page' } },
  }
  const { plane, told, called } = await monitored(t, { ...QUIET, knobs })
  const go = async (ids: string[], seconds: number): Promise<void> => {
    for (let at = 0; at < seconds; at += 30) {
      for (const id of ids) plane.hear(alert(id, 'certificate-days', 'two days left'))
      await plane.advance(30_000)
    }
  }
  const levels = (id: string) => dataOf(told('incident.escalated', id)).map(({ level }) => level)
  // Nobody can renew a certificate here: the operator is told at once, the orchestrator before.
  await go(['e1', 'e2'], 30)
  assert.deepEqual(
    [levels('e1'), levels('e2')],
    [
      [1, 2],
      [1, 2],
    ],
  )
  const [{ incident }] = dataOf(told('incident.human-needed', 'e2')) as [{ incident: string }]
  plane.hear(incidentAcknowledged.of({ incident, by: 'test' }))
  await go(['e1', 'e2'], 960)
  assert.deepEqual(
    [levels('e1'), levels('e2')],
    [
      [1, 2, 3],
      [1, 2],
    ],
  )
  assert.deepEqual(
    called.map(({ url, body }) => `${new URL(url).pathname} ${body.subject} ${body.level}`),
    ['/operator api/e1 2', '/operator api/e2 2', '/page api/e1 3'],
  )
  assert.equal(told('incident.human-needed', 'e1').length, 1)
  const shown = plane.control.report!('health-monitor') as { localState: { skills: { escalation: object } } }
  assert.equal((shown.localState.skills.escalation as { needsHuman: boolean }).needsHuman, true)
  // No alert for two and a half cool-downs.
  await plane.advance(151_000)
  assert.deepEqual(
    ['e1', 'e2'].map(id => dataOf(told('incident.resolved', id)).map(({ level }) => level)),
    [[3], [2]],
  )
})

test('an incident of many endpoints is one of their service: nobody reads a thousand', async t => {
  const { plane } = await monitored(t, { ...QUIET, endpoints: 30, knobs: { ...PATIENT, autoRecovery: false } })
  for (let i = 0; i < 30; i++) plane.hear(alert(`e${i}`, 'certificate-days'))
  await plane.advance(1_000)
  const subjects = plane.journal
    .toJsonl()
    .split('\n')
    .filter(line => line.includes('"signalbox.incident.human-needed"'))
    .map(line => (JSON.parse(line) as { signal: { subject: string } }).signal.subject)
  assert.equal(subjects.length, 11)
  assert.equal(subjects.at(-1), 'api')
})

test('of several nodes that find an endpoint dead one repairs it, and where that dies another does (AC-27, SK-16)', async t => {
  const { nodes, advance } = await monitorNodes(t, 3, { knobs: PATIENT })
  for (const { broken } of nodes) broken.add('e1')
  await advance(3_000)
  for (const { plane } of nodes) plane.hear(alert('e1', 'availability', 'ECONNREFUSED'))
  await advance(2_000)
  const begun = nodes.map(({ told }) => told('endpoint.recovery-begun', 'e1').length)
  assert.deepEqual(
    begun.toSorted((a, b) => a - b),
    [0, 0, 1],
  )
  const repairing = begun.indexOf(1)
  for (const [i, { told }] of nodes.entries()) {
    if (i === repairing) continue
    assert.deepEqual(
      told('endpoint.recovery-ended', 'e1').map(({ outcome, tried }) => [outcome, tried]),
      [['elsewhere', [`health-monitor@${nodes[repairing]!.name}`]]],
    )
  }
  // It dies in the middle of it, and the next alert finds nobody at it.
  const rest = nodes.filter((_, i) => i !== repairing)
  await nodes[repairing]!.plane.control.kill('health-monitor')
  await advance(100)
  for (const { plane } of rest) plane.hear(alert('e1', 'availability', 'ECONNREFUSED'))
  await advance(2_000)
  assert.equal(
    rest.reduce((sum, { told }) => sum + told('endpoint.recovery-begun', 'e1').length, 0),
    1,
  )
})
