import {
  type AgentStatus,
  attach,
  type ControlLink,
  createHeartbeats,
  type RunningControl,
  SignalboxError,
  tickClock,
} from '../../../engine/writer.ts'
import { RegionClock, steadyMs } from '../clock.ts'
import { chance } from '../dice.ts'
import type { AnySignalKind } from '../grammar/signal.ts'
import { Liaison } from '../outside/liaison.ts'
import { logTold } from '../outside/told-line.ts'
import type { Report } from './orders.ts'
import { type Placement, plan, type SupervisionOptions } from './placement.ts'
import { PROFILES, type ProfileName } from './profile.ts'
import type { RosterEntry } from './roster-entry.ts'
import { Spare } from './spare.ts'
import { type Ground, type SequencerLender, Supervised } from './supervised.ts'
import type { TreeOrder } from './supervision.ts'
import { stateOf } from './thread-state.ts'
import { tellTidings } from './tidings.ts'
import { TreeRunner } from './tree-runner.ts'
import { unknownAgent } from './unknown-agent.ts'
import { lagAfter } from './watch.ts'
import { heapMib } from './worker.ts'

/** How the agents are supervised. */
export interface Supervising extends SupervisionOptions {
  readonly threads: Placement
  readonly profile: ProfileName
  /** Kinds of signals whose schemas are known on this side of the threads. */
  readonly kinds: readonly AnySignalKind[]
  /** What agents agree through; it is closed after them. Left out: they run unregistered. */
  readonly sequencer?: SequencerLender | undefined
}

/**
 * Runs the agents of a roster in threads, under a tree of supervisors. What is to be done is decided by `step`; here it is done.
 * It runs in the thread that made the box, and never takes the process down: what cannot be kept running rests, and routing
 * goes on with the last tables.
 */
export class Supervisor implements RunningControl {
  readonly ask: Liaison['ask']
  readonly report: Liaison['report']
  readonly tell: Liaison['tell']
  readonly hear: Liaison['hear']
  readonly explain: Liaison['explain']
  readonly deadLetters: Liaison['deadLetters']
  readonly redrive: Liaison['redrive']
  readonly #threads: readonly Supervised[]
  readonly #ground: Ground
  readonly #liaison: Liaison
  readonly #tree: TreeRunner
  #looking: NodeJS.Timeout | undefined
  #lookedMs = steadyMs()
  #lagMs = 0
  #boot: { resolve: () => void; reject: (reason: Error) => void } | undefined
  #bootFault: SignalboxError | undefined
  /** What the thread that could not be started threw. */
  #fault: Error | undefined
  #closing: Promise<void> | undefined
  #onClosed: (() => void) | undefined

  constructor(roster: readonly RosterEntry[], link: ControlLink, supervising: Supervising) {
    const { threads, profile: name, kinds, sequencer, ...options } = supervising
    const attachment = attach(link.handle)
    const profile = PROFILES[name]
    const { threads: plans, root } = plan(roster, threads, profile.stopMsMax, options)
    const heap = heapMib(attachment.endpoints.rows)
    this.#ground = {
      link,
      inForce: { config: link.config, configVersion: link.configVersion },
      attachment,
      heartbeats: createHeartbeats(roster.length),
      bootMs: tickClock(attachment.region),
      profile,
      sequencer,
      heapMib: heap,
      spare: profile.hasSpare
        ? new Spare(
            roster.map(({ module }) => module),
            heap,
          )
        : undefined,
    }
    this.#liaison = new Liaison({
      ...{ clock: new RegionClock(attachment), dice: chance, attachment, kinds },
      hearers: () => this.#threads.flatMap(thread => (this.#runs(thread) && thread.worker ? [thread.worker] : [])),
      knows: name => this.#threads.some(({ plan: { agents } }) => agents.some(agent => agent.name === name)),
      describe: () => this.status().map(inShort).join('; '),
    })
    this.ask = this.#liaison.ask
    this.report = this.#liaison.report
    this.tell = this.#liaison.tell
    this.hear = this.#liaison.hear
    this.explain = this.#liaison.explain
    this.deadLetters = this.#liaison.deadLetters
    this.redrive = this.#liaison.redrive
    let line = 0
    this.#threads = plans.map(each => {
      const thread = new Supervised(each, line, this.#ground, {
        onReport: (thread, report) => this.#onReport(thread, report),
        onGarbled: ({ id }, { message }) =>
          this.#tree.take({ event: 'convicted', id, reason: `what it told cannot be read: ${message}` }),
        onEnded: ({ id, label }, isFault, reason, fault) => {
          this.#fault = fault
          const { phase } = this.#tree.state.nodes.get(id)!
          if (phase === 'stopping') this.#log('debug', `${label} has stopped`)
          this.#tree.take({ event: 'ended', id, isFault, reason })
        },
      })
      line += each.agents.length
      return thread
    })
    this.#tree = new TreeRunner(root, {
      nowMs: steadyMs,
      dice: chance,
      later: (delayMs, callback, isAwaited) => {
        const timer = setTimeout(callback, Math.ceil(delayMs))
        if (!isAwaited) timer.unref()
        return () => clearTimeout(timer)
      },
      perform: order => this.#perform(order),
    })
  }

  /** Starts all in order; what they need they load at the same time. When one cannot be started, those before it are stopped and SBX_AGENT_FAILED says why. */
  start(): Promise<void> {
    const { lookMs } = this.#ground.profile
    this.#lookedMs = steadyMs()
    this.#looking = setInterval(() => this.#look(), lookMs)
    this.#looking.unref()
    for (const thread of this.#threads) thread.warm()
    return new Promise((resolve, reject) => {
      this.#boot = { resolve, reject }
      this.#tree.take({ event: 'boot' })
    })
  }

  reload(config: ControlLink['config'], configVersion: number): void {
    this.#ground.inForce = { config, configVersion }
    for (const { worker } of this.#threads) worker?.reload(this.#ground.inForce)
  }

  status(): AgentStatus[] {
    return this.#threads.flatMap(thread => thread.status(stateOf(this.#tree.state, thread)))
  }

  /** Throws SBX_AGENT_UNKNOWN. An agent that is down already is left to its restart. */
  async kill(name: string): Promise<void> {
    const thread = this.#threads.find(({ plan: { agents } }) => agents.some(agent => agent.name === name))
    if (thread === undefined) {
      throw unknownAgent(
        'kill',
        name,
        this.status().map(agent => agent.name),
      )
    }
    const { worker } = thread
    this.#tree.take({ event: 'convicted', id: thread.id, reason: 'it was killed' })
    await worker?.gone
  }

  close(): Promise<void> {
    return (this.#closing ??= new Promise(resolve => {
      if (this.#tree.state.stage === 'closed') {
        resolve()
        return
      }
      this.#onClosed = resolve
      this.#tree.take({ event: 'close' })
    }))
  }

  #perform(order: TreeOrder): void {
    switch (order.order) {
      case 'start':
        this.#thread(order.id).start(this.#boot !== undefined)
        break
      case 'stop':
        this.#thread(order.id).stop()
        break
      case 'end':
        this.#thread(order.id).end(order.reason)
        break
      case 'orphan': {
        const [orphan, parent] = [this.#thread(order.id), this.#thread(order.parent)]
        if (order.isTold) orphan.worker?.orphan(order.parent)
        this.#log('warn', `${orphan.label} goes on without ${parent.label}`)
        break
      }
      case 'tell': {
        const { tidings } = order
        const thread = this.#threads.find(({ id }) => id === tidings.id)
        if (thread !== undefined && 'reason' in tidings) thread.lastError = tidings.reason
        tellTidings(tidings, thread?.label ?? tidings.id, this.#ground.link.log)
        break
      }
      case 'booted':
        this.#boot?.resolve()
        this.#boot = undefined
        this.#ground.spare?.prepare()
        break
      case 'boot-failed': {
        const label = this.#threads.find(({ id }) => id === order.id)?.label ?? 'the agents'
        const cause = this.#fault
        const message = `Cannot start ${label}: ${order.reason}`
        this.#bootFault = new SignalboxError('SBX_AGENT_FAILED', message, cause === undefined ? undefined : { cause })
        break
      }
      case 'closed':
        void this.#onAllDown()
    }
  }

  async #onAllDown(): Promise<void> {
    clearInterval(this.#looking)
    await Promise.all([this.#ground.spare?.close(), ...this.#threads.map(thread => thread.cool())])
    await this.#ground.sequencer?.close()
    if (this.#bootFault !== undefined) this.#boot?.reject(this.#bootFault)
    this.#onClosed?.()
  }

  #onReport(thread: Supervised, report: Report): void {
    switch (report.report) {
      case 'told': {
        this.#liaison.told(report.signal, report.trail)
        logTold((...line) => this.#log(...line), report.level, report.agent, report.signal)
        break
      }
      case 'wrote':
        for (const { written, trail } of report.writes) this.#liaison.wrote(written, trail)
        break
      case 'status':
        this.#liaison.reported(report.agent, report.status)
        break
      case 'outdated':
        this.#tree.take({ event: 'renewed', id: thread.id, reason: 'it is to start with another config' })
        break
      case 'started':
        if (this.#tree.state.nodes.get(thread.id)?.phase !== 'starting') return
        thread.worker?.release()
        this.#log(thread.incarnation === 1 ? 'debug' : 'info', `${thread.label} runs`, {
          incarnation: thread.incarnation,
        })
        this.#wire(thread)
        this.#tree.take({ event: 'started', id: thread.id })
        if (this.#tree.state.stage === 'up') this.#ground.spare?.prepare()
    }
  }

  /** Links a thread that has just started to all others that run. */
  #wire(thread: Supervised): void {
    for (const other of this.#threads) {
      if (other === thread || other.worker === undefined || !this.#runs(other)) continue
      thread.worker?.link(thread.id, other.worker, other.id)
    }
  }

  #look(): void {
    const { profile } = this.#ground
    const now = steadyMs()
    const gapMs = now - this.#lookedMs
    this.#lookedMs = now
    this.#lagMs = lagAfter(this.#lagMs, gapMs, profile)
    for (const thread of this.#threads) {
      if (!this.#runs(thread)) continue
      const finding = thread.look(gapMs, this.#lagMs)
      if (finding !== undefined) this.#tree.take({ ...finding, id: thread.id })
    }
  }

  #runs({ id }: Supervised): boolean {
    return this.#tree.state.nodes.get(id)!.phase === 'running'
  }

  #thread(id: string): Supervised {
    return this.#threads.find(thread => thread.id === id)!
  }

  #log(...line: Parameters<ControlLink['log']>): void {
    this.#ground.link.log(...line)
  }
}

/** An agent in a few words, for whoever waits for it in vain. */
function inShort({ name, state, heartbeatAgeMs, handled, dropped }: AgentStatus): string {
  return `${name} ${state}, heartbeat ${Math.round(heartbeatAgeMs)} ms ago, ${handled} signals handled, ${dropped} dropped`
}
