import { hook } from '../hook.ts'
import { number, whole } from '../leaf.ts'
import { choice, keys } from '../names.ts'
import { duration, ratio } from '../units.ts'
import { agentKnobs } from './enabled.ts'

const goals = keys({
  availability: ratio()
    .prefault('99.9%')
    .describe('Share of requests that shall not fail; an operation that puts it at risk is broken off. Default 99.9%.'),
  latency: duration({ min: '1ms' })
    .prefault('100ms')
    .describe('What ninety-nine of a hundred requests of a service shall not exceed, from 1ms. Default 100ms.'),
  throughput: number({ min: 0, max: 1e9, whole: false })
    .prefault(1000)
    .describe('Requests per second that the services shall carry where so many come, 0 to 1000000000. Default 1000.'),
  efficiency: ratio()
    .prefault('80%')
    .describe(
      'How much of their capacity endpoints shall use on average, where they say how much they use. Default 80%.',
    ),
})

const scale = keys({
  hook: hook()
    .optional()
    .describe(
      'Where {operation, service, count} is told, so that endpoints come and go. Default absent: there is no such place.',
    ),
  timeout: duration({ min: '1s' })
    .prefault('5m')
    .describe('How long newcomers have to be there and healthy before scaling has failed, from 1s. Default 5m.'),
})

const escalateAfter = (default_: string, what: string) =>
  duration({ min: '1s' })
    .prefault(default_)
    .describe(`How long ${what} may last before a person is needed, from 1s. Default ${default_}.`)

const emergencies = keys({
  nodeFailure: escalateAfter('5m', 'the failure of a node, or of most endpoints of a service,'),
  networkPartition: escalateAfter('10m', 'a partition of the nodes'),
  resourceExhaustion: escalateAfter('3m', 'a shortage of this process'),
})

const policies = keys({
  maxIsolated: ratio()
    .prefault('30%')
    .describe('Share of the endpoints of a service that an emergency isolates at most, and one at least. Default 30%.'),
  minRoutable: whole(1, 1_000)
    .prefault(2)
    .describe(
      'Endpoints of a service that maintenance leaves at least, 1 to 1000; where there are fewer, all but one. Default 2.',
    ),
})

export const clusterOrchestratorKnobs = agentKnobs({
  strategy: choice('a strategy', ['adaptive', 'static', 'manual'])
    .prefault('adaptive')
    .describe(
      'What it does by itself: meets emergencies and improves what misses its goals (adaptive), meets emergencies (static), or nothing (manual). Default adaptive.',
    ),
  lease: duration({ min: '1s', max: '60s' })
    .prefault('3s')
    .describe(
      'An orchestrator that is silent for so long leads no more, and another node begins, 1s to 60s. Default 3s.',
    ),
  goals: goals.prefault({}).describe('What the services shall come to. Default: as below.'),
  scale: scale.prefault({}).describe('How endpoints are made and taken away. Default: not at all.'),
  emergencies: emergencies.prefault({}).describe('When an emergency needs a person. Default: as below.'),
  policies: policies.prefault({}).describe('What it never goes beyond. Default: as below.'),
  maintenance: keys({
    quiesce: duration()
      .prefault('30s')
      .describe('How long requests in flight have to end before maintenance goes on without them. Default 30s.'),
  })
    .prefault({})
    .describe('How endpoints are taken out for maintenance. Default: as below.'),
})
