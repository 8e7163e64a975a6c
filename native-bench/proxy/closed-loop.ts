import type { Contest } from '../contest.ts'
import { BODIES, startOrigin } from '../load/origin.ts'
import { cpuUsOf, memoryBytesOf, treeOf } from '../load/process-tree.ts'
import { systemCallsOf } from '../load/system-calls.ts'
import { type Ask, askClosed, type ClosedHeard, hasWrk } from '../load/wrk.ts'
import { checkForwarded } from './check-forwarded.ts'
import { sideOn } from './side-on-stage.ts'
import { PROXIES, type ProxySide } from './sides.ts'
import { type Origins, Stage } from './stage.ts'

const SECONDS = 2

export const SMALL: Ask = { path: '/small', answerBytes: BODIES['/small'] }
export const LARGE: Ask = { path: '/16KiB', answerBytes: BODIES['/16KiB'] }
export const POST: Ask = { path: '/post', postBytes: 4096, answerBytes: BODIES['/small'] }

export async function oneOrigin(): Promise<Origins | undefined> {
  const origin = await startOrigin()
  return origin && { ports: [origin.port], end: origin.end }
}

async function originForWrk(): Promise<Origins | undefined> {
  return hasWrk() ? oneOrigin() : undefined
}

/** How much a proxy can take, all connections asking at once, and what of the machine a request takes. */
export function closedLoop(name: string, ask: Ask, connections: number, isTls = false): Contest {
  const stage = new Stage(originForWrk, isTls)
  return {
    name: `proxy/${name}/${connections}`,
    figures: [
      { name: 'requests', unit: '/s', isMoreBetter: true },
      { name: 'p50', unit: 'ns' },
      { name: 'p99', unit: 'ns' },
      { name: 'CPU a request', unit: 'ns' },
      { name: 'memory', unit: 'bytes' },
      { name: 'errors', unit: '' },
    ],
    rounds: 5,
    warmUp: 1,
    sides: PROXIES.map(proxy =>
      sideOn(
        stage,
        proxy,
        async program => {
          const pids = treeOf(program.pid)
          const before = cpuUsOf(pids)
          const heard = await askClosed({ ...ask, port: program.port, isTls, connections, seconds: SECONDS })
          const cpuNs = (cpuUsOf(pids) - before) * 1000
          tellErrors(proxy, heard)
          const { perSecond, nsP50, nsP99, requests, errors } = heard
          return [perSecond, nsP50, nsP99, cpuNs / requests, memoryBytesOf(pids), errors]
        },
        async ({ port }) => checkForwarded(ask, { port, isTls }, (await stage.ports())[0]!),
      ),
    ),
  }
}

/** What a proxy asks of the kernel for a request: reads, writes, waits for either. */
export function systemCalls(connections: number): Contest {
  const stage = new Stage(originForWrk)
  return {
    name: 'proxy/system calls',
    figures: [{ name: 'system calls a request', unit: '' }],
    rounds: 3,
    warmUp: 1,
    sides: PROXIES.map(proxy =>
      sideOn(stage, proxy, async program => {
        let heard: ClosedHeard | undefined
        const count = await systemCallsOf(treeOf(program.pid), async () => {
          heard = await askClosed({ ...SMALL, port: program.port, connections, seconds: 1 })
          tellErrors(proxy, heard)
        })
        return [heard === undefined ? Number.NaN : count / heard.requests]
      }),
    ),
  }
}

/** A figure of a turn in which something failed is worth nothing, and a median may hide it. */
export function tellErrors({ name }: ProxySide, { requests, errors, failures }: Failing): void {
  if (errors === 0) return
  const why = failures === undefined ? '' : `: ${JSON.stringify(failures)}`
  process.stderr.write(`\n${name}: ${errors} of ${requests} requests failed${why}\n`)
}

interface Failing {
  readonly requests: number
  readonly errors: number
  readonly failures?: Readonly<Record<string, number>>
}
