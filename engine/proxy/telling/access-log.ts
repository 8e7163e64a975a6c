import type { AccessConfig } from '../../config/schema.ts'
import { type Access, line } from './access-line.ts'
import { DROPPED_LINES } from './counters.ts'

/** Longest line: a path, a host, an id and 32 headers, six characters for each that is escaped. */
const LINE_CHARACTERS = 128 * 1024
/** Lines become bytes when they have grown to this many characters together: one after the other would cost twice as much. */
const PIECE_CHARACTERS = 16 * 1024
/** They are handed over together, this often in ms … */
const BATCH_MS = 100
/** … or when there are this many. */
const BATCH_BYTES = 64 * 1024
/** A turn of the loop that makes more than this hands them over itself. */
const BATCH_BYTES_MAX = 128 * 1024
/** Not yet taken, in bytes: what is more is dropped and counted, never waited for. */
const AHEAD_BYTES = 4 * 1024 * 1024

/** Every request a line, and nothing beside what all lines show. */
const PLAIN: AccessConfig = { sample: 1, slow: 0, headers: [] }

/** Why a response broke off through no fault of the downstream. */
const BROKEN = new Set(['upstream-broke', 'request-timeout', 'bad-response'])

/** How the access log is kept; undefined where it is not. */
export function accessOf(access: boolean | AccessConfig): AccessConfig | undefined {
  if (access === false) return undefined
  return access === true ? PLAIN : access
}

/**
 * The access log of one thread: one JSON line a request in the shape of pino's, collected here and handed over in batches,
 * because a line written alone costs more than the request it tells of. A batch leaves by a timer or between two turns of
 * the loop, never in the middle of a request.
 */
export class AccessLog {
  readonly #hand: (lines: Uint8Array<ArrayBuffer>) => void
  readonly #counters: Int32Array
  /** How it is kept from now on. */
  config: AccessConfig
  readonly #random: () => number
  /** The newest lines. */
  #text = ''
  /** Those before, not handed over yet: text that waits would be moved about by every collection of garbage. */
  readonly #batch = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX + PIECE_CHARACTERS + LINE_CHARACTERS)
  #used = 0
  #ahead = 0
  #timer: NodeJS.Timeout | undefined
  #next: NodeJS.Immediate | undefined

  /** `hand` is given bytes of its own: lines of ASCII, whole ones. */
  constructor(
    hand: (lines: Uint8Array<ArrayBuffer>) => void,
    counters: Int32Array,
    config: AccessConfig = PLAIN,
    random: () => number = Math.random,
  ) {
    this.#hand = hand
    this.#counters = counters
    this.config = config
    this.#random = random
  }

  /**
   * Share of requests such as this one that get a line: 1 always, or as many as the config says; 0: this one gets none.
   * What the service did wrong or slowly always gets one. What the downstream did wrong does not, or a stranger could fill
   * the log in spite of the sampling.
   */
  shareOf(status: number, durationMs: number, reason: string): number {
    const { sample, slow } = this.config
    if (sample === 1 || status >= 500 || (slow > 0 && durationMs >= slow) || BROKEN.has(reason)) return 1
    return this.#random() < sample ? sample : 0
  }

  write(access: Access, share = 1): void {
    if (this.#ahead >= AHEAD_BYTES) {
      this.#counters[DROPPED_LINES]++
      return
    }
    this.#text += line(access, Date.now(), share, this.config.headers)
    if (this.#text.length >= PIECE_CHARACTERS) {
      this.#keep()
      this.#handOverWhenFull()
    }
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(this.#flush, BATCH_MS)
    this.#timer.unref()
  }

  /** The newest lines become bytes. */
  #keep(): void {
    this.#used += this.#batch.write(this.#text, this.#used, 'latin1')
    this.#text = ''
  }

  #handOverWhenFull(): void {
    if (this.#used >= BATCH_BYTES_MAX) this.flush()
    else if (this.#used >= BATCH_BYTES) this.#next ??= setImmediate(this.#flush)
  }

  readonly #flush = (): void => this.flush()

  flush(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#next)
    this.#timer = undefined
    this.#next = undefined
    this.#keep()
    if (this.#used === 0) return
    const lines = Buffer.allocUnsafeSlow(this.#used) as Uint8Array<ArrayBuffer>
    lines.set(this.#batch.subarray(0, this.#used))
    this.#ahead += this.#used
    this.#used = 0
    this.#hand(lines)
  }

  /** So many bytes have been taken by who writes them. */
  taken(bytes: number): void {
    this.#ahead -= bytes
  }
}
