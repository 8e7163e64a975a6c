import { agentKnobs } from './enabled.ts'

export const healthMonitorKnobs = agentKnobs({})
