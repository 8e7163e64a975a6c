import { flag, number, whole } from '../leaf.ts'
import { duration } from '../units.ts'
import { agentKnobs } from './enabled.ts'

/** The predictor: durations in ms. */
export const predictorKnobs = agentKnobs({
  horizon: duration({ min: '5s', max: '1h' })
    .prefault('60s')
    .describe('Trouble is told of that is expected within this time; 5s to 1h. Default 60s.'),
  exhaustionHorizon: duration({ min: '10s', max: '24h' })
    .prefault('10m')
    .describe('The same for memory or connections of an endpoint that run out; 10s to 24h. Default 10m.'),
  latencyFactor: number({ min: 1.1, max: 100, whole: false })
    .prefault(2)
    .describe('An endpoint is slow whose p95 is so many times what is usual for it; 1.1 to 100. Default 2.'),
  latencyGoal: duration()
    .prefault('0ms')
    .describe(
      'In place of latencyFactor: an endpoint is slow whose p95 is above this. Default 0ms: latencyFactor says.',
    ),
  minSamples: whole(2, 100)
    .prefault(10)
    .describe('Readings of an endpoint before anything is predicted of it, 2 to 100. Default 10.'),
  probability: number({ min: 0.05, max: 0.99, whole: false })
    .prefault(0.6)
    .describe('Trouble is told of that is as likely as this, from 0.05 to 0.99. Default 0.6.'),
  routing: flag()
    .prefault(true)
    .describe('Whether latencies are forecast for picks: what the policy adaptive goes by. Default true.'),
  load: flag().prefault(true).describe('Whether the requests of services are forecast. Default true.'),
  trouble: flag()
    .prefault(true)
    .describe(
      'Whether it is told of endpoints that are expected to fail, slow down or run out of something. Default true.',
    ),
})
