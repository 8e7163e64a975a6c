import { flag, whole } from '../leaf.ts'
import { choice } from '../names.ts'
import { duration } from '../units.ts'
import { agentKnobs } from './enabled.ts'

export const partitionHandlerKnobs = agentKnobs({
  strategy: choice('a strategy', ['keep-majority', 'static-quorum', 'keep-oldest', 'down-all', 'lease-majority'])
    .prefault('keep-majority')
    .describe(
      'Which side of a partition goes on deciding; the others route on. keep-majority: the larger; static-quorum: of quorumSize nodes; keep-oldest: with the oldest node; down-all: none; lease-majority: who gets a lease of the store. Default keep-majority.',
    ),
  quorumSize: whole(1, 1_000)
    .prefault(3)
    .describe('Nodes that a side must have under static-quorum, 1 to 1000. Default 3.'),
  downIfAlone: flag()
    .prefault(true)
    .describe('Whether under keep-oldest the oldest node gives way when it is alone. Default true.'),
  stableAfter: duration()
    .optional()
    .describe(
      'How long nothing may change before a side that goes on takes the others for gone. Default by the number of nodes: 7s for 5, 10s for 10, 13s for 20, 17s for 50, 20s for 100, 30s above.',
    ),
  downAllWhenUnstable: flag()
    .prefault(true)
    .describe(
      'Whether nobody decides where it goes on changing for three quarters of stableAfter longer, 4s at least. Default true.',
    ),
  recoveryTimeout: duration({ min: '1s' })
    .prefault('300s')
    .describe('After so long a partition that has not healed calls for a person, 1s or more. Default 300s.'),
})
