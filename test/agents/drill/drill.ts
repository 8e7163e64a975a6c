import { Agent, request } from 'node:http'
import type { TestContext } from 'node:test'
import { type AgentsOptions, createAgents, ROSTER, type RosterEntry } from '../../../agents/index.ts'
import { type AgentStatus, type Box, createSignalbox, type Log } from '../../../engine/index.ts'
import { startProxy } from '../../../engine/proxy/proxy.ts'
import { startOrigin } from '../../proxy/rig.ts'

/** Under SIGNALBOX_PROOF=full drills take minutes; else they are short and show that they work. */
export const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'

/** The roster with faults built in that strike when `strike` says so. */
export function strikeable(roster: readonly RosterEntry[], channel: string): RosterEntry[] {
  return roster.map(entry => {
    const url = new URL('../faulty.js', import.meta.url)
    url.search = `agent=${encodeURIComponent(entry.module)}&on=${channel}`
    return { ...entry, module: url.href }
  })
}

export interface Line {
  readonly atMs: number
  readonly message: string
}

/** A box with agents, a proxy before it and an origin behind it, under load from the beginning. */
export interface Drill {
  readonly box: Box
  readonly lines: Line[]
  status(name: string): AgentStatus
  /** Ends the load and tells of it. */
  end(): Promise<Load>
}

export interface Load {
  readonly picks: number
  readonly failedPicks: number
  readonly requests: number
  readonly failedRequests: string[]
}

export async function startDrill(t: TestContext, options: AgentsOptions = {}): Promise<Drill> {
  const origin = await startOrigin((_, response) => response.end('ok'))
  const lines: Line[] = []
  const log: Log = (_, message) => lines.push({ atMs: performance.now(), message })
  const endpoints = ['a', 'b', 'c'].map(id => ({ id, url: origin.url }))
  const config = {
    listen: '127.0.0.1:0',
    workers: 1,
    services: { api: { policy: 'round-robin', endpoints, healthCheck: { interval: '50ms', timeout: '5s' } } },
  } as const
  const box = await createSignalbox(config, { control: createAgents({ roster: ROSTER, ...options }), log })
  const proxy = await startProxy(box)
  const load = underLoad(box, proxy.addresses[0]!.port)
  t.after(async () => {
    await load()
    await proxy.close()
    await box.close()
    await origin.close()
  })
  const status = (name: string): AgentStatus => box.control!.status().find(agent => agent.name === name)!
  return { box, lines, status, end: load }
}

/** Some ten thousand picks and some two hundred requests a second, until the function returned is called. */
function underLoad(box: Box, port: number): () => Promise<Load> {
  const router = box.router('api')
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const failedRequests: string[] = []
  let [picks, failedPicks, requests, underWay] = [0, 0, 0, 0]
  const picking = setInterval(() => {
    for (let i = 0; i < 10; i++) {
      const ticket = router.pick()
      picks++
      if (ticket < 0) failedPicks++
      else router.settle(ticket, 'ok', 100)
    }
  }, 1)
  const asking = setInterval(() => {
    if (underWay >= 4) return
    underWay++
    requests++
    const over = (fault?: string): void => {
      underWay--
      if (fault !== undefined) failedRequests.push(fault)
    }
    request({ host: '127.0.0.1', port, agent }, answer => {
      answer.resume()
      answer.once('end', () => over(answer.statusCode === 200 ? undefined : `${answer.statusCode}`))
      answer.once('error', error => over(error.message))
    })
      .once('error', error => over(error.message))
      .end()
  }, 5)
  return async () => {
    clearInterval(picking)
    clearInterval(asking)
    while (underWay > 0) await new Promise(resolve => setTimeout(resolve, 5))
    agent.destroy()
    return { picks, failedPicks, requests, failedRequests }
  }
}

/** The fastest, the median and the slowest, in whole ms. On a machine that does other work the fastest is what it takes on an idle one. */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!].map(Math.round).join(' / ')
}
