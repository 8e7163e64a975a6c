import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../../engine/config/parse.ts'
import { printConfig } from '../../../engine/config/print.ts'

function read(knobs: string) {
  return parseConfig(`services: { api: {} }\nagents: { health-monitor: ${knobs} }`, { env: {} })
}

function knobsOf(knobs: string) {
  const result = read(knobs)
  if ('problems' in result) assert.fail(result.problems.map(({ message }) => message).join('\n'))
  return result.config
}

function faultsOf(knobs: string): string[] {
  const result = read(knobs)
  return 'problems' in result ? result.problems.map(({ message }) => message) : []
}

test('health monitor: what is not written is as it says itself', () => {
  const { autoRecovery, alerts, quarantine, recovery, escalation } = knobsOf('{}').agents['health-monitor']
  assert.deepEqual([autoRecovery, alerts], [true, []])
  assert.deepEqual(
    { quarantine, recovery, escalation },
    {
      quarantine: {
        ...{ failed: 60_000, flapping: 120_000, anomaly: 30_000, security: 600_000, longest: 1_800_000 },
        ...{ passes: 3, agreement: 30_000, flaps: 3 },
      },
      recovery: { attempts: 3, backOff: 10_000, coolDown: 30_000 },
      escalation: { orchestratorAfter: 60_000, operatorAfter: 300_000, pageAfter: 900_000, repeats: 3 },
    },
  )
})

const FULL = `
  autoRecovery: false
  alerts:
    - { name: slow, metric: response-time, op: above, threshold: 250, for: 5s, severity: critical, cooldown: 2m }
    - { name: busy, metric: cpu, op: above, threshold: 0.7 }
  quarantine: { failed: 10s, flapping: 20s, anomaly: 5s, security: 1h, longest: 2h, passes: 5, agreement: 3s, flaps: 0 }
  recovery:
    attempts: 1
    backOff: 0
    coolDown: 1m
    restart: { url: "https://ops.example/restart?who=me", secretFile: /run/secret }
    certificate: { url: "http://ops.example:8080/" }
  escalation:
    orchestratorAfter: 1s
    operatorAfter: 2s
    pageAfter: 3s
    repeats: 9
    operator: { url: "http://ops.example/operator" }
    page: { url: "http://ops.example/page" }
`

test('health monitor: every knob is read in base units, and printed as it can be read again', () => {
  const text = `services: { api: {} }\nagents:\n  health-monitor:${FULL.replaceAll('\n', '\n  ')}`
  const result = parseConfig(text, { env: {} })
  if ('problems' in result) assert.fail(result.problems.map(({ message }) => message).join('\n'))
  const monitor = result.config.agents['health-monitor']
  assert.deepEqual(monitor.alerts, [
    {
      ...{ name: 'slow', metric: 'response-time', op: 'above', threshold: 250, for: 5_000 },
      ...{ severity: 'critical', cooldown: 120_000 },
    },
    { name: 'busy', metric: 'cpu', op: 'above', threshold: 0.7, for: 0, severity: 'info', cooldown: 60_000 },
  ])
  assert.deepEqual(monitor.recovery.restart, {
    url: 'https://ops.example/restart?who=me',
    secretFile: '/run/secret',
  })
  assert.deepEqual(monitor.escalation.page, { url: 'http://ops.example/page' })
  const again = parseConfig(printConfig(result.config), { env: {} })
  assert.ok('config' in again)
  assert.deepEqual(again.config.agents['health-monitor'], monitor)
})

test('health monitor: what cannot be is refused with what to write instead', () => {
  assert.match(
    faultsOf('{ alerts: [{ name: a, metric: load, op: above, threshold: 1 }] }')[0]!,
    /"load" is not a metric/,
  )
  assert.match(faultsOf('{ alerts: [{ name: a, metric: cpu, op: over, threshold: 1 }] }')[0]!, /is not a comparison/)
  assert.match(faultsOf('{ alerts: [{ metric: cpu, op: above, threshold: 1 }] }')[0]!, /missing/)
  const many = Array.from({ length: 65 }, (_, i) => `{ name: r${i}, metric: cpu, op: above, threshold: 1 }`).join(', ')
  assert.match(faultsOf(`{ alerts: [${many}] }`)[0]!, /65 rules; write 64 at most/)
  assert.match(faultsOf('{ recovery: { restart: { url: "ops.example" } } }')[0]!, /is not a url/)
  const secret = faultsOf('{ escalation: { page: { url: "http://me:s3cret@ops.example/" } } }')[0]!
  assert.match(secret, /carries a user name or password/)
  assert.doesNotMatch(secret, /s3cret/)
  assert.match(faultsOf('{ quarantine: { passes: 0 } }')[0]!, /out of range/)
})
