import { type Control, SignalboxError } from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { Signal } from '../grammar/signal.ts'
import type { Network } from './network.ts'
import { NodeClock } from './node-clock.ts'
import type { Bridging } from './running-plane.ts'
import { diceOf, type TestControlPlane, type VirtualPlace, type VirtualPlane } from './virtual-plane.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Bytes of JSON that telemetry may have, as one datagram, and a fact. */
const TELEMETRY_BYTES_MAX = 1_200
const FACT_BYTES_MAX = 65_536

/** Monotonic clocks of nodes, and of one node in another life, begin so far apart, in ms. */
const CLOCKS_APART_MS = 7_654_321
/** More incarnations than agents have in one life of their node. */
const INCARNATIONS_A_LIFE = 1_000_000

/** What a node runs over: a box. */
export interface Opened {
  close(): Promise<void>
}

/** What all nodes of a cluster share, and what each is made of. */
export interface NodeGround<Box extends Opened> {
  readonly time: VirtualTime
  readonly network: Network
  readonly seed: number
  /** All of them, in the order they were made. */
  readonly nodes: ReadonlyMap<string, VirtualNode<Box>>
  /** The plane of one life of a node. */
  plane(place: VirtualPlace): VirtualPlane
  /** A way for its agents to agree with those of other nodes, and how that ends. */
  bridging(node: string, clock: NodeClock): { readonly bridge: Bridging; end(): void }
  open(control: Control, node: string): Promise<Box>
}

/** One node of a simulated cluster: a box with its agents, a clock, a place in the network, and one life after another. */
export class VirtualNode<Box extends Opened> {
  readonly name: string
  /** 0 before its first start; one more with each. */
  life = 0
  /** Signals that were too long to be sent. */
  tooLong = 0
  readonly #ground: NodeGround<Box>
  readonly #index: number
  #alive: Alive<Box> | undefined
  /** Of its wall clock, which goes on from one life to the next. */
  #skewMs = 0

  constructor(name: string, index: number, ground: NodeGround<Box>) {
    this.name = name
    this.#index = index
    this.#ground = ground
  }

  get isUp(): boolean {
    return this.#alive !== undefined
  }

  get box(): Box {
    return this.#life('look at').box!
  }

  get plane(): TestControlPlane {
    return this.#life('look at').plane
  }

  get clock(): Clock {
    return this.#life('look at').clock
  }

  /** Begins another life: nothing is left of the one before but the name. */
  async start(): Promise<void> {
    if (this.isUp) throw invalid(this.name, 'start', 'it runs already')
    const { time, seed, open } = this.#ground
    const life = ++this.life
    const clock = new NodeClock(time.clock, CLOCKS_APART_MS * (this.#index + 1) + (life - 1) * 1_234_567)
    clock.skewMs = this.#skewMs
    const { bridge, end } = this.#ground.bridging(this.name, clock)
    const dice = this.#diceOf(seed, life)
    const plane = this.#ground.plane({
      ...{ time, clock, dice, node: this.name, incarnationsBefore: (life - 1) * INCARNATIONS_A_LIFE, bridge },
      sendAway: (signal, to, isTelemetry) => (this.life === life ? this.#send(signal, to, isTelemetry) : 0),
    })
    const alive: Alive<Box> = { plane, clock, end, box: undefined }
    this.#alive = alive
    alive.box = await open(plane, this.name)
  }

  /** Ends as a process that is killed: it says nothing any more, to nobody. */
  async kill(): Promise<void> {
    const { box, clock, end } = this.#life('kill')
    this.#alive = undefined
    clock.end()
    end()
    await box!.close()
  }

  /** Leaves in good order: the others are told, and what it holds is given back. */
  async leave(): Promise<void> {
    const { plane, box, clock, end } = this.#life('close')
    plane.control.sayGoodbye()
    await box!.close()
    this.#alive = undefined
    clock.end()
    end()
  }

  stop(ms: number): void {
    this.#life('stop').clock.stop(ms)
  }

  starve(factor: number, turnMs: number): void {
    this.#life('starve').clock.starve(factor, turnMs)
  }

  skewClock(ms: number): void {
    this.#skewMs = ms
    if (this.#alive !== undefined) this.#alive.clock.skewMs = ms
  }

  /** A message for it is here. False: nobody reads it. */
  receive(text: string, isTelemetry: boolean): boolean {
    const { plane, clock, box } = this.#alive ?? {}
    if (box === undefined) return false
    return clock!.arrive(() => plane!.control.hearAway(JSON.parse(text) as Signal, isTelemetry))
  }

  /** As the text it would be on a wire: whoever hears it shares nothing with who said it. */
  #send(signal: Signal, to: string | undefined, isTelemetry: boolean): number {
    const text = JSON.stringify(signal)
    if (Buffer.byteLength(text) > (isTelemetry ? TELEMETRY_BYTES_MAX : FACT_BYTES_MAX)) {
      this.tooLong++
      return 0
    }
    const { network, nodes } = this.#ground
    const others = [...nodes.values()].filter(({ name }) => name !== this.name && (to === undefined || name === to))
    for (const other of others) network.send(this.name, other.name, () => other.receive(text, isTelemetry))
    return others.length
  }

  #diceOf(seed: number, life: number): Dice {
    return diceOf(Math.imul(seed, 0x9e3779b1) + this.#index * 0x85eb + life * 0x27d4)
  }

  #life(wish: string): Alive<Box> {
    if (this.#alive === undefined) throw invalid(this.name, wish, 'it does not run, start it')
    return this.#alive
  }
}

interface Alive<Box> {
  readonly plane: VirtualPlane
  readonly clock: NodeClock
  end(): void
  /** Undefined as long as it starts. */
  box: Box | undefined
}

function invalid(node: string, wish: string, state: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot ${wish} node ${node}: ${state}`)
}
