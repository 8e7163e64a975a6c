import type { Control } from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Network } from './network.ts'
import type { Opened } from './virtual-node.ts'
import type { TestControlPlane, TestPlaneOptions } from './virtual-plane.ts'

export interface TestClusterOptions<Box extends Opened> extends TestPlaneOptions {
  /** How many nodes, called a, b, c …, or their names. */
  readonly nodes: number | readonly string[]
  /** Makes the box of a node, over the control plane it is given: once for each life of the node. */
  open(control: Control, node: string): Promise<Box>
}

/** One node of a cluster, as a test sees it. What needs it to run throws SBX_AGENT_INVALID while it does not. */
export interface TestNode<Box> {
  readonly name: string
  readonly isUp: boolean
  /** Which of its lives this is; 1 is the first. */
  readonly life: number
  readonly box: Box
  /** Its agents; `advance` lets time pass for all nodes. */
  readonly plane: TestControlPlane
  readonly clock: Clock
  /** Signals to other nodes that were too long to be sent. */
  readonly tooLong: number
}

/** Several nodes on one virtual clock, in one network, with one store; see createTestCluster. */
export interface TestCluster<Box> {
  readonly names: readonly string[]
  node(name: string): TestNode<Box>
  /** Delays, losses and cuts of each direction of each link; the store is in it as `store`. */
  readonly network: Network
  /** Lets so many ms pass for all of them. */
  advance(ms: number): Promise<void>
  /** ms since the beginning of time, the same for all of them. */
  readonly nowMs: number
  /** Goes to the next moment at which anything is due; false: nothing ever will. */
  step(): Promise<boolean>
  /** Only within each group anything gets through. Who is named in none, such as `store`, is reached by all. */
  partition(groups: readonly (readonly string[])[]): void
  /** From the one to the other nothing gets through; the other way it does. */
  oneWay(from: string, to: string): void
  /** Nothing is cut any more. */
  heal(): void
  /** As SIGSTOP, and SIGCONT after so many ms: no timer fires, messages wait. */
  stop(node: string, ms: number): void
  /** As SIGKILL. */
  kill(node: string): Promise<void>
  /** Closes it in good order, and says so to the others. */
  leave(node: string): Promise<void>
  /** Another life of a node that was killed or has left; its agents' incarnations are greater than before. */
  start(node: string): Promise<void>
  /** Its wall clock is so many ms ahead of the others from now on. */
  skewClock(node: string, ms: number): void
  /** It gets one part in `factor` of its time, in turns of 2,000 ms by default; 1: all of it again. */
  starve(node: string, factor: number, turnMs?: number): void
  /** The store is gone for so long, for all of them; what it kept is there again afterwards, but for leases. */
  storeDown(ms: number): void
  /** Ends all nodes. */
  close(): Promise<void>
}
