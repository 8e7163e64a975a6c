import type { TestContext } from 'node:test'
import { createTestCluster, type Draft, ROSTER, type TestNode } from '../../../agents/index.ts'
import { type Box, type ConfigInput, createSignalbox } from '../../../engine/index.ts'

/** One node: its agents, its tables, and what they take endpoints for. */
export interface MonitorNode extends Pick<TestNode<Box>, 'name' | 'plane' | 'box'> {
  /** Endpoints that fail the checks of this node. */
  readonly broken: Set<string>
  /** Endpoints that are isolated here. */
  isolated(): string[]
  /** Data of what was told of an endpoint here, by type. */
  told(type: string, id: string): Readonly<Record<string, unknown>>[]
}

const AGENTS = ['health-monitor', 'failure-detector']

/** Several nodes in virtual time over one store, each with a health monitor that sees the endpoints in its own way. */
export async function monitorNodes(
  t: TestContext,
  count: number,
  { endpoints = 4, knobs = {}, beside = [] as readonly string[] } = {},
) {
  const broken = new Map<string, Set<string>>()
  const urls = Array.from({ length: endpoints }, (_, n) => ({ id: `e${n}`, url: `http://127.0.0.1:${n + 1}` }))
  const config = {
    services: { api: { healthCheck: { path: '/up', interval: '1s' }, endpoints: urls } },
    agents: { 'health-monitor': knobs },
  } as unknown as ConfigInput
  // Which node asks is told by the attachment it asks with.
  const names = new Map<unknown, string>()
  const isBroken = (region: unknown, url: string): boolean =>
    broken.get(names.get(region) ?? '')?.has(`e${Number(new URL(url).port) - 1}`) === true
  const cluster = await createTestCluster<Box>({
    nodes: count,
    roster: ROSTER.filter(({ name }) => [...AGENTS, ...beside].includes(name)),
    actions: {
      'check-endpoint': ({ row, generation, round, url }, { attachment }) => {
        const verdict = isBroken(attachment.region.buffer, url) ? 'failed' : 'passed'
        return { row, generation, round, verdict, reason: verdict, tookMs: 0 }
      },
      'reach-endpoint': ({ row, generation, url }, { attachment }) => {
        const hasPassed = !isBroken(attachment.region.buffer, url)
        return { row, generation, hasPassed, reason: hasPassed ? 'connected' : 'ECONNREFUSED' }
      },
    },
    async open(control, node) {
      const box = await createSignalbox(config, { control, log: () => {} })
      names.set(box.attachment.region.buffer, node)
      return box
    },
  })
  t.after(() => cluster.close())
  const nodes = cluster.names.map((name): MonitorNode => {
    const node = cluster.node(name)
    const own = new Set<string>()
    broken.set(name, own)
    return {
      ...{ name, broken: own },
      get plane() {
        return node.plane
      },
      get box() {
        return node.box
      },
      isolated: () =>
        node.box
          .explain('api')
          .endpoints.flatMap(({ id, bars }) => ((bars as readonly string[]).includes('isolated') ? [id] : [])),
      told: (type, id) =>
        node.plane.journal
          .about(`api/${id}`)
          .flatMap(signal => (signal.type === `signalbox.${type}` ? [signal.data as Record<string, unknown>] : [])),
    }
  })
  // Until all are registered.
  await cluster.advance(1_000)
  const hearAll = (draft: Draft): void => {
    for (const { plane } of nodes) plane.hear(draft)
  }
  return {
    nodes: nodes as [MonitorNode, ...MonitorNode[]],
    advance: (ms: number) => cluster.advance(ms),
    hearAll,
    cluster,
  }
}
