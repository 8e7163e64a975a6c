import type { MessagePort } from 'node:worker_threads'
import type { Attachment, ControlLink, Heartbeats } from '../../../engine/writer.ts'
import { type AgentStatus, elapsedMs, tickClock } from '../../../engine/writer.ts'
import type { ConfigInForce } from '../grammar/agent.ts'
import type { Report, ThreadStart } from './orders.ts'
import type { ThreadPlan } from './placement.ts'
import type { Profile } from './profile.ts'
import { waitedMs } from './run-queue.ts'
import { Spare } from './spare.ts'
import { beginWatch, isFull, isHung, look, SUSPECT_LOOKS, weigh } from './watch.ts'
import { AgentWorker } from './worker.ts'

/** From one heartbeat of an agent to the next. Threads are watched by their beats, much closer; this is for agents, and other nodes. */
export const HEARTBEAT_MS = 5_000

/** What all supervised threads share. */
export interface Ground {
  readonly link: ControlLink
  /** The one in force: whoever starts, starts with it. */
  inForce: ConfigInForce
  readonly attachment: Attachment
  readonly heartbeats: Heartbeats
  readonly bootMs: number
  readonly profile: Profile
  /** What each thread may have, see `heapMib`. */
  readonly heapMib: number
  readonly spare: Spare | undefined
  /** What agents agree through. */
  readonly sequencer: SequencerLender | undefined
}

/** Gives threads ways to the sequencer: a port at once, and one to each that follows; what it returns ends that. */
export interface SequencerLender {
  lend(onPort: (port: MessagePort) => void): () => void
  close(): Promise<void>
}

/** What a look at a thread came to, and why. */
export interface Finding {
  readonly event: 'convicted' | 'outgrown'
  readonly reason: string
}

export interface ThreadEvents {
  onReport(thread: Supervised, report: Report): void
  onGarbled(thread: Supervised, error: Error): void
  /** The thread is gone. */
  onEnded(thread: Supervised, isFault: boolean, reason: string, fault: Error | undefined): void
}

/**
 * One thread of agents, under supervision: starts, asks, ends and looks as it is told. When it does, is decided elsewhere.
 */
export class Supervised {
  readonly plan: ThreadPlan
  worker: AgentWorker | undefined
  incarnation = 0
  lastError: string | null = null
  readonly #ground: Ground
  readonly #events: ThreadEvents
  /** Of each agent its line of the heartbeats, and what its earlier incarnations had counted. */
  readonly #agents: { readonly name: string; readonly module: string; readonly line: number; before: Counts }[]
  readonly #line: number
  /** Of the boot: a thread that has loaded, or loads, what its agents need, before it is their turn. */
  readonly #first: Spare
  #watch = beginWatch(0)
  #waitedMs = 0
  #isAsked = false
  #takeBack: (() => void) | undefined

  /** `line` is the first of as many as there are agents. */
  constructor(plan: ThreadPlan, line: number, ground: Ground, events: ThreadEvents) {
    this.plan = plan
    this.#line = line
    this.#ground = ground
    this.#events = events
    this.#agents = plan.agents.map(({ name, module }, index) => ({ name, module, line: line + index, before: NONE }))
    this.#first = new Spare(
      plan.agents.map(({ module }) => module),
      ground.heapMib,
    )
  }

  /** Has a thread load what its agents need, which takes far longer than to start them, while others start. */
  warm(): void {
    this.#first.prepare()
  }

  /** Ends a thread that was made ready and not used. */
  cool(): Promise<void> {
    return this.#first.close()
  }

  get id(): string {
    return this.plan.id
  }

  /** As whoever reads the log knows it. */
  get label(): string {
    const names = this.plan.agents.map(({ name }) => name)
    return names.length === 1 ? `agent ${names[0]}` : `thread ${this.id} (${names.join(', ')})`
  }

  start(isAwaited: boolean): void {
    const { link, heartbeats, attachment, inForce, bootMs, profile, heapMib, spare, sequencer } = this.#ground
    this.incarnation++
    this.#isAsked = false
    const nowMs = tickClock(attachment.region)
    for (const agent of this.#agents) {
      agent.before = this.#counts(agent)
      heartbeats.begin(agent.line, nowMs, this.incarnation)
    }
    this.#watch = beginWatch(0)
    const agents = this.#agents.map(({ name, module, line }) => ({ name, module, line }))
    const { beatMs } = profile
    const { handle, node = 'local' } = link
    const { incarnation } = this
    const start: ThreadStart = {
      ...inForce,
      ...{ agents, handle, bootMs, incarnation },
      ...{ heartbeats: heartbeats.buffer, beatMs, node, heartbeatMs: HEARTBEAT_MS, hasStore: sequencer !== undefined },
    }
    const events = {
      onReport: (report: Report) => this.#events.onReport(this, report),
      onGarbled: (error: Error) => this.#events.onGarbled(this, error),
      onExit: (code: number, fault: Error | undefined) => this.#onExit(code, fault),
    }
    const ready = this.#first.take() ?? spare?.take()
    ready?.host(start, events)
    this.worker = ready ?? new AgentWorker(this.id, heapMib, start, events)
    const { worker } = this
    this.#takeBack = sequencer?.lend(port => worker.lend(port))
    // At the first start somebody awaits it; later nobody does, and then it must not keep the process alive.
    if (!isAwaited) this.worker.release()
  }

  /** Asks it to end by itself. */
  stop(): void {
    this.#isAsked = true
    this.worker?.stop()
  }

  /** Ends it wherever it is. What it would still write to the tables is refused from here on. */
  end(reason: string): void {
    if (!this.#isAsked) this.lastError = reason
    this.revoke()
    this.worker?.terminate()
  }

  /** From here on it writes to the tables no more. */
  revoke(): void {
    for (const { line } of this.#agents) this.#ground.heartbeats.revoke(line)
  }

  /** Looks at the heartbeat and the memory, `gapMs` after the last look. */
  look(gapMs: number, lagMs: number): Finding | undefined {
    const { heartbeats, profile } = this.#ground
    const [beats, memoryKib] = [heartbeats.beats(this.#line), heartbeats.memoryKib(this.#line)]
    const limitKib = heartbeats.limitKib(this.#line)
    this.#watch = weigh(look(this.#watch, beats, gapMs, profile), memoryKib, limitKib)
    if (this.#watch.looks === SUSPECT_LOOKS) this.#waitedMs = waitedMs(heartbeats.kernelId(this.#line))
    if (isHung(this.#watch, lagMs, profile) && isHung(this.#watch, lagMs, profile, this.#starvedMs())) {
      const reason = `its event loop has stood still for ${Math.round(this.#watch.silentMs)} ms`
      return { event: 'convicted', reason }
    }
    if (!isFull(this.#watch)) return undefined
    const [mib, limitMib] = [memoryKib, limitKib].map(kib => Math.round(kib / 1024))
    return { event: 'outgrown', reason: `its memory has grown to ${mib} MiB of ${limitMib}` }
  }

  status(state: AgentStatus['state']): AgentStatus[] {
    const { heartbeats, attachment } = this.#ground
    const nowMs = tickClock(attachment.region)
    return this.#agents.map(agent => ({
      name: agent.name,
      group: this.plan.group,
      state,
      incarnation: this.incarnation,
      restarts: Math.max(0, this.incarnation - 1),
      threadId: this.worker?.threadId ?? -1,
      heartbeatAgeMs: Math.max(0, elapsedMs(nowMs, heartbeats.beatMs(agent.line))),
      heapBytes: heartbeats.memoryKib(agent.line) * 1024,
      ...this.#counts(agent),
      lastError: this.lastError,
    }))
  }

  #counts({ line, before }: { line: number; before: Counts }): Counts {
    const { heartbeats } = this.#ground
    return {
      handled: before.handled + heartbeats.handled(line),
      dropped: before.dropped + heartbeats.dropped(line),
      refusedWrites: before.refusedWrites + heartbeats.refused(line),
    }
  }

  /** How long it has been without a core since it was suspected first. */
  #starvedMs(): number {
    return waitedMs(this.#ground.heartbeats.kernelId(this.#line)) - this.#waitedMs
  }

  #onExit(code: number, fault: Error | undefined): void {
    const threadId = this.worker?.threadId ?? -1
    this.#takeBack?.()
    this.worker = undefined
    // Before anything else: what the thread held (its seat, the right to drain) is needed by the one after it.
    if (threadId >= 0) this.#ground.link.onThreadGone(threadId)
    const reason = fault?.message ?? `its thread ended with code ${code}`
    this.#events.onEnded(this, fault !== undefined || code !== 0, reason, fault)
  }
}

type Counts = Pick<AgentStatus, 'handled' | 'dropped' | 'refusedWrites'>

const NONE: Counts = { handled: 0, dropped: 0, refusedWrites: 0 }
