import { agentKnobs } from './enabled.ts'

export const clusterOrchestratorKnobs = agentKnobs({})
