import type { TestContext } from 'node:test'
import { bridgeOf } from '../../../agents/bridge/agent-bridge.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import type { Draft } from '../../../agents/index.ts'
import { KINDS } from '../../../agents/kinds.ts'
import { VirtualClock } from '../../../agents/kit/virtual/virtual-clock.ts'
import { VirtualPlane } from '../../../agents/kit/virtual/virtual-plane.ts'
import { ROSTER } from '../../../agents/roster.ts'
import { type Box, type ConfigInput, createSignalbox } from '../../../engine/index.ts'

/** One node: its agents, its tables, and what they take endpoints for. */
export interface MonitorNode {
  readonly name: string
  readonly plane: VirtualPlane
  readonly box: Box
  /** Endpoints that fail the checks of this node. */
  readonly broken: Set<string>
  /** Endpoints that are isolated here. */
  isolated(): string[]
  /** Types and data of what was told of an endpoint here. */
  told(type: string, id: string): Readonly<Record<string, unknown>>[]
}

const STEP_MS = 10

/**
 * Several nodes, each with a box and agents of its own in virtual time, over one store. Their clocks run together; a monitor is called after
 * its node, for in one store no two agents have one name.
 */
export async function monitorNodes(t: TestContext, count: number, { endpoints = 4, knobs = {} } = {}) {
  const clock = new VirtualClock(1_000_000)
  const sequencer = new InlineSequencer({ clock })
  const others = ROSTER.filter(({ name }) => name === 'failure-detector')
  const monitor = ROSTER.find(({ name }) => name === 'health-monitor')!
  const nodes: MonitorNode[] = []
  for (let i = 0; i < count; i++) {
    const broken = new Set<string>()
    const name = `monitor-${i + 1}`
    const isBroken = (url: string): boolean => broken.has(`e${Number(new URL(url).port) - 1}`)
    const plane: VirtualPlane = new VirtualPlane(
      [{ ...monitor, name }, ...others],
      KINDS,
      async () => (agent, clock, dice) => bridgeOf(agent, sequencer.open({ clock }), clock, dice),
      {
        seed: i + 1,
        actions: {
          'check-endpoint': ({ row, generation, round, url }) => {
            const verdict = isBroken(url) ? 'failed' : 'passed'
            return { row, generation, round, verdict, reason: verdict, tookMs: 0 }
          },
          'reach-endpoint': ({ row, generation, url }) => ({
            ...{ row, generation, hasPassed: !isBroken(url), reason: isBroken(url) ? 'ECONNREFUSED' : 'connected' },
          }),
        },
      },
    )
    const config = {
      services: {
        api: {
          healthCheck: { path: '/up', interval: '1s' },
          endpoints: Array.from({ length: endpoints }, (_, n) => ({ id: `e${n}`, url: `http://127.0.0.1:${n + 1}` })),
        },
      },
      agents: { 'health-monitor': knobs },
    } as unknown as ConfigInput
    const box = await createSignalbox(config, { control: plane })
    t.after(() => box.close())
    nodes.push({
      ...{ name, plane, box, broken },
      isolated: () =>
        box
          .explain('api')
          .endpoints.flatMap(({ id, bars }) => ((bars as readonly string[]).includes('isolated') ? [id] : [])),
      told: (type, id) =>
        plane.journal
          .about(`api/${id}`)
          .flatMap(signal => (signal.type === `signalbox.${type}` ? [signal.data as Record<string, unknown>] : [])),
    })
  }
  t.after(() => sequencer.close())
  const advance = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= STEP_MS) {
      clock.advance(Math.min(STEP_MS, left))
      for (const { plane } of nodes) await plane.advance(Math.min(STEP_MS, left))
    }
  }
  // Until all are registered.
  await advance(1_000)
  const hearAll = (draft: Draft): void => {
    for (const { plane } of nodes) plane.hear(draft)
  }
  return { nodes: nodes as [MonitorNode, ...MonitorNode[]], advance, hearAll, sequencer }
}
