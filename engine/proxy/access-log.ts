import { DROPPED_LINES } from './counters.ts'

/** Lines are handed over together, this often in ms … */
const BATCH_MS = 100
/** … or when they have grown to this many characters. */
const BATCH_CHARACTERS = 64 * 1024
/** Handed over and not yet taken, in characters: what is more is dropped and counted, never waited for. */
const AHEAD_CHARACTERS = 4 * 1024 * 1024
/** Longest path in a line, in characters. */
const PATH_CHARACTERS = 2048
const HOST_CHARACTERS = 256

/** One request, as its line tells it. Durations in ms. */
export interface Access {
  method: string
  host: string
  path: string
  status: number
  bytes: number
  durationMs: number
  service: string
  endpoint: string
  attempts: number
  reason: string
  remote: string
}

/**
 * The access log of one thread: one JSON line a request in the shape of pino's, collected here and handed over in batches,
 * because a line written alone costs more than the request it tells of.
 */
export class AccessLog {
  readonly #hand: (text: string) => void
  readonly #counters: Int32Array
  #text = ''
  #lines = 0
  #ahead = 0
  #timer: NodeJS.Timeout | undefined

  constructor(hand: (text: string) => void, counters: Int32Array) {
    this.#hand = hand
    this.#counters = counters
  }

  write(access: Access): void {
    if (this.#ahead >= AHEAD_CHARACTERS) {
      this.#counters[DROPPED_LINES]++
      return
    }
    this.#text += line(access, Date.now())
    this.#lines++
    if (this.#text.length >= BATCH_CHARACTERS) {
      this.flush()
      return
    }
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.flush(), BATCH_MS)
    this.#timer.unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines === 0) return
    const text = this.#text
    this.#text = ''
    this.#lines = 0
    this.#ahead += text.length
    this.#hand(text)
  }

  /** So many characters have been taken by who writes them. */
  taken(characters: number): void {
    this.#ahead -= characters
  }
}

/** The line of one request, with its newline. `timeMs` is wall-clock time. */
export function line(access: Access, timeMs: number): string {
  const { method, status, bytes, service, attempts, remote } = access
  const query = access.path.indexOf('?')
  const path = (query < 0 ? access.path : access.path.slice(0, query)).slice(0, PATH_CHARACTERS)
  const host = access.host.slice(0, HOST_CHARACTERS)
  const durationMs = Math.round(access.durationMs * 1000) / 1000
  let text =
    `{"level":30,"time":${timeMs},"msg":"request","method":"${method}","host":${JSON.stringify(host)},` +
    `"path":${JSON.stringify(path)},"status":${status},"bytes":${bytes},"durationMs":${durationMs},` +
    `"attempts":${attempts},"remote":"${remote}"`
  if (service !== '') text += `,"service":"${service}"`
  if (access.endpoint !== '') text += `,"endpoint":${JSON.stringify(access.endpoint)}`
  if (access.reason !== '') text += `,"reason":"${access.reason}"`
  return `${text}}\n`
}
