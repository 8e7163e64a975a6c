import { alertResponse } from '../skills/incidents/alert-response.ts'
import { alerting } from '../skills/incidents/alerting.ts'
import { escalation } from '../skills/incidents/escalation.ts'
import { failureRecovery } from '../skills/incidents/failure-recovery.ts'
import { healthCoordination } from '../skills/incidents/health-coordination.ts'
import { quarantine } from '../skills/incidents/quarantine.ts'
import { recoveryOrchestration } from '../skills/incidents/recovery-orchestration.ts'

const ROLE = 'health-monitor'

/** Agrees with the monitors of other nodes; by it the health monitor votes. */
export const coordinating = healthCoordination.mount('coordination', { role: ROLE })

/**
 * What the health monitor does about what it finds. They hear each other, and what the health monitor itself tells:
 *
 *   figures, verdicts ──▶ alerting ──▶ alert ──┬──▶ response ──▶ quarantine ──▶ coordination ──▶ other nodes
 *                                              ├──▶ orchestration ──▶ recovery
 *                                              └──▶ escalation ◀── what came of it
 */
export const SKILLS = [
  alerting.mount('alerting', undefined),
  alertResponse.mount('alert-response', undefined),
  quarantine.mount('quarantine', undefined),
  coordinating,
  recoveryOrchestration.mount('recovery-orchestration', { role: ROLE }),
  failureRecovery.mount('failure-recovery', undefined),
  escalation.mount('escalation', undefined),
]
