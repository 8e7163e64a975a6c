import { setMaxListeners } from 'node:events'
import { SignalboxError } from '../../engine/writer.ts'
import type { AnyAction, Edge } from './action.ts'
import type { AnyAgent, AnySignalKind, Setup } from './agent.ts'
import type { Clock } from './clock.ts'
import { type DeadLetterReport, DeadLetters } from './dead-letters.ts'
import type { Dice } from './dice.ts'
import type { Act, Directive, Step, WriteEndpoint, WriteService } from './directive.ts'
import { Mailbox } from './mailbox.ts'
import type { Signal } from './signal.ts'
import { Stamp } from './stamp.ts'

/** What a runner performs directives with. All of time and chance comes through here. */
export interface Ports {
  readonly clock: Clock
  readonly dice: Dice
  readonly edge: Pick<Edge, 'attachment'>
  /** Carries a signal to the other agents. */
  send(signal: Signal, isTelemetry: boolean): void
  /** Sets a word of the tables. */
  write(directive: WriteEndpoint | WriteService): void
}

/** Signals dealt with before timers and sockets get a turn. */
const TURN_SIGNALS = 256

/**
 * Runs one agent: takes signals from its mailbox one at a time, lets it decide, and performs what it decided, in order.
 * With a virtual clock and fake ports it runs in a test, step by step.
 *
 * An agent that throws, or whose action does, is not caught here: its thread ends, and the supervisor starts another.
 */
export class Runner {
  handled = 0
  readonly agent: AnyAgent
  readonly #ports: Ports
  readonly #mailbox: Mailbox
  readonly #stamp: Stamp
  readonly #actions: ReadonlyMap<string, AnyAction>
  readonly #telemetry: ReadonlySet<string>
  readonly #heard: ReadonlyMap<string, AnySignalKind>
  readonly #timers = new Set<() => void>()
  readonly #abort = new AbortController()
  readonly #edge: Edge
  #state: unknown
  #isTurning = false

  constructor(agent: AnyAgent, ports: Ports) {
    this.agent = agent
    this.#ports = ports
    this.#stamp = new Stamp(agent.name, ports.clock, ports.dice)
    this.#actions = new Map(agent.actions.map(action => [action.name, action]))
    const kinds = [...agent.listens, ...agent.emits]
    this.#telemetry = new Set(kinds.filter(kind => kind.isTelemetry).map(kind => kind.type))
    this.#heard = new Map(agent.listens.map(kind => [kind.type, kind]))
    this.#mailbox = new Mailbox(new DeadLetters(ports.clock))
    // Every action under way may listen to it: their number is bounded by the agent, not by a warning.
    setMaxListeners(0, this.#abort.signal)
    this.#edge = {
      ...ports.edge,
      now: () => ports.clock.now(),
      later: (delayMs, callback) => this.#later(delayMs, callback),
      signal: this.#abort.signal,
    }
  }

  /** Signals dropped because the mailbox was full. */
  get dropped(): number {
    return this.#mailbox.dropped
  }

  /** Signals that did not get through the mailbox. */
  get deadLetters(): DeadLetterReport {
    return this.#mailbox.deadLetters.report()
  }

  /** What the agent knows now. For tests and reports. */
  get state(): unknown {
    return this.#state
  }

  start(setup: Omit<Setup, 'now' | 'seed'>): void {
    const seed = Math.floor(this.#ports.dice() * 2 ** 32) | 0
    // Results of actions begun here wait until all directives of the start are performed.
    this.#isTurning = true
    this.#take(this.agent.start({ ...setup, now: this.#ports.clock.now(), seed }), undefined)
    this.#isTurning = false
    this.#turn()
  }

  /** Has the agent go on with another config. False: it does not know how to. */
  reload(config: Setup['config']): boolean {
    const { reload } = this.agent
    if (reload === undefined) return false
    if (this.#isClosed) return true
    this.#isTurning = true
    this.#take(reload(this.#state, config, this.#ports.clock.now()), undefined)
    this.#isTurning = false
    this.#turn()
    return true
  }

  /** A signal from another agent; one it does not listen to is passed over. */
  receive(signal: Signal): void {
    const kind = this.#heard.get(signal.type)
    if (kind === undefined || this.#isClosed) return
    this.#mailbox.put(signal, kind)
    this.#turn()
  }

  /** Ends it: no timer fires any more, actions are told to abort, late results fall on the floor. */
  close(): void {
    this.#abort.abort()
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted
  }

  #tellItself(signal: Signal): void {
    if (this.#isClosed) return
    this.#mailbox.putOwn(signal)
    this.#turn()
  }

  #turn(): void {
    if (this.#isTurning) return
    this.#isTurning = true
    try {
      for (let left = TURN_SIGNALS; left > 0 && !this.#isClosed; left--) {
        const waiting = this.#mailbox.take()
        if (waiting === undefined) return
        const { signal } = waiting
        this.handled++
        this.#take(this.agent.decide(this.#state, signal, this.#ports.clock.now()), signal)
      }
    } finally {
      this.#isTurning = false
    }
    if (this.#mailbox.length > 0) this.#later(0, () => this.#turn())
  }

  #take(step: Step<unknown>, cause: Signal | undefined): void {
    this.#state = step.state
    for (const directive of step.directives) this.#perform(directive, cause)
  }

  #perform(directive: Directive, cause: Signal | undefined): void {
    switch (directive.kind) {
      case 'emit': {
        const signal = this.#stamp.signal(directive.draft, cause)
        this.#ports.send(signal, this.#telemetry.has(signal.type))
        break
      }
      case 'schedule': {
        const { delayMs, spreadMs, draft } = directive
        const shift = spreadMs === 0 ? 0 : (this.#ports.dice() * 2 - 1) * spreadMs
        // Who asks for spread wants the very moment; any other schedule may share a wake-up.
        const fall = () => this.#tellItself(this.#stamp.signal(draft, cause))
        this.#later(Math.max(0, delayMs + shift), fall, spreadMs === 0)
        break
      }
      case 'act':
        this.#act(directive, cause)
        break
      default:
        this.#ports.write(directive)
    }
  }

  #act({ action: name, params }: Act, cause: Signal | undefined): void {
    const action = this.#actions.get(name)
    if (action === undefined) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        `Cannot act as ${this.agent.name}: it has no action "${name}", list it under actions`,
      )
    }
    const result: unknown = action.run(params, this.#edge)
    if (result instanceof Promise) {
      // A rejection is left unhandled on purpose: it ends the thread as any other fault does.
      void result.then(body => this.#tellItself(this.#stamp.signal(action.done.of(body), cause)))
    } else {
      this.#tellItself(this.#stamp.signal(action.done.of(result), cause))
    }
  }

  #later(delayMs: number, callback: () => void, isLoose = false): () => void {
    const due = (): void => {
      this.#timers.delete(cancel)
      callback()
    }
    const cancel = this.#ports.clock.later(delayMs, due, isLoose)
    this.#timers.add(cancel)
    return () => {
      this.#timers.delete(cancel)
      cancel()
    }
  }
}
