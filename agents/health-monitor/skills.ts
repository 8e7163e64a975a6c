import { quarantine } from '../skills/quarantine.ts'

/** Keeps endpoints out. */
export const quarantining = quarantine.mount('quarantine', undefined)

/** What the health monitor does about what it finds. */
export const SKILLS = [quarantining]
