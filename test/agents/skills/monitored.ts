import type { TestContext } from 'node:test'
import { createTestControlPlane, type Signal, type TestPlaneOptions } from '../../../agents/index.ts'
import { type ConfigInput, createSignalbox } from '../../../engine/index.ts'

export interface MonitoredOptions extends TestPlaneOptions {
  /** How many endpoints, called e0, e1 … */
  readonly endpoints?: number
  /** Of the service, beside its endpoints. */
  readonly service?: object
  /** Of the health monitor. */
  readonly knobs?: object
}

/** A rule in place of the one that is always there: what fails its checks is not kept out for that alone. */
export const PATIENT = {
  alerts: [
    { name: 'unhealthy', metric: 'availability', op: 'below', threshold: 0.5, for: '24h', severity: 'critical' },
  ],
}

const HEALTH_CHECK = { path: '/up', interval: '1s', timeout: '500ms' }

/** The agents in virtual time over a real table; endpoints in `broken` fail their checks, connections to them and requests. */
export async function monitored(
  t: TestContext,
  { endpoints = 4, service = { healthCheck: HEALTH_CHECK }, knobs = {}, actions, ...options }: MonitoredOptions = {},
) {
  const broken = new Set<string>()
  const called: { url: string; body: Readonly<Record<string, unknown>> }[] = []
  const isBroken = (url: string): boolean => broken.has(`e${Number(new URL(url).port) - 1}`)
  const plane = createTestControlPlane({
    actions: {
      'check-endpoint': ({ row, generation, round, url }) => {
        const verdict = isBroken(url) ? 'failed' : 'passed'
        return { row, generation, round, verdict, reason: isBroken(url) ? '503' : '200', tookMs: 0 }
      },
      'reach-endpoint': ({ row, generation, url }) => ({
        ...{ row, generation, hasPassed: !isBroken(url) },
        reason: isBroken(url) ? 'ECONNREFUSED' : 'connected',
      }),
      'call-hook': ({ hook, body, about }) => {
        called.push({ url: hook.url, body })
        return { about, isTaken: true, reason: '200' }
      },
      ...actions,
    },
    ...options,
    // The orchestrator would keep out what the monitor lets back.
    agents: { 'cluster-orchestrator': null, ...options.agents },
  })
  const lines: string[] = []
  const config = {
    services: {
      api: {
        ...service,
        policy: 'round-robin',
        endpoints: Array.from({ length: endpoints }, (_, i) => ({ id: `e${i}`, url: `http://127.0.0.1:${i + 1}` })),
      },
    },
    agents: { 'health-monitor': knobs },
  } as unknown as ConfigInput
  const box = await createSignalbox(config, {
    control: plane,
    log: (level, message) => lines.push(`${level} ${message}`),
  })
  t.after(() => box.close())
  const router = box.router('api')
  /** Ids that twenty rounds of picks find, each settled at once. */
  const picked = (): string[] => {
    const ids = new Set<string>()
    for (let i = 0; i < 20 * endpoints; i++) {
      const ticket = router.pick()
      if (ticket < 0) continue
      const { id } = router.endpoint(ticket)
      ids.add(id)
      router.settle(ticket, broken.has(id) ? 'error' : 'ok', 1_000)
    }
    return [...ids].sort()
  }
  /** Endpoints that have this bar. */
  const having = (bar: string): string[] =>
    box.explain('api').endpoints.flatMap(({ id, bars }) => ((bars as readonly string[]).includes(bar) ? [id] : []))
  /** What was told of a type about one endpoint, without its first word, oldest first. */
  const told = (type: string, id: string): Signal[] =>
    plane.journal.about(`api/${id}`).filter(signal => signal.type === `signalbox.${type}`)
  return { plane, box, broken, called, picked, having, told, lines }
}

/** What was told, as its data. */
export function dataOf(signals: readonly Signal[]): Readonly<Record<string, unknown>>[] {
  return signals.map(({ data }) => data as Readonly<Record<string, unknown>>)
}
