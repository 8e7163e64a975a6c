import { number, whole } from '../leaf.ts'
import { choice, keys } from '../names.ts'
import { duration, ratio, size } from '../units.ts'
import { agentKnobs } from './enabled.ts'

const thresholds = keys({
  cpu: ratio()
    .prefault('95%')
    .describe('Share of the CPU time of all cores from which on it is short. 0%: never. Default 95%.'),
  memory: ratio()
    .prefault('85%')
    .describe('Share of its memory, resident, from which on it is short. 0%: never. Default 85%.'),
  sockets: ratio()
    .prefault('90%')
    .describe('Share of the files and sockets it may have open from which on it is short. 0%: never. Default 90%.'),
  loopDelay: duration()
    .prefault('500ms')
    .describe('How late one turn in a hundred of its event loops may come. 0s: any. Default 500ms.'),
})

const limits = keys({
  memory: size({ max: '8388607GiB' })
    .prefault('0B')
    .describe('Memory this process may have. 0: what the system lets it have, by its cgroup or at all. Default 0B.'),
  sockets: whole(0, 10_000_000)
    .prefault(0)
    .describe(
      'Files and sockets it may have open. 0: twice limits.connections, or what the system lets it have where that is less. Default 0.',
    ),
})

const costs = keys({
  goal: number({ min: 0, max: 1_000_000_000, whole: false })
    .prefault(100)
    .describe('What the endpoints of a service may cost in an hour, in the currency of their cost. Default 100.'),
  p99: duration({ min: '1ms' })
    .prefault('100ms')
    .describe('How long the slowest hundredth of its requests may take: it goes before the cost. Default 100ms.'),
  interval: duration({ min: '1s' })
    .prefault('10s')
    .describe('Time from one step towards the goal to the next. Default 10s.'),
  most: ratio().prefault('95%').describe('How much of its weight the dearest endpoint may lose. Default 95%.'),
})

export const resourceManagerKnobs = agentKnobs({
  thresholds: thresholds.prefault({}).describe('When this process is short of something. Default: see each key.'),
  limits: limits.prefault({}).describe('What this process may use. Default: see each key.'),
  overFor: duration()
    .prefault('3s')
    .describe(
      'How long CPU or loop delay must be beyond their threshold to count; memory and sockets count at once. Default 3s.',
    ),
  calmFor: duration()
    .prefault('30s')
    .describe('How long all must be below their threshold before more is let in again. Default 30s.'),
  step: duration({ min: '1s' }).prefault('3s').describe('Time from one step of shedding to the next. Default 3s.'),
  shedUpTo: choice('a class', ['none', 'sheddable', 'sheddable-plus', 'critical'])
    .prefault('sheddable-plus')
    .describe('The dearest class of requests that it may turn away by itself. Default sheddable-plus.'),
  reportsKept: duration({ min: '1s' })
    .prefault('30s')
    .describe('How long what an endpoint says of its load is believed. Default 30s.'),
  costs: costs.prefault({}).describe('What endpoints may cost, where their cost is known. Default: see each key.'),
  grants: whole(0, 1000)
    .prefault(16)
    .describe('Grants of capacity to others that it may have given at a time. Default 16.'),
})
