import {
  attach,
  type Control,
  type ControlLink,
  putClockForward,
  type RunningControl,
  SignalboxError,
} from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import { type Dice, rollDie } from '../dice.ts'
import type { Action } from '../grammar/action.ts'
import type { AnyAgent } from '../grammar/agent.ts'
import type { AnySensor } from '../grammar/sensor.ts'
import type { AnySignalKind, Draft, Signal } from '../grammar/signal.ts'
import type { Machine } from '../machine.ts'
import type { Journal } from '../outside/journal.ts'
import { Stamp } from '../run/stamp.ts'
import { checkRoster, checkSupervision } from '../supervision/check-roster.ts'
import type { Placement, SupervisionOptions } from '../supervision/placement.ts'
import type { RosterEntry } from '../supervision/roster-entry.ts'
import { withFakes } from './fake-actions.ts'
import type { Bridging, RunningPlane } from './running-plane.ts'
import { VirtualTime } from './virtual-time.ts'

export interface TestPlaneOptions extends SupervisionOptions {
  /** In place of agents of the roster, by name: another definition, or null to leave one out. */
  readonly agents?: Readonly<Record<string, AnyAgent | null>>
  /** In place of what actions do, those of skills too, by name. One that says that it reaches outside the process, and is not named, never answers. */
  // biome-ignore lint/suspicious/noExplicitAny: each action has params and a result of its own
  readonly actions?: Readonly<Record<string, Action<any, any, any>['run']>>
  /** What sensors see, by name. One that looks outside the process and is not named does not look. */
  readonly sensors?: Readonly<Record<string, AnySensor['read']>>
  /** The agents, in the order they start. Default: ROSTER. Their modules are loaded into this thread. */
  readonly roster?: readonly RosterEntry[]
  /** Which agents share a thread, and so are restarted together. Default: `grouped`. */
  readonly threads?: Placement
  /** All of chance follows from it; 1 by default. Two planes with one seed that are told the same do the same. */
  readonly seed?: number
  /** From one heartbeat of an agent to the next, in ms; 5,000 by default. */
  readonly heartbeatMs?: number
  /** How the process is doing, as the test has it; left out: nobody can say, and who looks sees nothing. */
  readonly machine?: Machine
}

/** A control plane whose time passes when a test says so. Before createSignalbox has started it, most of it throws SBX_AGENT_INVALID. */
export interface TestControlPlane extends Control {
  /** Lets so many ms pass, with all that falls due in them and all that follows, in the order it falls due. */
  advance(ms: number): Promise<void>
  /** Goes to the next moment at which anything is due, and lets that happen; false: nothing ever will. */
  step(): Promise<boolean>
  /** ms on the region's clock. */
  readonly nowMs: number
  /** Facts that were told and words that were written, with what each followed from. */
  readonly journal: Journal
  /** What an agent knows now. Throws SBX_AGENT_UNKNOWN where there is none of that name, or it is down. */
  state(agent: string): unknown
  /** Has the agents hear something now, as if another had said it. What is not as its kind says becomes a dead letter. */
  hear(draft: Draft): void
  /** What supervises it: `kill`, `status`, `ask`, `explain`, `deadLetters`. */
  readonly control: RunningControl
}

/** Where a plane is that is one of several: a node, in a time that all of them share. */
export interface VirtualPlace {
  readonly time: VirtualTime
  readonly clock: Clock
  readonly dice: Dice
  readonly node: string
  /** Added to the incarnations of its agents: those of a later life of the node are greater. */
  readonly incarnationsBefore: number
  readonly bridge: Bridging
  /** See CrewPorts.sendAway. */
  sendAway(signal: Signal, to: string | undefined, isTelemetry: boolean): number
}

/** See createTestControlPlane. What it runs with is loaded at its start: the door it comes by is loaded in every thread of agents too. */
export class VirtualPlane implements TestControlPlane {
  readonly dice: number
  readonly #options: TestPlaneOptions
  readonly #roster: readonly RosterEntry[]
  readonly #kinds: readonly AnySignalKind[]
  readonly #loadBridging: () => Promise<Bridging>
  readonly #time: VirtualTime
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #place: VirtualPlace | undefined
  #running: RunningPlane | undefined

  constructor(
    roster: readonly RosterEntry[],
    kinds: readonly AnySignalKind[],
    loadBridging: () => Promise<Bridging>,
    options: TestPlaneOptions,
    place?: VirtualPlace,
  ) {
    const {
      agents: _,
      actions: __,
      sensors: ___,
      threads: ____,
      seed: _____,
      roster: ______,
      heartbeatMs: _______,
      machine: ________,
      ...supervision
    } = options
    checkRoster(roster)
    checkSupervision(supervision)
    this.#options = options
    this.dice = options.seed ?? 1
    this.#roster = roster.filter(({ name }) => options.agents?.[name] !== null)
    this.#kinds = kinds
    this.#loadBridging = loadBridging
    this.#place = place
    this.#time = place?.time ?? new VirtualTime()
    this.#clock = place?.clock ?? this.#time.clock
    this.#dice = place?.dice ?? diceOf(options.seed ?? 1)
  }

  async start(link: ControlLink): Promise<RunningControl> {
    if (this.#running !== undefined) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        'Cannot start the test plane: it runs already, make one for each box',
      )
    }
    const attachment = attach(link.handle)
    putClockForward(attachment.region, this.#clock.now())
    const callOff = this.#time.onMove(() => putClockForward(attachment.region, this.#clock.now()))
    // What the box noted by the real clock, before there was this one, is not the same in any two runs.
    for (const { rows } of attachment.serviceTexts()) {
      for (const row of rows) attachment.endpoints.setHealthySince(row, this.#clock.now())
    }
    const knobs: Record<string, unknown> = link.config.agents
    const isEnabled = (name: string): boolean => (knobs[name] as { enabled: boolean } | undefined)?.enabled !== false
    const [{ enabledOf }, { RunningPlane }, bridge] = await Promise.all([
      import('../supervision/placement.ts'),
      import('./running-plane.ts'),
      this.#place?.bridge ?? this.#loadBridging(),
    ])
    const roster = enabledOf(this.#roster, isEnabled)
    const definitions = new Map<string, AnyAgent>()
    for (const entry of roster) definitions.set(entry.name, await this.#definitionOf(entry))
    const running = new RunningPlane(roster, definitions, link, {
      ...{ clock: this.#clock, dice: this.#dice, attachment, kinds: this.#kinds, bridge, options: this.#options },
      ...{ place: this.#place, onClosed: callOff },
    })
    this.#running = running
    const booting = running.boot()
    while (running.isBooting) await this.step()
    await booting
    return running
  }

  advance(ms: number): Promise<void> {
    return this.#time.advance(ms)
  }

  step(): Promise<boolean> {
    return this.#time.step()
  }

  get nowMs(): number {
    return this.#clock.now()
  }

  get control(): RunningPlane {
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
    return { ...withFakes(definition, actions), name }
  }
}

/** Dice of which all throws follow from a seed. */
export function diceOf(seed: number): Dice {
  let last = seed
  return () => {
    const die = rollDie(last)
    last = die.seed
    return die.value
  }
}
