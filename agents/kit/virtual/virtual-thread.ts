import type { AgentStatus, Attachment, Log } from '../../../engine/writer.ts'
import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { AnyAgent, ConfigInForce } from '../grammar/agent.ts'
import type { AnySensor } from '../grammar/sensor.ts'
import type { Signal } from '../grammar/signal.ts'
import type { Machine } from '../machine.ts'
import type { Liaison } from '../outside/liaison.ts'
import { logTold } from '../outside/told-line.ts'
import { type AgentBridge, type Bridged, Crew } from '../run/crew.ts'
import type { ThreadPlan } from '../supervision/placement.ts'

/** What virtual threads share. */
export interface VirtualGround {
  readonly clock: Clock
  readonly dice: Dice
  readonly attachment: Attachment
  readonly machine: Machine | undefined
  readonly bootMs: number
  readonly node: string
  readonly heartbeatMs: number
  readonly incarnationsBefore: number
  /** See CrewPorts.sendAway. */
  sendAway?(signal: Signal, to: string | undefined, isTelemetry: boolean): number
  inForce: ConfigInForce
  /** See CrewPorts.bridge. */
  bridge(agent: Bridged): AgentBridge | undefined
  /** See Ports.look. */
  look(sensor: AnySensor): AnySensor['read'] | null | undefined
  liaison: Liaison
  readonly log: Log
  /** Carries a signal to the agents of the other threads; returns to how many threads. */
  send(from: VirtualThread, signal: Signal): number
}

/** A thread of agents without a thread: its crew runs here, in virtual time, and may be ended as a thread may. */
export class VirtualThread {
  readonly plan: ThreadPlan
  crew: Crew | undefined
  incarnation = 0
  lastError: string | null = null
  readonly #definitions: readonly AnyAgent[]
  readonly #ground: VirtualGround
  readonly #onEnded: (reason: string) => void
  /** While it starts. */
  #callOff: (() => void) | undefined
  #handledBefore = 0
  #droppedBefore = 0

  constructor(
    plan: ThreadPlan,
    definitions: readonly AnyAgent[],
    ground: VirtualGround,
    onEnded: (reason: string) => void,
  ) {
    this.plan = plan
    this.#definitions = definitions
    this.#ground = ground
    this.#onEnded = onEnded
  }

  get id(): string {
    return this.plan.id
  }

  /** Starts another incarnation of its agents, which takes so long; `onStarted` unless it is ended before. */
  start(spawnMs: number, onStarted: () => void): void {
    this.incarnation++
    this.#callOff = this.#ground.clock.later(spawnMs, () => {
      this.#callOff = undefined
      const crew = this.#hire()
      this.crew = crew
      crew.start(this.#ground.bootMs, this.#incarnationOfAgents)
      if (this.crew === crew) onStarted()
    })
  }

  /** Ends its agents wherever they are. */
  end(reason: string): void {
    const { crew } = this
    if (crew === undefined && this.#callOff === undefined) return
    this.#callOff?.()
    this.#callOff = undefined
    this.lastError = reason
    this.#handledBefore = this.#sum('handled')
    this.#droppedBefore = this.#sum('dropped')
    this.crew = undefined
    crew?.close()
    this.#onEnded(reason)
  }

  get #incarnationOfAgents(): number {
    return this.#ground.incarnationsBefore + this.incarnation
  }

  #hire(): Crew {
    const { clock, dice, attachment, machine, node, heartbeatMs, inForce, liaison, log, sendAway } = this.#ground
    const crew: Crew = new Crew(this.#definitions, this.#incarnationOfAgents, inForce, {
      ...{ clock, dice, attachment, machine, node, heartbeatMs, ...(sendAway && { sendAway }) },
      soon: callback => void clock.later(0, callback),
      send: signal => this.#ground.send(this, signal),
      // Who listens is asked with each signal.
      listen() {},
      told(agent, signal, trail, level) {
        liaison.told(signal, trail)
        logTold(log, level, agent, signal)
      },
      wrote: (written, trail) => liaison.wrote(written, trail),
      reported: (agent, report) => liaison.reported(agent, report),
      fault: ({ message }) => {
        if (this.crew === crew) this.end(message)
      },
      mayWrite: () => this.crew === crew,
      bridge: agent => this.#ground.bridge(agent),
      look: sensor => this.#ground.look(sensor),
    })
    return crew
  }

  status(state: AgentStatus['state']): AgentStatus[] {
    return this.plan.agents.map(({ name }) => ({
      ...{
        name,
        group: this.plan.group,
        state,
        incarnation: this.incarnation,
        restarts: Math.max(0, this.incarnation - 1),
      },
      ...{ threadId: -1, heartbeatAgeMs: 0, heapBytes: 0, refusedWrites: 0, lastError: this.lastError },
      ...{ handled: this.#sum('handled'), dropped: this.#sum('dropped') },
    }))
  }

  #sum(what: 'handled' | 'dropped'): number {
    const before = what === 'handled' ? this.#handledBefore : this.#droppedBefore
    return (this.crew?.runners ?? []).reduce((sum, runner) => sum + runner[what], before)
  }
}
