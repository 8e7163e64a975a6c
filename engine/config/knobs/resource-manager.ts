import { agentKnobs } from './enabled.ts'

export const resourceManagerKnobs = agentKnobs({})
