import type { TestContext } from 'node:test'
import {
  createTestControlPlane,
  defineAgent,
  ROSTER,
  stay,
  type TestControlPlane,
  type TestPlaneOptions,
} from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import type { Draft, Signal } from '../../../agents/kit/grammar/signal.ts'
import type { RosterEntry } from '../../../agents/kit/supervision/roster-entry.ts'
import type { State } from '../../../agents/load-balancer/agent.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'
import { type Box, createSignalbox } from '../../../engine/index.ts'

type End = { readonly ms: number; readonly outcome?: 'ok' | 'error' | 'timeout' }

const TEN_MS = (): End => ({ ms: 10 })

/** Agents that load balancing can be watched with: it, who drains outcomes, and one that listens. */
const NAMES = ['failure-detector', 'load-balancer']

export interface Balanced {
  readonly plane: TestControlPlane
  readonly box: Box
  /** What the agents told, the oldest first. */
  readonly told: Signal[]
  readonly state: State
  /** What the load balancer answers within so many ms. */
  ask<Body>(question: Draft, timeoutMs?: number): Promise<Body>
  ref(id: string): { row: number; generation: number; service: string; id: string }
  /**
   * Requests at an even pace for so long, each settled after its latency in ms; virtual time passes between them. Returns how many picks came
   * to nothing, by what pick answered.
   */
  send(load: {
    readonly perSecond: number
    readonly forMs: number
    /** ms, and how it ends. Default: 10 ms, ok. */
    readonly end?: (id: string, inflight: number, roll: () => number) => End
    readonly keyOf?: (i: number) => number
  }): Promise<Map<number, number>>
}

/** A box with these endpoints over a load balancer in virtual time. */
export async function balanced(
  t: TestContext,
  ids: readonly string[],
  service: Partial<ConfigInput['services'][string]> = {},
  options: TestPlaneOptions & { readonly knobs?: object } = {},
): Promise<Balanced> {
  const told: Signal[] = []
  const listener = defineAgent({
    name: 'listener',
    role: 'listener',
    listens: ['signalbox.**'],
    start: () => stay(null),
    decide: (state, signal) => {
      told.push(signal)
      return stay(state)
    },
  })
  const { knobs = {}, agents = {}, ...rest } = options
  const roster: RosterEntry[] = [
    ...ROSTER.filter(({ name }) => NAMES.includes(name)),
    ...['listener', ...Object.keys(agents).filter(name => !ROSTER.some(each => each.name === name))].map(name => ({
      ...{ name, group: 'prediction', module: import.meta.url, restart: 'permanent' as const },
    })),
  ]
  const plane = createTestControlPlane({ roster, agents: { ...agents, listener }, ...rest })
  const config = {
    services: {
      api: {
        outlier: { consecutive5xx: 0, consecutiveGateway: 0 },
        endpoints: ids.map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
        ...service,
      },
    },
    agents: { 'load-balancer': knobs },
  } as ConfigInput
  const box = await createSignalbox(config, { control: plane })
  t.after(() => box.close())
  const router = box.router('api')
  let seed = 11
  const roll = (): number => {
    const die = rollDie(seed)
    seed = die.seed
    return die.value
  }
  return {
    plane,
    box,
    told,
    get state() {
      return plane.state('load-balancer') as State
    },
    ask: async (question, timeoutMs = 1_000) => (await plane.control.ask!(question, { timeoutMs })).data as never,
    ref(id) {
      const { row } = box.explain('api').endpoints.find(each => each.id === id)!
      return { row, generation: (plane.state('load-balancer') as State).known.get(row)!.generation, service: 'api', id }
    },
    async send({ perSecond, forMs, end = TEN_MS, keyOf = () => 0 }) {
      const refused = new Map<number, number>()
      const inflight = new Map<string, number>()
      const open: { ticket: number; id: string; atMs: number; ms: number; outcome: 'ok' | 'error' | 'timeout' }[] = []
      const settle = (nowMs: number): void => {
        for (const each of [...open]) {
          if (each.atMs > nowMs) continue
          open.splice(open.indexOf(each), 1)
          inflight.set(each.id, inflight.get(each.id)! - 1)
          router.settle(each.ticket, each.outcome, each.ms * 1000)
        }
      }
      const count = Math.round((perSecond * forMs) / 1000)
      for (let i = 0; i < count; i++) {
        const atMs = (i * forMs) / count
        settle(atMs)
        const ticket = router.pick(keyOf(i))
        if (ticket < 0) refused.set(ticket, (refused.get(ticket) ?? 0) + 1)
        else {
          const { id } = router.endpoint(ticket)
          const busy = (inflight.get(id) ?? 0) + 1
          inflight.set(id, busy)
          const { ms, outcome = 'ok' } = end(id, busy, roll)
          open.push({ ticket, id, atMs: atMs + ms, ms, outcome })
        }
        await plane.advance(forMs / count)
      }
      settle(Number.POSITIVE_INFINITY)
      return refused
    },
  }
}
