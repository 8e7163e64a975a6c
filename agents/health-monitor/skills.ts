import { alertResponse } from '../skills/alert-response.ts'
import { alerting } from '../skills/alerting.ts'
import { escalation } from '../skills/escalation.ts'
import { failureRecovery } from '../skills/failure-recovery.ts'
import { healthCoordination } from '../skills/health-coordination.ts'
import { quarantine } from '../skills/quarantine.ts'
import { recoveryOrchestration } from '../skills/recovery-orchestration.ts'

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
