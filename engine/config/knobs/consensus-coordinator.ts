import { duration } from '../units.ts'
import { agentKnobs } from './enabled.ts'

export const consensusCoordinatorKnobs = agentKnobs({
  timeout: duration({ min: '1ms' })
    .prefault('45s')
    .describe('How long agents have to decide on a motion that names no time itself, from 1ms. Default 45s.'),
})
