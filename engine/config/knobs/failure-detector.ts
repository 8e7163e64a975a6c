import { agentKnobs } from './enabled.ts'

export const failureDetectorKnobs = agentKnobs({})
