import { test } from 'node:test'
import { type Draft, healthAlerted, healthChanged, quarantineRequested, recoveryBegun } from '../../../agents/index.ts'
import { alertResponse } from '../../../agents/skills/incidents/alert-response.ts'
import { alerting } from '../../../agents/skills/incidents/alerting.ts'
import { escalation } from '../../../agents/skills/incidents/escalation.ts'
import { failureRecovery } from '../../../agents/skills/incidents/failure-recovery.ts'
import { healthCoordination } from '../../../agents/skills/incidents/health-coordination.ts'
import { quarantine } from '../../../agents/skills/incidents/quarantine.ts'
import { recoveryOrchestration } from '../../../agents/skills/incidents/recovery-orchestration.ts'
import { createSignalbox } from '../../../engine/index.ts'
import { planeOf } from '../../../engine/plane/plane.ts'
import { HEALTH_HEALTHY } from '../../../engine/writer.ts'
import { checkTwoMounts } from './two-mounts.ts'

const named = { service: 'api', id: 'a' }
const unhealthy = healthChanged.of({
  ...named,
  ...{ row: 0, generation: 1, from: 'healthy', to: 'unhealthy', reason: '503' },
})

function alert(severity: 'warning' | 'critical'): Draft {
  return healthAlerted.of({
    ...{ rule: 'failing', severity, subject: 'api/a', metric: 'error-rate', value: 1, threshold: 0.5, reason: 'x' },
  })
}

test('each skill of the health monitor keeps two states where it is mounted twice, and hears nothing once it is unmounted (SK-2, SK-16, SK-19)', async t => {
  const endpoints = [
    { id: 'a', url: 'http://127.0.0.1:1' },
    { id: 'b', url: 'http://127.0.0.1:2' },
  ]
  const box = await createSignalbox({ services: { api: { endpoints } } })
  t.after(() => box.close())
  box.attachment.endpoints.setHealth(0, HEALTH_HEALTHY)
  const edge = { attachment: planeOf(box.attachment) }
  const role = { role: 'two' }
  checkTwoMounts({
    skill: alerting,
    options: [undefined, undefined],
    heard: unhealthy,
    of: slice => slice.breaches.size,
  })
  checkTwoMounts({
    ...{ skill: alertResponse, options: [undefined, undefined], heard: alert('warning'), edge },
    of: slice => slice.spared.size,
  })
  checkTwoMounts({
    ...{ skill: quarantine, options: [undefined, undefined], edge },
    heard: quarantineRequested.of({ ...named, reason: 'failed', by: 'test' }),
    of: slice => slice.rounds,
  })
  checkTwoMounts({ skill: healthCoordination, options: [role, role], heard: unhealthy, of: slice => slice.own.size })
  checkTwoMounts({
    ...{ skill: recoveryOrchestration, options: [role, role], heard: alert('critical'), edge },
    of: slice => slice.failures.get('api/a')?.phase,
  })
  checkTwoMounts({
    ...{ skill: failureRecovery, options: [undefined, undefined], edge },
    heard: recoveryBegun.of({ ...named, kind: 'errors', because: 'x', fence: 0 }),
    of: slice => slice.repairs.size,
  })
  checkTwoMounts({
    ...{ skill: escalation, options: [undefined, undefined], heard: alert('critical') },
    of: slice => slice.incidents.size,
  })
})
