import type { TestContext } from 'node:test'
import { bridgeOf } from '../../agents/bridge/agent-bridge.ts'
import type { EmbeddedStore } from '../../agents/bridge/embedded-store.ts'
import { InlineSequencer } from '../../agents/bridge/inline-sequencer.ts'
import { rollDie } from '../../agents/kit/dice.ts'
import type { AnyAgent } from '../../agents/kit/grammar/agent.ts'
import type { Draft, Signal } from '../../agents/kit/grammar/signal.ts'
import type { Mounted } from '../../agents/kit/grammar/skill.ts'
import type { AgentReport } from '../../agents/kit/member/status.ts'
import { Crew } from '../../agents/kit/run/crew.ts'
import { VirtualClock } from '../../agents/kit/virtual/virtual-clock.ts'
import type { Box } from '../../engine/box/box.ts'
import type { ConfigInput } from '../../engine/config/schema.ts'
import { createSignalbox } from '../../engine/index.ts'
import { planeOf } from '../../engine/plane/plane.ts'
import { putClockForward } from '../../engine/writer.ts'

/** A start of virtual time that the real clock does not catch up with, on regions that were just made. */
const START_MS = 1_000_000

/** One way to the store. */
const STORE_MS = 2

export interface SeveralOptions {
  readonly config?: ConfigInput
  readonly seed?: number
  /** False: the nodes have nothing to agree through. */
  readonly hasStore?: boolean
}

/** A node with a box and some agents in one crew, all in this thread. */
export class Node {
  readonly name: string
  readonly box: Box
  /** All that its agents have told, in order. */
  readonly told: Signal[] = []
  readonly reports = new Map<string, AgentReport>()
  readonly faults: string[] = []
  readonly stores: EmbeddedStore[] = []
  crew: Crew | undefined
  incarnation = 0

  constructor(name: string, box: Box) {
    this.name = name
    this.box = box
  }

  hear(draft: Draft, more: Partial<Signal> = {}): void {
    this.crew?.hear({
      id: `${this.name}-x`,
      specversion: '1.0',
      source: '/test',
      time: '2026-01-01T00:00:00Z',
      ...draft,
      ...more,
    })
  }

  /** What its agents said, without the first word of each type. */
  said(beginning = ''): string[] {
    return this.told
      .map(({ type, subject = '' }) => `${type.split('.').slice(1).join('.')} ${subject}`.trim())
      .filter(each => each.startsWith(beginning))
  }

  state<State>(agent: string): State {
    return this.crew!.runners.find(runner => runner.agent.name === agent)!.state as State
  }

  slice<Slice>(agent: string, mounted: Mounted<Slice>): Slice {
    return this.crew!.runners.find(runner => runner.agent.name === agent)!.slice(mounted)
  }
}

/** Some nodes in one virtual time, over one store. */
export class SeveralNodes {
  readonly clock: VirtualClock
  readonly sequencer: InlineSequencer
  readonly nodes: readonly Node[]
  readonly #agents: (node: string) => readonly AnyAgent[]
  readonly #hasStore: boolean
  #seed: number

  private constructor(
    agents: (node: string) => readonly AnyAgent[],
    nodes: readonly Node[],
    clock: VirtualClock,
    options: SeveralOptions,
  ) {
    this.#agents = agents
    this.nodes = nodes
    this.clock = clock
    this.sequencer = new InlineSequencer({ clock, keeps: true, delayMs: () => STORE_MS })
    this.#hasStore = options.hasStore ?? true
    this.#seed = options.seed ?? 1
  }

  static async of(
    t: TestContext,
    agents: readonly AnyAgent[] | ((node: string) => readonly AnyAgent[]),
    names: readonly string[],
    options: SeveralOptions = {},
  ): Promise<SeveralNodes> {
    const { config = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } } } = options
    const boxes: Box[] = []
    for (const _ of names) boxes.push(await createSignalbox(config))
    const clock = new VirtualClock(START_MS, now => {
      for (const { attachment } of boxes) putClockForward(attachment.region, now)
    })
    const nodes = names.map((name, i) => new Node(name, boxes[i]!))
    const several = new SeveralNodes(typeof agents === 'function' ? agents : () => agents, nodes, clock, options)
    for (const node of nodes) several.start(node)
    t.after(async () => {
      for (const { crew, box } of nodes) {
        crew?.close()
        await box.close()
      }
      several.sequencer.close()
    })
    return several
  }

  /** Starts its agents, or another incarnation of them. */
  start(node: Node): void {
    const { clock } = this
    const dice = (): number => {
      const die = rollDie(this.#seed)
      this.#seed = die.seed
      return die.value
    }
    node.incarnation++
    const crew = new Crew(
      this.#agents(node.name),
      node.incarnation,
      { config: node.box.config, configVersion: 1 },
      {
        ...{
          clock,
          dice,
          attachment: planeOf(node.box.attachment),
          machine: undefined,
          node: node.name,
          heartbeatMs: 5_000,
        },
        soon: callback => void clock.later(0, callback),
        send: () => 0,
        listen() {},
        told: (_agent, signal) => node.told.push(signal),
        wrote() {},
        reported: (agent, report) => node.reports.set(agent, report),
        fault: ({ message }) => node.faults.push(message),
        mayWrite: () => node.crew === crew,
        bridge: bridged => {
          if (!this.#hasStore) return undefined
          const store = this.sequencer.open({ patienceMs: 200 })
          node.stores.push(store)
          // On several nodes a name says where it is.
          const agent = { ...bridged.agent, name: `${bridged.agent.name}@${node.name}` }
          return bridgeOf({ ...bridged, agent }, store, clock, dice)
        },
      },
    )
    node.crew = crew
    crew.start(clock.now(), node.incarnation)
  }

  /** Its agents are gone, without a word to anybody. */
  kill(node: Node): void {
    this.cutOff(node)
    node.crew?.close()
    node.crew = undefined
    node.stores.length = 0
  }

  /** It does not reach the store any more. */
  cutOff(node: Node): void {
    for (const store of node.stores) store.leave()
  }

  reconnect(node: Node): void {
    for (const store of node.stores) this.sequencer.join(store)
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.preciseMs() + ms
    while (this.clock.step(untilMs)) await settle()
    this.clock.advance(untilMs - this.clock.preciseMs())
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 24; turn++) await null
}
