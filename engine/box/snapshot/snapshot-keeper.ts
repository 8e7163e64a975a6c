import type { Config } from '../../config/schema.ts'
import { elapsedMs, tickClock } from '../../memory/clock.ts'
import { markOfRow, markOfService, mix } from '../../memory/facts.ts'
import { markOfSessions } from '../../memory/sessions.ts'
import { findPolicy } from '../../policies/registry.ts'
import type { Attachment } from '../../router/attachment.ts'
import type { Log } from '../control.ts'
import { encodeSnapshot } from './format.ts'
import type { StateFolder } from './state-folder.ts'
import { takeSnapshot } from './take.ts'

/** Between two looks at what acts on picks: who is there, bars, weights. A word for each service, and one for the structure. */
const LOOK_MS = 100
/** Between two looks at all the rest, which changes all the time: latencies, counts, limits. */
const LEARNED_MS = 1000
/** What laying one out took this thread, so many times over, is left to other work before the next: with very many endpoints that counts. */
const REST_FACTOR = 20
/** From a write that failed to the next try. */
const RETRY_MS = 1000
/** Tries in a row that fail before the log says so again: a minute of them. */
const FAILURES_TOLD = 60

/** How it stands with the snapshots of a box. */
export interface SnapshotStatus {
  /** Milliseconds in which the disk may have fallen behind the tables; −1: it has never said what they say. */
  ageMs: number
  writes: number
  failures: number
  /** Bytes of the last one. */
  bytes: number
  /** How old what the box began from was, in ms; −1: it began from its config alone. */
  resumedAgeMs: number
}

/** By which one state of the tables is told from another. */
interface Marks {
  readonly acting: number
  readonly all: number
  readonly config: Config
}

/**
 * Keeps a snapshot of the tables on disk. The tables are read and laid out by this thread, which no request passes through; the disk is
 * waited for by nobody.
 *
 *   each 100 ms   structure or a bar, weight, health changed? ─ yes ─▶ write
 *   each second   anything at all changed?                    ─ yes ─▶ write ── fails ──▶ log, and again in a second
 */
export class SnapshotKeeper {
  readonly #attachment: Attachment
  readonly #folder: StateFolder
  readonly #config: () => Config
  readonly #log: Log
  readonly #looking: NodeJS.Timeout
  readonly #status: SnapshotStatus
  /** Marks of what the disk says; undefined: nothing yet. */
  #written: Marks | undefined
  /** The clock when the disk last said what the tables say. */
  #agreedMs: number | undefined
  #lookedMs: number
  #notBeforeMs: number
  #failuresInRow = 0
  #writing: Promise<void> | undefined

  constructor(
    attachment: Attachment,
    folder: StateFolder,
    config: () => Config,
    resumedAgeMs: number | undefined,
    log: Log,
  ) {
    this.#attachment = attachment
    this.#folder = folder
    this.#config = config
    this.#log = log
    this.#status = { ageMs: -1, writes: 0, failures: 0, bytes: 0, resumedAgeMs: resumedAgeMs ?? -1 }
    this.#lookedMs = this.#notBeforeMs = tickClock(attachment.region)
    this.#looking = setInterval(() => this.#look(), LOOK_MS)
    this.#looking.unref()
  }

  status(): SnapshotStatus {
    const ageMs = this.#agreedMs === undefined ? -1 : elapsedMs(tickClock(this.#attachment.region), this.#agreedMs)
    return { ...this.#status, ageMs }
  }

  /** Writes down what the tables say at the end, if they say something else by now. Before the attachment is closed. */
  async close(): Promise<void> {
    clearInterval(this.#looking)
    await this.#writing
    if (!this.#agrees(this.#marks())) await this.#write(this.#marks())
  }

  #look(): void {
    const now = tickClock(this.#attachment.region)
    if (this.#writing !== undefined || elapsedMs(now, this.#notBeforeMs) < 0) return
    const isDue = elapsedMs(now, this.#lookedMs) >= LEARNED_MS
    if (!isDue && this.#written?.acting === this.#markOfActing()) return
    if (isDue) this.#lookedMs = now
    // Before the words are read: what changes meanwhile makes another mark, and calls for another snapshot.
    const marks = this.#marks()
    if (this.#agrees(marks)) this.#agreedMs = now
    else this.#writing = this.#write(marks).finally(() => (this.#writing = undefined))
  }

  #agrees({ all, config }: Marks): boolean {
    return this.#written?.all === all && this.#written.config === config
  }

  /** Never rejects. */
  async #write(marks: Marks): Promise<void> {
    const { region } = this.#attachment
    const begunMs = tickClock(region)
    try {
      const bytes = encodeSnapshot(takeSnapshot(this.#attachment, marks.config, keepsSessions(marks.config)))
      const laidMs = tickClock(region)
      await this.#folder.write(bytes)
      this.#notBeforeMs = (laidMs + REST_FACTOR * elapsedMs(laidMs, begunMs)) | 0
      this.#written = marks
      this.#agreedMs = begunMs
      this.#status.writes++
      this.#status.bytes = bytes.length
      if (this.#failuresInRow > 0)
        this.#log('info', 'the tables are kept on disk again', { tries: this.#failuresInRow })
      this.#failuresInRow = 0
    } catch (error) {
      this.#notBeforeMs = (tickClock(region) + RETRY_MS) | 0
      this.#onFailed(error as Error)
    }
  }

  #onFailed(error: Error): void {
    this.#status.failures++
    if (this.#failuresInRow++ % FAILURES_TOLD !== 0) return
    this.#log('error', 'the tables are not kept on disk: what is changed live and learned from now on could be lost', {
      folder: this.#folder.path,
      error: error.message,
      wish: 'see to its disk and its permissions; routing goes on, and it is tried again each second',
    })
  }

  #marks(): Marks {
    return { acting: this.#markOfActing(), all: this.#markOfAll(), config: this.#config() }
  }

  /** Another number when what every pick acts on has changed. */
  #markOfActing(): number {
    const { services } = this.#attachment
    let mark = this.#attachment.catchUp()
    for (let index = 0; index < this.#attachment.serviceTexts().length; index++) {
      mark = mix(mark, services.revisionOfFacts(index))
    }
    return mark
  }

  /** Another number when anything has changed that a snapshot says. */
  #markOfAll(): number {
    const { region } = this.#attachment
    let mark = this.#markOfActing()
    for (const [index, { rows }] of this.#attachment.serviceTexts().entries()) {
      mark = markOfService(region, index, mark)
      for (const row of rows) mark = markOfRow(region, row, mark)
    }
    return keepsSessions(this.#config()) ? markOfSessions(region, mark) : mark
  }
}

function keepsSessions({ services }: Config): boolean {
  return Object.values(services).some(({ policy }) => findPolicy(policy.name)?.keepsSessions === true)
}
