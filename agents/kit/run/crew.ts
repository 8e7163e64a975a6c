import type { Attachment, LogLevel } from '../../../engine/writer.ts'
import type { Bridge } from '../../bridge/bridge.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { RegistryPlace } from '../grammar/action.ts'
import type { AnyAgent, ConfigInForce } from '../grammar/agent.ts'
import type { AnySensor } from '../grammar/sensor.ts'
import type { Signal } from '../grammar/signal.ts'
import type { Mounted, Slices } from '../grammar/skill.ts'
import { HERE, sourceAway } from '../grammar/source.ts'
import type { Machine } from '../machine.ts'
import { type Membership, membership } from '../member/membership.ts'
import type { Health } from '../member/membership-signals.ts'
import { type AgentReport, reportOf } from '../member/status.ts'
import { isTold, type Written } from '../outside/journal.ts'
import { TablePort } from '../table-port.ts'
import type { DeadLetterReport } from './dead-letters.ts'
import { type Delivery, overAll } from './delivery.ts'
import { Runner } from './runner.ts'

/** How the agents of one thread get at the world around it. */
export interface CrewPorts {
  readonly clock: Clock
  readonly dice: Dice
  readonly attachment: Attachment
  /** How this process is doing; undefined: nobody can say. */
  readonly machine: Machine | undefined
  /** The node it is on. */
  readonly node: string
  /** From one heartbeat of an agent to the next, in ms. */
  readonly heartbeatMs: number
  /** Calls back when the turn of the event loop is over. */
  soon(callback: () => void): void
  /** Carries a signal to the agents of other threads; returns to how many threads. */
  send(signal: Signal, isTelemetry: boolean): number
  /**
   * Carries a signal to the agents of other nodes, or of the one called `to`; returns to how many nodes it is on its way. Left out: this node
   * is alone. It never waits, and promises nothing: what does not arrive is gone. Telemetry goes as one datagram of 1,200 bytes of JSON
   * at most and a fact has 64 KiB; what is longer is not sent. What arrives is handed to `hear` of each crew of that node, once.
   */
  sendAway?(signal: Signal, to: string | undefined, isTelemetry: boolean): number
  /** What its agents want from other threads may be something else now. */
  listen(): void
  /** An agent has told a fact; `trail` as in Ports.write, `level` as its kind says. */
  told(agent: string, signal: Signal, trail: readonly Signal[], level: LogLevel): void
  /** An agent has set a word that says something to people. */
  wrote(written: Written, trail: readonly Signal[]): void
  reported(agent: string, report: AgentReport): void
  /** An agent has broken a promise, and with it the crew. */
  fault(error: Error): void
  /** Whether what an agent writes still counts. */
  mayWrite(agent: string): boolean
  /** See Ports.look. */
  look?(sensor: AnySensor): AnySensor['read'] | null | undefined
  /** Gives an agent a way to agree with others; undefined: there is no store to agree through. */
  bridge(agent: Bridged): AgentBridge | undefined
}

/** An agent as its bridge sees it. */
export interface Bridged {
  readonly agent: AnyAgent
  readonly incarnation: number
  /** What it and its skills know now: by that it votes and bids. */
  state(): unknown
  readonly slices: Slices
  /** How it is itself. */
  health(): Health
  /** Has it hear what becomes of proposals. */
  hear(signal: Signal): void
}

export interface AgentBridge {
  readonly place: RegistryPlace
  readonly bridge: Bridge
  close(): void
}

/**
 * The agents of one thread: a runner for each, in the order they start. Between them signals go from hand to hand, after the turn of who
 * sends; to others they go by what carries them between threads.
 *
 *   ┌ thread health ─────────────────────┐
 *   │ health-monitor ◀─▶ failure-detector │ ◀── send · hear ──▶ other threads
 *   └────────────────────────────────────┘
 */
export class Crew {
  readonly runners: readonly Runner[]
  readonly #ports: CrewPorts
  #inForce: ConfigInForce
  readonly #bridges = new Map<string, AgentBridge>()
  readonly #members = new Map<Runner, Mounted<Membership>>()
  #isClosed = false
  #waiting: { readonly signal: Signal; readonly from: Runner }[] = []

  constructor(agents: readonly AnyAgent[], incarnation: number, inForce: ConfigInForce, ports: CrewPorts) {
    this.#ports = ports
    this.#inForce = inForce
    this.runners = agents.map(agent => this.#hire(agent, incarnation))
  }

  /** Types and patterns its agents want from other threads. */
  get interests(): string[] {
    return [...new Set(this.runners.flatMap(({ wants }) => wants))]
  }

  start(bootMs: number, incarnation: number): void {
    for (const runner of this.runners) {
      if (this.#isClosed) return
      const { agent } = runner
      const bridge = this.#ports.bridge({
        ...{ agent, incarnation, state: () => runner.state, slices: { of: mounted => runner.slice(mounted) } },
        health: () => runner.slice(this.#members.get(runner)!).health,
        hear: signal => void runner.receive(signal),
      })
      if (bridge !== undefined) this.#bridges.set(agent.name, bridge)
      const { node, sendAway } = this.#ports
      runner.start({ ...this.#inForce, bootMs, incarnation, node, ...(sendAway && { cluster: { node } }) })
    }
  }

  /** Each that goes on with another config reports so at once. False: one of them cannot. */
  reload(inForce: ConfigInForce): boolean {
    this.#inForce = inForce
    return this.runners
      .map(runner => {
        const goesOn = runner.reload(inForce)
        if (goesOn && !this.#isClosed) runner.report()
        return goesOn
      })
      .every(Boolean)
  }

  /** A signal from outside this thread; `isStranger`: from no agent, so that nothing of it is believed unchecked. */
  hear(signal: Signal, isStranger = false): Delivery {
    return overAll(this.runners.map(runner => runner.receive(signal, isStranger)))
  }

  /** What did not arrive at its agents. */
  deadLetters(): (DeadLetterReport & { readonly agent: string })[] {
    return this.runners.map(({ agent, deadLetters }) => ({ agent: agent.name, ...deadLetters.report() }))
  }

  /** Gives dead letters another try, all or those of one agent; says how many. */
  redrive(name: string | undefined): number {
    return this.runners
      .filter(({ agent }) => name === undefined || agent.name === name)
      .reduce((sum, runner) => sum + runner.redrive(), 0)
  }

  /** In reverse order of start. */
  close(): void {
    this.#isClosed = true
    for (const bridge of this.#bridges.values()) bridge.close()
    for (const runner of this.runners.toReversed()) runner.close()
  }

  #hire(definition: AnyAgent, incarnation: number): Runner {
    const { name } = definition
    const { node, heartbeatMs, clock, dice, attachment, machine } = this.#ports
    const options = { ...{ agent: name, role: definition.role, node, incarnation, heartbeatMs } }
    const member = membership(options)
    const agent: AnyAgent = { ...definition, skills: [member, ...definition.skills] }
    const tables = new TablePort(attachment, agent, () => this.#ports.mayWrite(name))
    const ports = this.#ports
    const bridges = this.#bridges
    const runner: Runner = new Runner(agent, {
      clock,
      dice,
      edge: {
        attachment,
        machine,
        get place() {
          return bridges.get(name)?.place
        },
        get bridge() {
          return bridges.get(name)?.bridge
        },
      },
      send: (signal, { isTelemetry, level, reach }, trail, to) => {
        if (!isTelemetry) ports.told(name, signal, trail, level)
        const isForHere = to === undefined || to === HERE || to === node
        const here = isForHere ? this.#toNeighbours(signal, runner) + ports.send(signal, isTelemetry) : 0
        if (reach !== 'cluster' || to === HERE || to === node) return here
        const away = { ...signal, source: sourceAway(node, signal.source) }
        return here + (ports.sendAway?.(away, to, isTelemetry) ?? 0)
      },
      write: (directive, trail) => {
        const written = tables.write(directive)
        if (written === undefined || !isTold(directive.column)) return
        const { old } = written
        ports.wrote({ agent: name, directive, old, wallMs: clock.wallMs(), cause: trail[0] }, trail)
      },
      fault: error => ports.fault(error),
      listen: () => ports.listen(),
      look: sensor => ports.look?.(sensor),
      report: () =>
        ports.reported(
          name,
          reportOf(agent, runner.state, runner.slice(member), options, this.#inForce, {
            of: mounted => runner.slice(mounted),
          }),
        ),
    })
    this.#members.set(runner, member)
    return runner
  }

  #toNeighbours(signal: Signal, from: Runner): number {
    const listening = this.runners.filter(runner => runner !== from && runner.listensTo(signal.type)).length
    if (listening === 0) return 0
    this.#waiting.push({ signal, from })
    if (this.#waiting.length === 1) this.#ports.soon(() => this.#handOn())
    return listening
  }

  #handOn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { signal, from } of waiting) {
      for (const runner of this.runners) if (runner !== from) runner.receive(signal)
    }
  }
}
