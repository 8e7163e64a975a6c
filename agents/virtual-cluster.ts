import { type Control, SignalboxError } from '../engine/writer.ts'
import { KINDS } from './kinds.ts'
import { Network } from './kit/virtual/network.ts'
import type { TestCluster, TestClusterOptions, TestNode } from './kit/virtual/test-cluster.ts'
import { type NodeGround, type Opened, VirtualNode } from './kit/virtual/virtual-node.ts'
import { diceOf, VirtualPlane } from './kit/virtual/virtual-plane.ts'
import { VirtualTime } from './kit/virtual/virtual-time.ts'
import { ROSTER } from './roster.ts'
import { VirtualStore } from './virtual-store.ts'

/** How long the turns are in which a node that starves gets its part, in ms. */
const STARVING_TURN_MS = 2_000

/** See createTestCluster. */
export class VirtualCluster<Box extends Opened> implements TestCluster<Box> {
  readonly network: Network
  readonly #time = new VirtualTime()
  readonly #store: VirtualStore
  readonly #nodes = new Map<string, VirtualNode<Box>>()

  constructor(options: TestClusterOptions<Box>) {
    const { nodes, seed = 1, open, ...plane } = options
    const { clock } = this.#time
    this.network = new Network(clock, diceOf(seed))
    this.#store = new VirtualStore(clock, this.network)
    const ground: NodeGround<Box> = {
      ...{ time: this.#time, network: this.network, seed, nodes: this.#nodes },
      open: (control: Control, node: string) => open(control, node),
      bridging: (node, nodeClock) => this.#store.bridging(node, nodeClock),
      plane(place) {
        const alone = async (): Promise<never> => Promise.reject(new Error('a node of a cluster has a place'))
        return new VirtualPlane(options.roster ?? ROSTER, KINDS, alone, plane, place)
      },
    }
    for (const [index, name] of namesOf(nodes).entries()) this.#nodes.set(name, new VirtualNode(name, index, ground))
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  node(name: string): TestNode<Box> {
    return this.#node(name)
  }

  /** Starts those that do not run, one after the other, so that any two runs are the same. */
  async startAll(): Promise<void> {
    for (const node of this.#nodes.values()) if (!node.isUp) await node.start()
  }

  advance(ms: number): Promise<void> {
    return this.#time.advance(ms)
  }

  step(): Promise<boolean> {
    return this.#time.step()
  }

  get nowMs(): number {
    return this.#time.clock.preciseMs()
  }

  partition(groups: readonly (readonly string[])[]): void {
    this.network.partition(groups)
  }

  oneWay(from: string, to: string): void {
    this.network.cut(from, to)
  }

  heal(): void {
    this.network.mend()
  }

  stop(name: string, ms: number): void {
    this.#node(name).stop(ms)
  }

  kill(name: string): Promise<void> {
    return this.#node(name).kill()
  }

  leave(name: string): Promise<void> {
    return this.#node(name).leave()
  }

  start(name: string): Promise<void> {
    return this.#node(name).start()
  }

  skewClock(name: string, ms: number): void {
    this.#node(name).skewClock(ms)
  }

  starve(name: string, factor: number, turnMs = STARVING_TURN_MS): void {
    this.#node(name).starve(factor, turnMs)
  }

  storeDown(ms: number): void {
    this.#store.down(ms)
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) if (node.isUp) await node.kill()
    this.#store.close()
  }

  #node(name: string): VirtualNode<Box> {
    const node = this.#nodes.get(name)
    if (node !== undefined) return node
    const known = this.names.join(', ')
    throw new SignalboxError('SBX_AGENT_UNKNOWN', `Cannot find node ${JSON.stringify(name)}: there are ${known}`)
  }
}

/** As many as are wished, called a, b, c …. */
function namesOf(nodes: number | readonly string[]): readonly string[] {
  return typeof nodes === 'number'
    ? Array.from({ length: nodes }, (_, i) => (i < 26 ? String.fromCharCode(97 + i) : `n${i}`))
    : nodes
}
