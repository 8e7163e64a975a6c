import { agentKnobs } from './enabled.ts'

export const metricsCollectorKnobs = agentKnobs({})
