import {
  type AgentStatus,
  type Attachment,
  type ControlLink,
  type RunningControl,
  SignalboxError,
} from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { AnyAgent } from '../grammar/agent.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import { sourceAway } from '../grammar/source.ts'
import { nodeLeft } from '../member/membership-signals.ts'
import type { Journal } from '../outside/journal.ts'
import { Liaison } from '../outside/liaison.ts'
import type { AgentBridge, Bridged } from '../run/crew.ts'
import { Stamp } from '../run/stamp.ts'
import { parentLost } from '../supervision/parent-lost.ts'
import { plan } from '../supervision/placement.ts'
import type { RosterEntry } from '../supervision/roster-entry.ts'
import type { TreeOrder } from '../supervision/supervision.ts'
import { stateOf } from '../supervision/thread-state.ts'
import { tellTidings } from '../supervision/tidings.ts'
import { TreeRunner } from '../supervision/tree-runner.ts'
import { unknownAgent } from '../supervision/unknown-agent.ts'
import type { TestPlaneOptions, VirtualPlace } from './virtual-plane.ts'
import { type VirtualGround, VirtualThread } from './virtual-thread.ts'

/** What a thread takes to start. */
const SPAWN_MS = 35

/** Gives an agent a way to agree with others, in this time. */
export type Bridging = (agent: Bridged, clock: Clock, dice: Dice) => AgentBridge | undefined

export interface RunningPorts {
  readonly clock: Clock
  readonly dice: Dice
  readonly attachment: Attachment
  readonly kinds: readonly AnySignalKind[]
  readonly bridge: Bridging
  readonly options: TestPlaneOptions
  /** Left out: it is alone. */
  readonly place: VirtualPlace | undefined
  onClosed(): void
}

/** The plane at work: the same tree of supervisors over threads that are none. */
export class RunningPlane implements RunningControl {
  readonly #ports: RunningPorts
  readonly #link: ControlLink
  readonly #threads: readonly VirtualThread[]
  readonly #liaison: Liaison
  readonly #ground: VirtualGround
  readonly #tree: TreeRunner
  readonly #stamp: Stamp
  #booted: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(
    roster: readonly RosterEntry[],
    definitions: ReadonlyMap<string, AnyAgent>,
    link: ControlLink,
    ports: RunningPorts,
  ) {
    const { clock, dice, attachment, kinds, bridge, options, place } = ports
    const {
      agents: _,
      actions: __,
      sensors = {},
      seed: ___,
      roster: ____,
      threads = 'grouped',
      heartbeatMs = 5_000,
      machine,
      ...supervision
    } = options
    this.#ports = ports
    this.#link = link
    this.#stamp = new Stamp('supervisor', clock, dice)
    this.#liaison = new Liaison({
      ...{ clock, dice, attachment, kinds },
      hearers: () =>
        this.#threads.flatMap(({ crew }) =>
          crew === undefined
            ? []
            : [
                {
                  hear: async signal => crew.hear(signal, true),
                  deadLetters: async () => crew.deadLetters(),
                  redrive: async agent => crew.redrive(agent),
                },
              ],
        ),
      knows: name => definitions.has(name),
      describe: () =>
        this.status()
          .map(({ name, state }) => `${name} ${state}`)
          .join('; '),
    })
    this.#ground = {
      ...{ clock, dice, attachment, machine, bootMs: clock.now(), heartbeatMs },
      node: place?.node ?? link.node ?? 'local',
      incarnationsBefore: place?.incarnationsBefore ?? 0,
      ...(place && { sendAway: (...what: Parameters<VirtualPlace['sendAway']>) => place.sendAway(...what) }),
      inForce: { config: link.config, configVersion: link.configVersion },
      liaison: this.#liaison,
      log: link.log,
      send: (from, signal) => this.#send(from, signal),
      bridge: agent => bridge(agent, clock, dice),
      look: ({ name, isOutside }) => sensors[name] ?? (isOutside ? null : undefined),
    }
    const { threads: plans, root } = plan(roster, threads, 1_000, supervision)
    this.#threads = plans.map(each => {
      const agents = each.agents.map(({ name }) => definitions.get(name)!)
      return new VirtualThread(each, agents, this.#ground, reason =>
        this.#tree.take({ event: 'ended', id: each.id, isFault: true, reason }),
      )
    })
    this.#tree = new TreeRunner(root, {
      nowMs: () => clock.preciseMs(),
      dice,
      later: (delayMs, callback) => clock.later(delayMs, callback),
      perform: order => this.#perform(order),
    })
  }

  get journal(): Journal {
    return this.#liaison.journal
  }

  get isBooting(): boolean {
    return this.#booted !== undefined
  }

  boot(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#booted = { resolve, reject }
      this.#tree.take({ event: 'boot' })
    })
  }

  runner(agent: string) {
    const found = this.#threads.flatMap(({ crew }) => crew?.runners ?? []).find(runner => runner.agent.name === agent)
    if (found === undefined) throw this.#unknown(agent, 'look at')
    return found
  }

  /** Another node says something. It is noted as what is told here, so that a chain of causes leads on to other nodes. */
  hearAway(signal: Signal, isTelemetry: boolean): void {
    if (!isTelemetry) this.journal.told(signal)
    this.hearAll(signal)
  }

  /** Says to all other nodes that this one leaves. */
  sayGoodbye(): void {
    const { place } = this.#ports
    if (place === undefined) return
    const signal = this.#stamp.signal(nodeLeft.of({ node: place.node }, place.node), undefined)
    place.sendAway({ ...signal, source: sourceAway(place.node, signal.source) }, undefined, false)
  }

  hearAll(signal: Signal): void {
    for (const { crew } of this.#threads) crew?.hear(signal)
  }

  status(): AgentStatus[] {
    return this.#threads.flatMap(thread => thread.status(stateOf(this.#tree.state, thread)))
  }

  reload(config: ControlLink['config'], configVersion: number): void {
    this.#ground.inForce = { config, configVersion }
    for (const { id, crew } of this.#threads) {
      if (crew?.reload(this.#ground.inForce) === false) {
        this.#tree.take({ event: 'renewed', id, reason: 'it is to start with another config' })
      }
    }
  }

  async kill(name: string): Promise<void> {
    const thread = this.#threads.find(({ plan: { agents } }) => agents.some(agent => agent.name === name))
    if (thread === undefined) throw this.#unknown(name, 'kill')
    this.#tree.take({ event: 'convicted', id: thread.id, reason: 'it was killed' })
  }

  async close(): Promise<void> {
    this.#tree.take({ event: 'close' })
    this.#ports.onClosed()
    this.#ports.attachment.close()
  }

  ask = (...question: Parameters<Liaison['ask']>) => this.#liaison.ask(...question)
  hear = (...wish: Parameters<Liaison['hear']>) => this.#liaison.hear(...wish)
  report = (name: string) => this.#liaison.report(name)
  explain = (...what: Parameters<Liaison['explain']>) => this.#liaison.explain(...what)
  deadLetters = () => this.#liaison.deadLetters()
  redrive = (agent?: string) => this.#liaison.redrive(agent)

  /** Other threads hear it in a moment of its own, as they would. */
  #send(from: VirtualThread, signal: Signal): number {
    const others = this.#threads.filter(
      thread => thread !== from && thread.crew?.runners.some(runner => runner.listensTo(signal.type)),
    )
    for (const { crew } of others) this.#ports.clock.later(0, () => crew!.hear(signal))
    return others.length
  }

  #perform(order: TreeOrder): void {
    switch (order.order) {
      case 'start':
        this.#thread(order.id).start(SPAWN_MS, () => this.#tree.take({ event: 'started', id: order.id }))
        break
      case 'orphan':
        if (order.isTold)
          this.#thread(order.id).crew?.hear(this.#stamp.signal(parentLost.of({ thread: order.parent }), undefined))
        break
      case 'stop':
        this.#thread(order.id).end('it was stopped')
        break
      case 'end':
        this.#thread(order.id).end(order.reason)
        break
      case 'tell':
        tellTidings(order.tidings, order.tidings.id, this.#link.log)
        break
      case 'booted':
        this.#booted?.resolve()
        this.#booted = undefined
        break
      case 'boot-failed':
        this.#booted?.reject(new SignalboxError('SBX_AGENT_FAILED', `Cannot start ${order.id}: ${order.reason}`))
        this.#booted = undefined
        break
      default:
    }
  }

  #thread(id: string): VirtualThread {
    return this.#threads.find(thread => thread.id === id)!
  }

  #unknown(name: string, wish: string): SignalboxError {
    return unknownAgent(
      wish,
      name,
      this.status().map(agent => agent.name),
    )
  }
}
