import {
  type AgentStatus,
  attach,
  type ControlLink,
  createHeartbeats,
  type RunningControl,
  SignalboxError,
  tickClock,
} from '../../engine/writer.ts'
import { steadyMs } from './clock.ts'
import { chance } from './dice.ts'
import { type Ground, type RosterEntry, Supervised } from './supervised.ts'
import { LOOK_MS, lagAfter } from './watch.ts'

/** How long an agent may take to stop by itself. */
const STOP_MS_MAX = 1_000

/**
 * Starts the agents of a roster in order, each in a thread of its own, and sees to it that they run: one-for-one, so
 * that the end of one concerns no other. It runs in the thread that made the box, and never takes the process down:
 * an agent that cannot be kept running rests, and routing goes on with the last tables.
 */
export class Supervisor implements RunningControl {
  readonly #agents: readonly Supervised[]
  readonly #ground: Ground
  #lookedMs = steadyMs()
  #lagMs = 0
  #looking: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(roster: readonly RosterEntry[], link: ControlLink) {
    const attachment = attach(link.handle)
    this.#ground = {
      link,
      config: link.config,
      attachment,
      heartbeats: createHeartbeats(roster.length),
      bootMs: tickClock(attachment.region),
      dice: chance,
      onStarted: agent => this.#wire(agent),
    }
    this.#agents = roster.map((entry, line) => new Supervised(entry, line, this.#ground))
  }

  /** Starts all in order. When one cannot be started, those before it are stopped and SBX_AGENT_FAILED says why. */
  async start(): Promise<void> {
    this.#lookedMs = steadyMs()
    this.#looking = setInterval(() => this.#look(), LOOK_MS)
    this.#looking.unref()
    try {
      for (const agent of this.#agents) await agent.start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  reload(config: ControlLink['config']): void {
    this.#ground.config = config
    for (const agent of this.#agents) agent.reload()
  }

  status(): AgentStatus[] {
    return this.#agents.map(agent => agent.status())
  }

  /** Throws SBX_AGENT_UNKNOWN. An agent that is down already is left to its restart. */
  async kill(name: string): Promise<void> {
    const agent = this.#agents.find(({ entry }) => entry.name === name)
    if (agent === undefined) {
      const names = this.#agents.map(({ entry }) => entry.name).join(', ')
      throw new SignalboxError(
        'SBX_AGENT_UNKNOWN',
        `Cannot kill agent ${JSON.stringify(name)}: it does not run here, ${names === '' ? 'none does' : `use one of ${names}`}`,
      )
    }
    await agent.end('it was killed')
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    clearInterval(this.#looking)
    for (const agent of this.#agents.toReversed()) await agent.close(STOP_MS_MAX)
  }

  /** Links a thread that has just started to all others that run. */
  #wire(agent: Supervised): void {
    for (const other of this.#agents) {
      if (other === agent || other.state !== 'running' || other.worker === undefined) continue
      agent.worker?.link(agent.entry.name, other.worker, other.entry.name)
    }
  }

  #look(): void {
    const now = steadyMs()
    const gapMs = now - this.#lookedMs
    this.#lookedMs = now
    this.#lagMs = lagAfter(this.#lagMs, gapMs)
    for (const agent of this.#agents) agent.look(gapMs, this.#lagMs)
  }
}
