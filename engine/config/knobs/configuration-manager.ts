import { agentKnobs } from './enabled.ts'

export const configurationManagerKnobs = agentKnobs({})
