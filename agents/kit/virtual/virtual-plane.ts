import {
  type AgentStatus,
  type Attachment,
  attach,
  type Control,
  type ControlLink,
  putClockForward,
  type RunningControl,
  SignalboxError,
} from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import { rollDie } from '../dice.ts'
import type { Action } from '../grammar/action.ts'
import type { AnyAgent } from '../grammar/agent.ts'
import type { AnySignalKind, Draft, Signal } from '../grammar/signal.ts'
import type { Journal } from '../outside/journal.ts'
import { Liaison } from '../outside/liaison.ts'
import type { AgentBridge, Bridged } from '../run/crew.ts'
import { Stamp } from '../run/stamp.ts'
import { checkRoster, checkSupervision } from '../supervision/check-roster.ts'
import { parentLost } from '../supervision/parent-lost.ts'
import { enabledOf, type Placement, plan, type SupervisionOptions } from '../supervision/placement.ts'
import type { RosterEntry } from '../supervision/roster-entry.ts'
import type { TreeOrder } from '../supervision/supervision.ts'
import { stateOf } from '../supervision/thread-state.ts'
import { tellTidings } from '../supervision/tidings.ts'
import { TreeRunner } from '../supervision/tree-runner.ts'
import { VirtualClock } from './virtual-clock.ts'
import { type VirtualGround, VirtualThread } from './virtual-thread.ts'

export interface TestPlaneOptions extends SupervisionOptions {
  /** In place of agents of the roster, by name: another definition, or null to leave one out. */
  readonly agents?: Readonly<Record<string, AnyAgent | null>>
  /** In place of what actions do, by name: whatever reaches outside the process is better not done in virtual time. */
  // biome-ignore lint/suspicious/noExplicitAny: each action has params and a result of its own
  readonly actions?: Readonly<Record<string, Action<any, any, any>['run']>>
  readonly roster?: readonly RosterEntry[]
  readonly threads?: Placement
  /** All of chance follows from it; 1 by default. Two planes with one seed that are told the same do the same. */
  readonly seed?: number
  /** From one heartbeat of an agent to the next, in ms; 5,000 by default. */
  readonly heartbeatMs?: number
}

/** A control plane whose time passes when a test says so. */
export interface TestControlPlane extends Control {
  /** Lets so many ms pass, with all that falls due in them and all that follows. */
  advance(ms: number): Promise<void>
  /** Goes to the next moment at which anything is due, and lets that happen; false: nothing ever will. */
  step(): Promise<boolean>
  /** ms on the region's clock. */
  readonly nowMs: number
  /** Facts that were told and words that were written, with what each followed from. */
  readonly journal: Journal
  /** What an agent knows now. Throws SBX_AGENT_UNKNOWN. */
  state(agent: string): unknown
  /** Has the agents hear something, as if another had said it. */
  hear(draft: Draft): void
  /** What supervises it, once it has started. */
  readonly control: RunningControl
}

/** A start of virtual time that the real clock does not catch up with, on a region that was just made. */
const START_MS = 1_000_000
/** What a thread takes to start. */
const SPAWN_MS = 35
/** After each step so many turns are left to promises: what a fake action awaits must not take more. */
const PROMISE_TURNS = 8

/** See createTestControlPlane. */
export class VirtualPlane implements TestControlPlane {
  readonly #options: TestPlaneOptions
  readonly #roster: readonly RosterEntry[]
  readonly #kinds: readonly AnySignalKind[]
  readonly #bridge: Bridging
  readonly #clock: VirtualClock
  readonly #dice: Dice
  #running: Running | undefined
  #attachment: Attachment | undefined

  constructor(
    roster: readonly RosterEntry[],
    kinds: readonly AnySignalKind[],
    bridge: Bridging,
    options: TestPlaneOptions,
  ) {
    const {
      agents: _,
      actions: __,
      threads: ___,
      seed: ____,
      roster: _____,
      heartbeatMs: ______,
      ...supervision
    } = options
    checkRoster(roster)
    checkSupervision(supervision)
    this.#options = options
    this.#roster = roster.filter(({ name }) => options.agents?.[name] !== null)
    this.#kinds = kinds
    this.#bridge = bridge
    let { seed = 1 } = options
    this.#dice = () => {
      const die = rollDie(seed)
      seed = die.seed
      return die.value
    }
    this.#clock = new VirtualClock(START_MS, now => {
      if (this.#attachment !== undefined) putClockForward(this.#attachment.region, now)
    })
  }

  async start(link: ControlLink): Promise<RunningControl> {
    if (this.#running !== undefined) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        'Cannot start the test plane: it runs already, make one for each box',
      )
    }
    const attachment = attach(link.handle)
    this.#attachment = attachment
    putClockForward(attachment.region, this.#clock.now())
    // What the box noted by the real clock, before there was this one, is not the same in any two runs.
    for (const { rows } of attachment.serviceTexts()) {
      for (const row of rows) attachment.endpoints.setHealthySince(row, this.#clock.now())
    }
    const knobs: Record<string, unknown> = link.config.agents
    const isEnabled = (name: string): boolean => (knobs[name] as { enabled: boolean } | undefined)?.enabled !== false
    const roster = enabledOf(this.#roster, isEnabled)
    const definitions = new Map<string, AnyAgent>()
    for (const entry of roster) definitions.set(entry.name, await this.#definitionOf(entry))
    const running = new Running(roster, definitions, link, {
      ...{ clock: this.#clock, dice: this.#dice, attachment, kinds: this.#kinds, bridge: this.#bridge },
      options: this.#options,
    })
    this.#running = running
    const booting = running.boot()
    while (running.isBooting) await this.step()
    await booting
    return running
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#clock.preciseMs() + ms
    while (this.#clock.step(untilMs)) await settlePromises()
    this.#clock.advance(untilMs - this.#clock.preciseMs())
    await settlePromises()
  }

  async step(): Promise<boolean> {
    const hasStepped = this.#clock.step()
    await settlePromises()
    return hasStepped
  }

  get nowMs(): number {
    return this.#clock.now()
  }

  get control(): Running {
    if (this.#running === undefined) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        'Cannot use the test plane: it does not run, hand it to createSignalbox as control',
      )
    }
    return this.#running
  }

  get journal(): Journal {
    return this.control.journal
  }

  state(agent: string): unknown {
    return this.control.runner(agent).state
  }

  hear(draft: Draft): void {
    this.control.hearAll(new Stamp('test', this.#clock, this.#dice).signal(draft, undefined))
  }

  async #definitionOf({ name, module }: RosterEntry): Promise<AnyAgent> {
    const { agents = {}, actions = {} } = this.#options
    const definition = agents[name] ?? ((await import(module)) as { default: AnyAgent }).default
    return {
      ...definition,
      name,
      actions: definition.actions.map(action => {
        const run = actions[action.name]
        return run === undefined ? action : { ...action, run }
      }),
    }
  }
}

async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < PROMISE_TURNS; turn++) await null
}

/** Gives an agent a way to agree with others, in this time. */
export type Bridging = (agent: Bridged, clock: Clock, dice: Dice) => AgentBridge | undefined

interface RunningPorts {
  readonly clock: VirtualClock
  readonly dice: Dice
  readonly attachment: Attachment
  readonly kinds: readonly AnySignalKind[]
  readonly bridge: Bridging
  readonly options: TestPlaneOptions
}

/** The plane at work: the same tree of supervisors over threads that are none. */
class Running implements RunningControl {
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
    const { clock, dice, attachment, kinds, bridge, options } = ports
    const {
      agents: _,
      actions: __,
      seed: ___,
      roster: ____,
      threads = 'grouped',
      heartbeatMs = 5_000,
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
                  hear: async signal => crew.hear(signal),
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
      ...{ clock, dice, attachment, bootMs: clock.now(), node: link.node ?? 'local', heartbeatMs },
      ...{ config: link.config, liaison: this.#liaison },
      send: (from, signal) => this.#send(from, signal),
      bridge: agent => bridge(agent, clock, dice),
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

  hearAll(signal: Signal): void {
    for (const { crew } of this.#threads) crew?.hear(signal)
  }

  status(): AgentStatus[] {
    return this.#threads.flatMap(thread => thread.status(stateOf(this.#tree.state, thread)))
  }

  reload(config: ControlLink['config']): void {
    this.#ground.config = config
    for (const { id, crew } of this.#threads) {
      if (crew?.reload(config) === false) {
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
    this.#ports.attachment.close()
  }

  ask = (...question: Parameters<Liaison['ask']>) => this.#liaison.ask(...question)
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

  #unknown(name: string, what: string): SignalboxError {
    const names = this.#threads.flatMap(({ plan: { agents } }) => agents.map(agent => agent.name)).join(', ')
    return new SignalboxError(
      'SBX_AGENT_UNKNOWN',
      `Cannot ${what} agent ${JSON.stringify(name)}: it does not run here, use one of ${names}`,
    )
  }
}
