import {
  type Attachment,
  attach,
  type Control,
  type ControlLink,
  putClockForward,
  type RunningControl,
  SignalboxError,
} from '../../../engine/writer.ts'
import { type Dice, rollDie } from '../dice.ts'
import type { Action } from '../grammar/action.ts'
import type { AnyAgent } from '../grammar/agent.ts'
import type { AnySignalKind, Draft } from '../grammar/signal.ts'
import type { Journal } from '../outside/journal.ts'
import { Stamp } from '../run/stamp.ts'
import { checkRoster, checkSupervision } from '../supervision/check-roster.ts'
import type { Placement, SupervisionOptions } from '../supervision/placement.ts'
import type { RosterEntry } from '../supervision/roster-entry.ts'
import { withFakes } from './fake-actions.ts'
import type { Bridging, RunningPlane } from './running-plane.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestPlaneOptions extends SupervisionOptions {
  /** In place of agents of the roster, by name: another definition, or null to leave one out. */
  readonly agents?: Readonly<Record<string, AnyAgent | null>>
  /** In place of what actions do, by name: whatever reaches outside the process is better not done in virtual time. */
  // biome-ignore lint/suspicious/noExplicitAny: each action has params and a result of its own
  readonly actions?: Readonly<Record<string, Action<any, any, any>['run']>>
  /** The agents, in the order they start. Default: ROSTER. Their modules are loaded into this thread. */
  readonly roster?: readonly RosterEntry[]
  /** Which agents share a thread, and so are restarted together. Default: `grouped`. */
  readonly threads?: Placement
  /** All of chance follows from it; 1 by default. Two planes with one seed that are told the same do the same. */
  readonly seed?: number
  /** From one heartbeat of an agent to the next, in ms; 5,000 by default. */
  readonly heartbeatMs?: number
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

/** A start of virtual time that the real clock does not catch up with, on a region that was just made. */
const START_MS = 1_000_000
/** After each step so many turns are left to promises: what a fake action awaits must not take more. */
const PROMISE_TURNS = 8

/** See createTestControlPlane. What it runs with is loaded at its start: the door it comes by is loaded in every thread of agents too. */
export class VirtualPlane implements TestControlPlane {
  readonly #options: TestPlaneOptions
  readonly #roster: readonly RosterEntry[]
  readonly #kinds: readonly AnySignalKind[]
  readonly #loadBridging: () => Promise<Bridging>
  readonly #clock: VirtualClock
  readonly #dice: Dice
  #running: RunningPlane | undefined
  #attachment: Attachment | undefined

  constructor(
    roster: readonly RosterEntry[],
    kinds: readonly AnySignalKind[],
    loadBridging: () => Promise<Bridging>,
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
    this.#loadBridging = loadBridging
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
    const [{ enabledOf }, { RunningPlane }, bridge] = await Promise.all([
      import('../supervision/placement.ts'),
      import('./running-plane.ts'),
      this.#loadBridging(),
    ])
    const roster = enabledOf(this.#roster, isEnabled)
    const definitions = new Map<string, AnyAgent>()
    for (const entry of roster) definitions.set(entry.name, await this.#definitionOf(entry))
    const running = new RunningPlane(roster, definitions, link, {
      ...{ clock: this.#clock, dice: this.#dice, attachment, kinds: this.#kinds, bridge, options: this.#options },
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

async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < PROMISE_TURNS; turn++) await null
}
