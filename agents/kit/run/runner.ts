import { setMaxListeners } from 'node:events'
import { SignalboxError } from '../../../engine/writer.ts'
import type { AnyAgent, ConfigInForce, Setup } from '../grammar/agent.ts'
import type { Directive, Step } from '../grammar/directive.ts'
import { check, trusts } from '../grammar/schema.ts'
import type { AgentEdge } from '../grammar/sensor.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import type { AnyMounted, Mounted, Slices } from '../grammar/skill.ts'
import { nodeOf } from '../grammar/source.ts'
import { type DeadLetter, DeadLetters } from './dead-letters.ts'
import { type Delivery, FULL, TAKEN, UNKNOWN } from './delivery.ts'
import { Mailbox, type Waiting } from './mailbox.ts'
import { AGENT, Mind } from './mind.ts'
import { Pace } from './pace.ts'
import { Performer } from './performer.ts'
import type { Ports } from './ports.ts'
import { SignalRoutes } from './signal-routes.ts'
import { Timers } from './timers.ts'

/** What is heard by a pattern alone, and of which no more is known. */
const A_FACT = { isTelemetry: false, overflow: 'drop-oldest' } as const

/** Of what is not checked. */
const GOOD = { isGood: true, value: undefined } as const

/** Of what another node may not say: kinds that stay on their node, and what is heard by a pattern alone. */
const STRAY = { isGood: false, fault: 'another node says it, and it is of no kind that reaches the cluster' } as const

/** Signals dealt with before timers and sockets get a turn. */
const TURN_SIGNALS = 256

/**
 * Runs one agent with its skills: takes signals from its mailbox one at a time, lets them decide, and has performed what they decided,
 * in order. With a virtual clock and fake ports it runs in a test, step by step.
 *
 *   receive ──▶ mailbox ──▶ skills before it · the agent · skills after it ──▶ directives ──▶ performer ──▶ ports
 *                  ▲                                                              │
 *                  └────── schedules, readings, results of actions, answers ◀─────┘
 *
 * What breaks a promise (a decision that throws, a word that is not its own) is not mended here: the runner closes, and whoever
 * supervises it starts another.
 */
export class Runner {
  readonly agent: AnyAgent
  /** Signals that were not dealt with, and why. */
  readonly deadLetters: DeadLetters
  readonly #ports: Ports
  readonly #pace: Pace
  readonly #mailbox: Mailbox
  readonly #performer: Performer
  readonly #timers: Timers
  readonly #minds = new Map<string, Mind>()
  readonly #routes = new SignalRoutes<Mind>()
  /** Without what only its own sensors read: nobody else is taken for one of them. */
  readonly #strangersRoutes = new SignalRoutes<Mind>()
  /** Of the signals that wait or have died, those that no agent says. */
  readonly #strangers = new WeakSet<Signal>()
  readonly #kinds = new Map<string, AnySignalKind>()
  readonly #abort = new AbortController()
  readonly #slices: Slices = { of: mounted => this.slice(mounted) }
  #setup: Setup | undefined
  #isTurning = false

  constructor(agent: AnyAgent, ports: Ports) {
    this.agent = agent
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
    this.deadLetters = new DeadLetters(ports.clock)
    this.#mailbox = new Mailbox(this.deadLetters)
    const fail = (error: unknown): void => this.#fail(error)
    this.#timers = new Timers(ports.clock, fail)
    this.#performer = new Performer(
      {
        ...{ name: agent.name, edge: this.#edge(), timers: this.#timers, pace: this.#pace, fail },
        queued: () => this.queued,
        tell: (signal, party) => this.#tell(signal, party),
      },
      ports,
    )
  }

  /** Signals dealt with. */
  get handled(): number {
    return this.#pace.handled
  }

  /** Signals dropped because the mailbox was full. */
  get dropped(): number {
    return this.#mailbox.dropped
  }

  /** Signals that wait in the mailbox. */
  get queued(): number {
    return this.#mailbox.length
  }

  /** What the agent knows now. For tests and reports. */
  get state(): unknown {
    return this.#minds.get(AGENT)?.state
  }

  /** What a skill of the agent knows now. Throws SBX_AGENT_INVALID where it is not mounted. */
  slice<Slice>(mounted: Mounted<Slice>): Slice {
    const mind = this.#minds.get(mounted.key)
    if (mind === undefined) throw this.#invalid('read a skill', `"${mounted.key}" is not mounted, list it under skills`)
    return mind.state as Slice
  }

  /** Types and patterns that it, or a skill of it, wants from others. */
  get wants(): string[] {
    return [...new Set([...this.#minds.values()].flatMap(({ wants }) => wants))]
  }

  /** Whether it, or a skill of it, wants signals of this type from others. */
  listensTo(type: string): boolean {
    return this.#routes.targets(type).length > 0
  }

  start(setup: Omit<Setup, 'now' | 'seed'>): void {
    const seed = Math.floor(this.#ports.dice() * 2 ** 32) | 0
    const complete = { ...setup, now: this.#ports.clock.now(), seed }
    this.#setup = complete
    this.#do(() => {
      for (const mounted of this.agent.skills) this.#mount(mounted, undefined)
      this.#admit(Mind.ofAgent(this.agent), () => this.agent.start(complete), undefined)
    })
  }

  /** Has the agent go on with another config. False: it does not know how to. */
  reload({ config, configVersion }: ConfigInForce): boolean {
    if (this.agent.reload === undefined) return false
    if (this.#isClosed) return true
    this.#setup = { ...this.#setup!, config, configVersion }
    this.#do(() => {
      for (const mind of this.#minds.values()) {
        if (mind.reload === undefined) continue
        const now = this.#ports.clock.now()
        this.#take(mind, mind.reload(mind.state, config, now, configVersion, this.#slices), undefined)
      }
    })
    return true
  }

  /**
   * A signal from another agent; one that is not what it says becomes a dead letter, as one there is no room for.
   *
   * `isStranger`: no agent says it. Agents trust each other, so of strangers only that is taken which somebody here listens to and whose
   * kind can be checked: neither what only sensors read, nor a kind without a schema, nor what is listened to by a pattern alone.
   */
  receive(signal: Signal, isStranger = false): Delivery {
    const routes = isStranger ? this.#strangersRoutes : this.#routes
    if (this.#isClosed || routes.targets(signal.type).length === 0) return UNKNOWN
    const kind = this.#kinds.get(signal.type)
    if (isStranger && (kind === undefined || trusts(kind.data))) return UNKNOWN
    const isFromAway = nodeOf(signal.source) !== undefined
    // Facts of other threads and all that comes from outside are checked; telemetry of our own threads is what it says.
    const isChecked = kind !== undefined && (isFromAway || isStranger || !kind.isTelemetry) && !trusts(kind.data)
    const verdict = isFromAway && kind?.reach !== 'cluster' ? STRAY : isChecked ? check(kind.data, signal.data) : GOOD
    if (!verdict.isGood) {
      if (isStranger) this.#strangers.add(signal)
      this.deadLetters.add(signal, kind, 'invalid', verdict.fault)
      return { kind: 'invalid', fault: verdict.fault }
    }
    const checked = isChecked ? { ...signal, data: verdict.value } : signal
    if (kind?.answers !== undefined) {
      const question = this.#performer.questions.takeAnswered(signal)
      if (question !== undefined) this.#tell(checked, question.party)
      return TAKEN
    }
    if (isStranger) this.#strangers.add(checked)
    const hasRoom = this.#mailbox.put(checked, kind ?? A_FACT)
    this.#turn()
    return hasRoom ? TAKEN : FULL
  }

  /** Hands its status to whoever supervises it. */
  report(): void {
    this.#ports.report()
  }

  /** Gives dead letters another try, in the order they died. Returns how many; those that come to nothing again are among them. */
  redrive(filter?: (letter: DeadLetter) => boolean): number {
    const signals = this.deadLetters.redrive(filter)
    for (const signal of signals) {
      const { kind } = this.receive(signal, this.#strangers.has(signal))
      if (kind === 'unknown') this.deadLetters.add(signal, this.#kinds.get(signal.type), 'undeliverable')
    }
    return signals.length
  }

  /** Ends it: no timer fires any more, actions are told to abort, late results fall on the floor. */
  close(): void {
    this.#abort.abort()
    for (const mind of this.#minds.values()) mind.close()
    this.#timers.close()
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted
  }

  #edge(): AgentEdge {
    const { clock, edge } = this.#ports
    // Every action under way may listen to it: their number is bounded by the agent, not by a warning.
    setMaxListeners(0, this.#abort.signal)
    return {
      attachment: edge.attachment,
      machine: edge.machine,
      // It may come later, when there is a registry.
      get place() {
        return edge.place
      },
      get bridge() {
        return edge.bridge
      },
      now: () => clock.now(),
      later: (delayMs, callback) => this.#timers.later(delayMs, callback),
      signal: this.#abort.signal,
      self: () => ({ ...this.#pace.take(), queued: this.queued, dropped: this.dropped }),
    }
  }

  /** Does something in its own turn: what it leads to waits until all of it is done. */
  #do(work: () => void): void {
    this.#isTurning = true
    try {
      work()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isTurning = false
    }
    this.#turn()
  }

  #fail(error: unknown): void {
    this.close()
    this.#ports.fault(error instanceof Error ? error : new Error(String(error)))
  }

  #tell(signal: Signal, party: string | undefined): void {
    if (this.#isClosed) return
    this.#mailbox.putOwn(signal, party)
    this.#turn()
  }

  #turn(): void {
    if (this.#isTurning || this.#isClosed) return
    this.#isTurning = true
    try {
      for (let left = TURN_SIGNALS; left > 0 && !this.#isClosed; left--) {
        const waiting = this.#mailbox.take()
        if (waiting === undefined) return
        this.#deliver(waiting)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isTurning = false
    }
    if (this.queued > 0) this.#timers.later(0, () => this.#turn())
  }

  #deliver({ signal, to }: Waiting<string>): void {
    const sinceMs = this.#pace.begin()
    const now = this.#ports.clock.now()
    const routes = this.#strangers.has(signal) ? this.#strangersRoutes : this.#routes
    const minds = to === undefined ? routes.targets(signal.type) : [this.#minds.get(to)]
    for (const mind of minds) {
      if (mind !== undefined) this.#take(mind, mind.decide(mind.state, signal, now, this.#slices), signal)
    }
    this.#pace.end(sinceMs)
  }

  #take(mind: Mind, step: Step<unknown>, cause: Signal | undefined): void {
    mind.state = step.state
    for (const directive of step.directives) this.#perform(mind, directive, cause)
  }

  #perform(mind: Mind, directive: Directive, cause: Signal | undefined): void {
    switch (directive.kind) {
      case 'emit':
        this.#tellKin(mind, this.#performer.emit(mind, directive, cause).signal)
        break
      case 'tell':
        this.#performer.tell(mind, directive, cause)
        break
      case 'ask':
        this.#performer.ask(mind, directive, cause)
        break
      case 'schedule':
        this.#performer.schedule(mind, directive, cause)
        break
      case 'act':
        this.#performer.act(mind, directive, cause)
        break
      case 'mount':
        this.#mount(directive.mounted, cause)
        this.#ports.listen()
        break
      case 'unmount':
        this.#unmount(directive.key)
        this.#ports.listen()
        break
      case 'report':
        this.#ports.report()
        break
      default:
        this.#performer.write(directive, cause)
    }
  }

  /** Other minds of this agent may go on from what one of them says. */
  #tellKin(speaker: Mind, signal: Signal): void {
    for (const mind of this.#minds.values()) {
      if (mind !== speaker && mind.overhears.has(signal.type)) this.#tell(signal, mind.key)
    }
  }

  #mount(mounted: AnyMounted, cause: Signal | undefined): void {
    if (this.#minds.has(mounted.key)) throw this.#invalid('mount a skill', `it has one called "${mounted.key}" already`)
    const setup = { ...this.#setup!, now: this.#ports.clock.now() }
    this.#admit(Mind.ofSkill(mounted), () => mounted.start(setup), cause)
  }

  #admit(mind: Mind, start: () => Step<unknown>, cause: Signal | undefined): void {
    this.#minds.set(mind.key, mind)
    const { priority } = mind
    for (const pattern of mind.patterns) mind.keep(this.#routes.add(pattern, mind, { priority }))
    for (const pattern of mind.wants) mind.keep(this.#strangersRoutes.add(pattern, mind, { priority }))
    for (const kind of mind.kinds) this.#kinds.set(kind.type, kind)
    this.#take(mind, start(), cause)
    for (const sensor of mind.sensors) this.#performer.sense(mind, sensor, this.#setup!)
  }

  #unmount(key: string): void {
    const mind = this.#minds.get(key)
    if (mind === undefined || key === AGENT) return
    this.#minds.delete(key)
    this.#performer.questions.forget(key)
    mind.close()
  }

  #invalid(what: string, state: string): SignalboxError {
    return new SignalboxError('SBX_AGENT_INVALID', `Cannot ${what} as ${this.agent.name}: ${state}`)
  }
}
