import { number, whole } from '../leaf.ts'
import { choice, keys } from '../names.ts'
import { duration } from '../units.ts'
import { agentKnobs } from './enabled.ts'

const nodes = keys({
  profile: choice('a profile', ['default', 'fast', 'compat'])
    .prefault('default')
    .describe(
      'How soon a silent node is noticed: default after some 3.5s, fast after some 350ms for ten times the heartbeats, compat after 15.5s with heartbeats of 5s. What is written below goes before it. Default default.',
    ),
  heartbeat: duration({ min: '10ms' })
    .optional()
    .describe('From one heartbeat of a node to the next, 10ms or more. Default 1s; fast 100ms, compat 5s.'),
  pause: duration()
    .optional()
    .describe('Silence that is always forgiven, beside the usual gap. Default 2s; fast 200ms, compat 10s.'),
  minDeviation: duration({ min: '1ms' })
    .optional()
    .describe(
      'The least by which gaps between heartbeats are taken to differ. Default 100ms; fast 10ms, compat 100ms.',
    ),
  probeTimeout: duration({ min: '1ms' })
    .optional()
    .describe(
      'How long a silent node is looked for by other nodes before it is suspected. Default 500ms; fast 100ms, compat 500ms.',
    ),
  threshold: number({ min: 0.1, max: 300, whole: false })
    .prefault(8)
    .describe(
      'How surprising a silence must be, as the negative power of ten of its chance, 0.1 to 300: 8 is one in a hundred million. Default 8.',
    ),
  helpers: whole(0, 16)
    .prefault(3)
    .describe('Other nodes that are asked to look for a silent one, 0 to 16. Default 3.'),
  suspicion: whole(1, 100)
    .prefault(4)
    .describe(
      'How many heartbeats a node is suspected at least before it is taken for dead, for ten nodes and fewer; up to six times as many where nobody confirms it. Default 4.',
    ),
  ceiling: duration({ min: '1s' })
    .prefault('30s')
    .describe('Silence after which a node is suspected whatever is usual for it, 1s or more. Default 30s.'),
})

export const failureDetectorKnobs = agentKnobs({
  nodes: nodes.prefault({}).describe('How other nodes are watched. Default: as each key says.'),
})
