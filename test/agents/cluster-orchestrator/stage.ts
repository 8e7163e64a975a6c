import type { TestContext } from 'node:test'
import { clusterOrchestrator } from '../../../agents/cluster-orchestrator/agent.ts'
import { consensusCoordinator } from '../../../agents/consensus-coordinator/agent.ts'
import { createTestControlPlane, ROSTER, type TestControlPlane, type TestPlaneOptions } from '../../../agents/index.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { reply, stay } from '../../../agents/kit/grammar/directive.ts'
import type { Draft, Signal, SignalOf } from '../../../agents/kit/grammar/signal.ts'
import type { Entry } from '../../../agents/kit/outside/journal.ts'
import {
  type cancelAnswered,
  cancelRequested,
  type Figures,
  metricsCollected,
  type OperationName,
  type operationAnswered,
  operationFinished,
  operationRequested,
  type operationsListed,
  operationsRequested,
  policyRequested,
  policyTaken,
  rebalanceDone,
  rebalanceRequested,
} from '../../../agents/signals.ts'
import type { Box } from '../../../engine/box/box.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'
import { createSignalbox } from '../../../engine/index.ts'

/** A load balancer that does as it is told at once, and remembers what it was told. */
export const obedient = defineAgent({
  ...{ name: 'load-balancer', role: 'load-balancer', listens: [rebalanceRequested, policyRequested] },
  emits: [rebalanceDone, policyTaken],
  start: () => stay([] as readonly string[]),
  decide(told, signal) {
    const { service } = signal.data
    if (signal.type === 'signalbox.service.rebalance') {
      const done = rebalanceDone.of({ service, unevennessBefore: 0.6, unevennessAfter: 0.1 })
      return { state: [...told, `rebalance ${service}`], directives: [reply(signal, done)] }
    }
    const { policy } = signal.data
    const taken = policyTaken.of({ service, policy, before: 'round-robin', refused: '' })
    return { state: [...told, `policy ${service} ${policy}`], directives: [reply(signal, taken)] }
  },
})

/** One that keeps what it is told to itself. */
export const silent = (name: string) =>
  defineAgent({ ...{ name, role: name }, start: () => stay(null), decide: state => stay(state) })

export const FOUR: ConfigInput = {
  services: {
    api: {
      policy: 'round-robin',
      endpoints: ['a', 'b', 'c', 'd'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
    },
  },
}

export interface StageOptions extends TestPlaneOptions {
  readonly config?: ConfigInput
  /** Agents of the roster that run; the others are absent. Default: the orchestrator, the coordinator, an obedient load balancer. */
  readonly names?: readonly string[]
}

export class OrchestratorStage {
  readonly plane: TestControlPlane
  readonly box: Box
  readonly lines: string[]

  private constructor(plane: TestControlPlane, box: Box, lines: string[]) {
    this.plane = plane
    this.box = box
    this.lines = lines
  }

  static async of(t: TestContext, { config = FOUR, names, ...options }: StageOptions = {}): Promise<OrchestratorStage> {
    const present = names ?? ['load-balancer', 'consensus-coordinator', 'cluster-orchestrator']
    const plane = createTestControlPlane({
      roster: ROSTER.filter(({ name }) => present.includes(name)),
      ...options,
      agents: {
        'cluster-orchestrator': clusterOrchestrator,
        'consensus-coordinator': consensusCoordinator,
        'load-balancer': obedient,
        ...options.agents,
      },
    })
    const lines: string[] = []
    const box = await createSignalbox(config, {
      control: plane,
      log: (level, message) => lines.push(`${level} ${message}`),
    })
    t.after(() => box.close())
    await plane.advance(500)
    return new OrchestratorStage(plane, box, lines)
  }

  advance(ms: number): Promise<void> {
    return this.plane.advance(ms)
  }

  hear(draft: Draft): void {
    this.plane.hear(draft)
  }

  /** Asks for an operation, and lets a moment pass. */
  async request(
    operation: OperationName,
    options: Record<string, string> = {},
  ): Promise<SignalOf<typeof operationAnswered>['data']> {
    return this.#ask(operationRequested.of({ operation, options, by: 'test' })) as never
  }

  async list(id = ''): Promise<SignalOf<typeof operationsListed>['data']> {
    return this.#ask(operationsRequested.of({ id })) as never
  }

  async cancel(id: string): Promise<SignalOf<typeof cancelAnswered>['data']> {
    return this.#ask(cancelRequested.of({ id, by: 'test' })) as never
  }

  async #ask(draft: Draft): Promise<unknown> {
    let answer: unknown
    let fault: Error | undefined
    this.plane.control.ask!(draft, { timeoutMs: 5_000 }).then(
      ({ data }) => (answer = data),
      error => (fault = error),
    )
    for (let i = 0; i < 20 && answer === undefined && fault === undefined; i++) await this.advance(20)
    if (fault !== undefined) throw fault
    return answer
  }

  /** Facts of the journal of these kinds, in order. */
  told(...types: readonly string[]): Signal[] {
    const entries = this.plane.journal
      .toJsonl()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Entry)
    return entries
      .flatMap(entry => (entry.kind === 'signal' ? [entry.signal] : []))
      .filter(({ type }) => types.some(each => type.startsWith(each)))
  }

  /** What became of an operation; undefined: it runs. */
  finished(id: string): SignalOf<typeof operationFinished>['data'] | undefined {
    return this.told(operationFinished.type)
      .map(({ data }) => data as SignalOf<typeof operationFinished>['data'])
      .find(each => each.id === id)
  }

  /** Who is not picked, and what by. */
  out(): string[] {
    return this.box
      .explain('api')
      .endpoints.filter(({ isPickable }) => !isPickable)
      .map(({ id, bars }) => `${id} ${bars.join('+')}`)
  }

  /** The metrics collector says how requests went. */
  metrics(more: Partial<Figures>, service = 'api'): void {
    const figures: Figures = {
      ...{
        requests: 1_000,
        perSecond: 100,
        errorShare: 0,
        latencyUsP50: 10_000,
        latencyUsP95: 30_000,
        latencyUsP99: 50_000,
      },
      ...more,
    }
    const services = [{ service, last10s: figures, last60s: figures }]
    this.hear(metricsCollected.of({ services, endpoints: [], endpointsLeftOut: 0 }))
  }
}

/** Endpoints that are broken, by port: their checks fail, and they cannot be connected to. */
export function broken(ports: Set<string>): Pick<StageOptions, 'actions'> {
  return {
    actions: {
      'check-endpoint': async ({ row, generation, round, url }) => {
        const hasFailed = ports.has(new URL(url).port)
        return {
          row,
          generation,
          round,
          verdict: hasFailed ? 'failed' : 'passed',
          reason: 'a test',
          isLate: false,
          tookMs: 1,
        }
      },
      'try-connects': async ({ about, urls }) => {
        const connected = Object.entries(urls as Record<string, string>).map(([target, url]) => [
          target,
          !ports.has(new URL(url).port),
        ])
        return { about, connected: Object.fromEntries(connected) }
      },
    },
  }
}

export const dataOf = <Body>(signals: readonly Signal[]): Body[] => signals.map(({ data }) => data as Body)
