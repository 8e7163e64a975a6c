import type { Group } from '../suite.ts'
import { consensusJourneys } from './consensus.ts'
import { failureJourneys } from './failures.ts'
import { questionJourneys } from './questions.ts'

export const agentsGroup: Group = {
  name: 'agents',
  summary: 'what agents agree on, find out and bring back, timed one by one',
  journeys: [...consensusJourneys(), ...failureJourneys(), ...questionJourneys()],
}
