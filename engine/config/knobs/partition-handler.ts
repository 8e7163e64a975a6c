import { agentKnobs } from './enabled.ts'

export const partitionHandlerKnobs = agentKnobs({})
