import type { Contest } from '../contest.ts'
import { askOpen } from '../load/ask-open.ts'
import { cpuUsOf, treeOf } from '../load/process-tree.ts'
import { oneOrigin, SMALL, tellErrors } from './closed-loop.ts'
import { sideOn } from './side-on-stage.ts'
import { PROXIES } from './sides.ts'
import { Stage } from './stage.ts'

const SECONDS = 4
const WARM_SECONDS = 0.5

/** How long requests take that come when they come, so many a second, which is less than any of them can take. */
export function openLoop(perSecond: number, seconds = SECONDS): Contest {
  const stage = new Stage(oneOrigin)
  return {
    name: `proxy/open loop/${perSecond}`,
    figures: [
      { name: 'p99', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
      { name: 'CPU a request', unit: 'ns' },
      { name: 'errors', unit: '' },
      { name: 'sent late, p99', unit: 'ns' },
    ],
    rounds: 5,
    warmUp: 1,
    sides: PROXIES.map(proxy => {
      let round = 0
      return sideOn(stage, proxy, async program => {
        const pids = treeOf(program.pid)
        const before = cpuUsOf(pids)
        const heard = await askOpen({
          ...{ port: program.port, path: SMALL.path, answerBytes: SMALL.answerBytes },
          // The same times for every side of a round.
          ...{ arrivals: 'poisson', perSecond, seed: round++, isExact: true },
          ...{ warmSeconds: WARM_SECONDS, seconds, connections: 1024, opened: 128 },
        })
        const cpuNs = (cpuUsOf(pids) - before) * 1000
        tellErrors(proxy, heard)
        const { latency, late, errors, requests } = heard
        return [latency.p99, latency.p50, latency.p999, cpuNs / requests, errors, late.p99]
      })
    }),
  }
}
