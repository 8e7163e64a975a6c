import { agentKnobs } from './enabled.ts'
import { incidentKnobs } from './incidents.ts'

export const healthMonitorKnobs = agentKnobs({ ...incidentKnobs })
