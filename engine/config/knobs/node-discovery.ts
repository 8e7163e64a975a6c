import { agentKnobs } from './enabled.ts'

export const nodeDiscoveryKnobs = agentKnobs({})
