import { isDeepStrictEqual } from 'node:util'
import { type ConfigChanges, changesOf, hasChanges } from '../config/changes.ts'
import { loadLocated, validateConfig } from '../config/load.ts'
import type { LocatedConfig } from '../config/parse.ts'
import { type Finding, formatPath, formatProblems } from '../config/problems.ts'
import type { Config, ConfigInput } from '../config/schema.ts'
import { SignalboxError } from '../errors.ts'
import { GAUGE_INFLIGHT, Gauges } from '../memory/gauges.ts'
import type { Attachment } from '../router/attachment.ts'
import { changeTables, removeServices } from './config-tables.ts'
import type { Log, RunningControl } from './control.ts'
import { roomFaults } from './room.ts'
import type { TableKeeper } from './table-keeper.ts'
import { wallMs } from './wall-clock.ts'

/** Part of the engine that reads the config and goes on with the next one: the proxy is one. */
export interface Follower {
  /** What the next config asks of it that it cannot do while it runs. Nothing is changed yet. */
  objections?(now: Config, next: Config): Finding[]
  /** Takes the next config, which the tables say already, and resolves when it is in use. Also called when nothing has changed. */
  adopt(next: Config): Promise<void> | void
}

/** What came of a reload that was not refused. */
export interface ReloadReport {
  /** 1 is the config the box was made with. */
  generation: number
  /** False: the config says what it said before, and the generation is the same. */
  isChanged: boolean
  changes: ConfigChanges
}

/** Which config is in force, and what came of the last reload. */
export interface ConfigStatus {
  generation: number
  /** Milliseconds since 1970 when the config in force was taken. */
  sinceMs: number
  /** The same of the last reload, whatever came of it; of the start, before there was one. */
  lastReloadMs: number
  isLastReloadGood: boolean
  /** Why the last reload was refused; null where it was not. */
  lastError: string | null
  reloads: { applied: number; unchanged: number; refused: number }
}

/** How long a service that is gone stays for requests that began before, and may have to be tried once more, in ms. */
const LEAVING_MS = 1000
const LEAVING_POLL_MS = 20

/** What a reload works on. */
export interface ReloadGround {
  readonly attachment: Attachment
  readonly tables: TableKeeper
  readonly log: Log
  control(): RunningControl | undefined
  /** Throws SBX_BOX_CLOSED. */
  checkOpen(): void
}

/**
 * Takes a box from one config to the next, one reload after the other.
 *
 *   read ▶ judge ─ refused whole, nothing has changed
 *          │ good
 *          ▼
 *   tables, in one publication ▶ agents ▶ followers: proxy threads … ▶ services that are gone leave the tables
 *
 * The tables come first, so that every route of either config leads somewhere at every moment in between.
 */
export class Reloads {
  config: Config
  readonly #ground: ReloadGround
  readonly #followers = new Set<Follower>()
  readonly #status: ConfigStatus
  #last: Promise<unknown> = Promise.resolve()

  constructor(config: Config, ground: ReloadGround) {
    this.config = config
    this.#ground = ground
    const now = wallMs()
    const reloads = { applied: 0, unchanged: 0, refused: 0 }
    this.#status = { generation: 1, sinceMs: now, lastReloadMs: now, isLastReloadGood: true, lastError: null, reloads }
  }

  status(): ConfigStatus {
    return structuredClone(this.#status)
  }

  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  reload(source: ConfigInput | string): Promise<ReloadReport> {
    const turn = this.#last.then(() => this.#take(source))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #take(source: ConfigInput | string): Promise<ReloadReport> {
    const status = this.#status
    try {
      this.#ground.checkOpen()
      const { config: next, locate } = await read(source)
      this.#ground.checkOpen()
      this.#judge(next, findings => formatProblems(typeof source === 'string' ? source : '', locate(findings)))
      const changes = changesOf(this.config, next)
      const isChanged = hasChanges(changes)
      await this.#change(next, changes, isChanged)
      status.reloads[isChanged ? 'applied' : 'unchanged']++
      Object.assign(status, { lastReloadMs: wallMs(), isLastReloadGood: true, lastError: null })
      return { generation: status.generation, isChanged, changes }
    } catch (error) {
      status.reloads.refused++
      Object.assign(status, { lastReloadMs: wallMs(), isLastReloadGood: false, lastError: (error as Error).message })
      throw error
    }
  }

  /** Throws SBX_CONFIG_FIXED with a line for each thing that cannot change while it runs. */
  #judge(next: Config, print: (findings: Finding[]) => string): void {
    const findings = [...this.#followers].flatMap(follower => follower.objections?.(this.config, next) ?? [])
    findings.push(
      ...agentFaults(this.config, next),
      ...roomFaults(this.config, next, this.#ground.attachment.region.layout),
    )
    if (findings.length === 0) return
    const count = findings.length === 1 ? '1 change' : `${findings.length} changes`
    throw new SignalboxError(
      'SBX_CONFIG_FIXED',
      `Cannot reload: ${count} cannot be made while it runs, nothing was changed\n${print(findings)}`,
    )
  }

  async #change(next: Config, changes: ConfigChanges, isChanged: boolean): Promise<void> {
    const { attachment, tables, log, control } = this.#ground
    if (isChanged) {
      changeTables(attachment, tables, this.config, next)
      this.config = next
      this.#status.generation++
      this.#status.sinceMs = wallMs()
      control()?.reload?.(next, this.#status.generation)
    }
    const adopted = await Promise.allSettled([...this.#followers].map(async follower => follower.adopt(next)))
    for (const result of adopted) {
      if (result.status === 'rejected')
        log('error', 'a part did not take the new config', { error: String(result.reason) })
    }
    if (changes.services.removed.length === 0) return
    await this.#untilLeft(changes.services.removed)
    this.#ground.checkOpen()
    removeServices(attachment, changes.services.removed)
  }

  async #untilLeft(names: readonly string[]): Promise<void> {
    const { attachment } = this.#ground
    const { region, seat } = attachment
    const gauges = attachment
      .serviceTexts()
      .flatMap(({ text }, index) =>
        names.includes(text.name) && !text.isGone ? [new Gauges(region, seat, index)] : [],
      )
    for (let waited = 0; waited < LEAVING_MS && !attachment.isClosed; waited += LEAVING_POLL_MS) {
      if (gauges.every(gauge => gauge.sum(GAUGE_INFLIGHT) === 0)) return
      await new Promise(resolve => setTimeout(resolve, LEAVING_POLL_MS))
    }
  }
}

async function read(source: ConfigInput | string): Promise<LocatedConfig> {
  if (typeof source === 'string') return loadLocated(source)
  return {
    config: validateConfig(source),
    locate: findings => findings.map(({ path, message }) => ({ path: formatPath(path), message })),
  }
}

/** What of an agent's knobs cannot be another while it runs: the agent itself goes on with the others. */
function fixedOf(knob: unknown): unknown {
  return typeof knob === 'object' && knob !== null ? (knob as { enabled?: unknown }).enabled : knob
}

/**
 * An agent that ended would leave what it wrote (an ejection, a verdict) standing, with nobody to take it back. And which threads
 * there are is settled when they start.
 */
function agentFaults(now: Config, next: Config): Finding[] {
  const before: Record<string, unknown> = now.agents
  return Object.entries(next.agents).flatMap(([name, knob]): Finding[] => {
    const path = typeof knob === 'string' ? ['agents', name] : ['agents', name, 'enabled']
    if (isDeepStrictEqual(fixedOf(before[name]), fixedOf(knob))) return []
    return [{ path, message: 'agents begin and end with the process; restart it' }]
  })
}
