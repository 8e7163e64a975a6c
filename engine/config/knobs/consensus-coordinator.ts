import { agentKnobs } from './enabled.ts'

export const consensusCoordinatorKnobs = agentKnobs({})
