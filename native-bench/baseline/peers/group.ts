import { GOLDEN } from '../../../engine/memory/hash-key.ts'
import { type Contest, nsEach, type Side } from '../../contest.ts'
import { BATCH } from '../../harness.ts'
import { loneService } from '../../policies/lone-service.ts'
import { pickAndSettle } from '../../policies/pick-and-settle.ts'
import type { Group } from '../../suite.ts'
import { drawPeers } from './drawn.ts'
import { grpcPicker } from './grpc.ts'
import { p2cBalancer, randomBalancer } from './load-balancers.ts'
import { moleculer } from './moleculer.ts'
import type { Peer } from './peer.ts'
import { balancedPool } from './undici.ts'

export const ENDPOINTS = [4, 64, 1024]

/** Who chooses in the same way: the policies here, of which the first pick alone is what the others are held against, and theirs. */
export const KINDS: readonly {
  readonly name: string
  readonly ours: readonly string[]
  readonly peers: readonly Peer[]
}[] = [
  {
    name: 'in turn',
    ours: ['round-robin'],
    peers: [
      balancedPool('alike'),
      grpcPicker('round_robin'),
      grpcPicker('outlier_detection'),
      grpcPicker('pick_first'),
      moleculer('RoundRobin'),
    ],
  },
  {
    name: 'by weight',
    ours: ['weighted-round-robin'],
    peers: [balancedPool('by errors'), grpcPicker('weighted_round_robin')],
  },
  { name: 'at random', ours: ['random'], peers: [randomBalancer, moleculer('Random')] },
  {
    name: 'least busy',
    ours: ['least-request', 'peak-ewma'],
    peers: [p2cBalancer, moleculer('CpuUsage'), moleculer('Latency')],
  },
  { name: 'by key', ours: ['maglev', 'ring-hash'], peers: [moleculer('Shard')] },
]

/**
 * What others take to choose. Choosing is all that most of them do: how a request went is heard elsewhere, or nowhere. So the pick alone is
 * what theirs is held against, and pick and settle stand beside it.
 */
export const peers: Group = {
  name: 'peers',
  summary: 'the choice of an endpoint here, and that of other packages for Node',
  contests: KINDS.flatMap(({ name, ours, peers: others }) =>
    ENDPOINTS.map(
      (endpoints): Contest => ({
        name: `peers/${name}/${endpoints}`,
        figures: [{ name: 'choice', unit: 'ns' }],
        rounds: 60,
        warmUp: 20,
        sides: [
          ...ours.flatMap(policy => [pickAlone(policy, endpoints), pickSettle(policy, endpoints)]),
          ...others.map(peer => theirs(peer, endpoints)),
        ],
      }),
    ),
  ),
  plots: drawPeers,
}

/** Theirs take up to some microseconds. */
const TIMES = BATCH / 5

function theirs(peer: Peer, endpoints: number): Side {
  return {
    name: peer.name,
    async begin() {
      const choosing = await peer.begin(endpoints)
      if (choosing === undefined) return undefined
      return { turn: () => [nsEach(TIMES, times => choosing.batch(times))], close: () => choosing.close() }
    },
  }
}

function pickSettle(policy: string, endpoints: number): Side {
  return {
    name: `signalbox ${policy}, pick + settle`,
    async begin() {
      const service = await loneService(policy, {}, endpoints)
      const batch = pickAndSettle(service)
      return { turn: () => [nsEach(TIMES, batch)], close: () => service.close() }
    },
  }
}

/** What is picked is settled too, untimed, once the turn is over: until then so many more are in flight. */
function pickAlone(policy: string, endpoints: number): Side {
  return {
    name: `signalbox ${policy}, pick`,
    async begin() {
      const service = await loneService(policy, {}, endpoints)
      const { router } = service
      const tickets = new Int32Array(TIMES)
      const pick = (times: number): void => {
        for (let i = 0; i < times; i++) tickets[i] = router.pick(Math.imul(i, GOLDEN))
      }
      return {
        turn() {
          const ns = nsEach(TIMES, pick)
          for (let i = 0; i < TIMES; i++) router.settle(tickets[i]!, 'ok', i & 1023)
          return [ns]
        },
        close: () => service.close(),
      }
    },
  }
}
