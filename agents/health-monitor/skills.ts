import { healthCoordination } from '../skills/health-coordination.ts'
import { quarantine } from '../skills/quarantine.ts'

/** Keeps endpoints out. */
export const quarantining = quarantine.mount('quarantine', undefined)

/** Agrees with the monitors of other nodes. */
export const coordinating = healthCoordination.mount('coordination', { role: 'health-monitor' })

/** What the health monitor does about what it finds. */
export const SKILLS = [quarantining, coordinating]
