import { agentKnobs } from './enabled.ts'

export const loadBalancerKnobs = agentKnobs({})
