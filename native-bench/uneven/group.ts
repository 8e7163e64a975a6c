import type { Contest } from '../contest.ts'
import { askOpen } from '../load/ask-open.ts'
import { tellErrors } from '../proxy/closed-loop.ts'
import { picturesOf } from '../proxy/plots.ts'
import { sideOn } from '../proxy/side-on-stage.ts'
import { haproxy, nginx, type ProxySide, signalbox } from '../proxy/sides.ts'
import { Stage } from '../proxy/stage.ts'
import type { Group } from '../suite.ts'
import { capacityPerSecond } from './plan.ts'
import { startServers, type UnevenServers } from './servers.ts'

/** None of them is told what the servers are like, and all weights are the same. */
export const BALANCERS: readonly ProxySide[] = [
  signalbox('least-request'),
  signalbox('adaptive'),
  signalbox('peak-ewma'),
  nginx('least_conn;'),
  nginx('random two least_conn;'),
  haproxy('leastconn'),
  haproxy('random(2)'),
]

const SECONDS = 10
/** Until queues are as long as they will be. */
const WARM_SECONDS = 2

const CONTESTS = [unevenLoad(0.7), unevenLoad(0.9)]

/**
 * How long requests take behind a proxy with one thread whose servers are uneven, at a share of what the servers can do at most.
 *
 *     open loop ──▶ proxy ──▶ eight servers of plan.ts
 *      core 1       core 0         core 1
 */
export const uneven: Group = {
  name: 'uneven',
  summary: 'eight uneven servers behind a proxy, by load, here and elsewhere',
  isLong: true,
  contests: CONTESTS,
  plots: (measured, machine) =>
    picturesOf(
      [
        {
          ...{ file: 'uneven-p99.svg', title: 'Eight uneven servers: what one request of a hundred takes at least' },
          ...{ figure: 'p99', unit: 'ms', divisor: 1e6 },
        },
        {
          ...{ file: 'uneven-mean.svg', title: 'Eight uneven servers: what a request takes in the mean' },
          ...{ figure: 'mean', unit: 'ms', divisor: 1e6 },
        },
      ],
      CONTESTS,
      measured,
      machine,
    ),
}

/** At this share of what the servers can do. */
export function unevenLoad(share: number, seconds = SECONDS, warmSeconds = WARM_SECONDS): Contest {
  const perSecond = share * capacityPerSecond()
  const allSeconds = warmSeconds + seconds
  let servers: UnevenServers | undefined
  const stage = new Stage(async () => (servers = await startServers()))
  return {
    name: `uneven/${Math.round(share * 100)} % load`,
    figures: [
      { name: 'p99', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
      { name: 'mean', unit: 'ns' },
      { name: 'errors', unit: '' },
      { name: 'sent late, p99', unit: 'ns' },
    ],
    rounds: 5,
    warmUp: 1,
    sides: BALANCERS.map(balancer => {
      let seed = 0
      return sideOn(stage, balancer, async program => {
        // The same requests at the same times for every side of a round, and room for more of them than there will be.
        seed++
        await servers!.begin({ seed, requests: Math.ceil(2 * perSecond * allSeconds), seconds: allSeconds })
        const heard = await askOpen({
          ...{ port: program.port, path: '/{id}', arrivals: 'poisson', perSecond, seed },
          ...{ warmSeconds, seconds, connections: 2048, opened: 256 },
        })
        tellErrors(balancer, heard)
        const { latency, late, errors } = heard
        return [latency.p99, latency.p50, latency.p999, latency.mean, errors, late.p99]
      })
    }),
  }
}
