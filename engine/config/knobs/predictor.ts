import { agentKnobs } from './enabled.ts'

export const predictorKnobs = agentKnobs({})
