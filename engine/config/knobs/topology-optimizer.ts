import { agentKnobs } from './enabled.ts'

export const topologyOptimizerKnobs = agentKnobs({})
