import { number, whole } from '../leaf.ts'
import { keys } from '../names.ts'
import { duration, ratio } from '../units.ts'
import { agentKnobs } from './enabled.ts'

const thresholds = keys({
  cpu: ratio().prefault('80%').describe('Of what an endpoint says it uses of its CPU. Default 80%.'),
  memory: ratio().prefault('85%').describe('Of what it says it uses of its memory. Default 85%.'),
  connections: ratio()
    .prefault('90%')
    .describe('Of its maximum of connections, as requests in flight on it. Default 90%.'),
  responseTime: duration({ min: '1ms' })
    .prefault('1s')
    .describe(
      'Of the 99th percentile of its response times; follows what is usual in its service, a tenth to ten times of this. Default 1s.',
    ),
  errorRate: ratio()
    .prefault('5%')
    .describe(
      'Of the failed share of its requests; follows what is usual in its service, from this to 50 %. Default 5%.',
    ),
})

const canary = keys({
  share: ratio()
    .prefault('10%')
    .describe('Share of its weight that an endpoint gets when it returns from quarantine. Default 10%.'),
  hold: duration().prefault('10s').describe('For how long it gets that. Default 10s.'),
  ramp: duration().prefault('10s').describe('In which time it grows to all of it from there. Default 10s.'),
})

const surge = keys({
  minPerSecond: whole(1, 1_000_000_000)
    .prefault(50)
    .describe('Requests per second below which nothing is a surge. Default 50.'),
  factor: number({ min: 1, max: 1000, whole: false })
    .prefault(3)
    .describe('How many times what is usual (a minute’s moving average) a surge is. Default 3.'),
  deviations: number({ min: 0, max: 100, whole: false })
    .prefault(4)
    .describe('… and by how many standard deviations it is above it. Default 4.'),
  shedAbove: ratio()
    .prefault('80%')
    .describe('Share of the capacity beyond which the cheapest class of requests is shed in a surge. Default 80%.'),
  consensusTimeout: duration({ min: '100ms' })
    .prefault('30s')
    .describe('Time the load balancers of several nodes have to agree on who admits how much. Default 30s.'),
})

export const loadBalancerKnobs = agentKnobs({
  monitorEvery: duration({ min: '1s' })
    .prefault('5s')
    .describe('From one comparison of loads with capacities to the next, 1s or more. Default 5s.'),
  adaptEvery: duration({ min: '1s' })
    .prefault('10s')
    .describe('From one look at response times and errors of endpoints to the next, 1s or more. Default 10s.'),
  thresholdsEvery: duration({ min: '1s' })
    .prefault('30s')
    .describe('From one adaptation of the thresholds to the next, 1s or more. Default 30s.'),
  thresholds: thresholds.prefault({}).describe('What an endpoint is overloaded beyond. Default: as below.'),
  maxShift: ratio()
    .prefault('20%')
    .describe(
      'Share of the weight of a service that is moved between its endpoints in a tenth of a second. Default 20%.',
    ),
  maxConnections: whole(1, 1_000_000_000)
    .prefault(100)
    .describe(
      'Connections an endpoint of weight 1 can bear that does not say how many; loads are compared by it where none of the service says. Default 100.',
    ),
  factsFor: duration({ min: '1s' })
    .prefault('60s')
    .describe('For how long counts what another agent said that is not heard of any more. Default 60s.'),
  warnedShare: ratio()
    .prefault('50%')
    .describe('Share of its weight that an endpoint keeps while there is a warning about it. Default 50%.'),
  canary: canary.prefault({}).describe('How an endpoint returns from quarantine. Default: as below.'),
  surge: surge.prefault({}).describe('What a surge of requests is, and what is done then. Default: as below.'),
})
