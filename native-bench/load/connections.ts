import { connect, type Socket } from 'node:net'
import { type Answer, AnswerReader } from './answers.ts'
import { HEADERS } from './wrk.ts'

/** A request on its way, and when it was due and sent, on performance.now(). */
export interface Sent {
  readonly dueMs: number
  readonly sentMs: number
}

/** What became of it; a text: why there is no answer. */
type OnAnswer = (sent: Sent, answer: Answer | string) => void

interface Waiting {
  readonly path: string
  readonly dueMs: number
}

export interface Limits {
  readonly port: number
  readonly connections: number
  readonly opened: number
}

const HEADER_LINES = Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

/** Every read goes through it, and is over before the next one. */
const PIECE = Buffer.allocUnsafe(64 << 10)

/**
 * Keep-alive connections to one port, one request at a time on each. A request takes the one that is free for the longest, so that none idles
 * until a proxy closes it; where none is, one more is opened, and whichever is free first takes it.
 */
export class Connections {
  readonly #limits: Limits
  readonly #onAnswer: OnAnswer
  readonly #free: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #waiting: Waiting[] = []
  #isClosed = false

  private constructor(limits: Limits, onAnswer: OnAnswer) {
    this.#limits = limits
    this.#onAnswer = onAnswer
  }

  /** Resolves when as many stand as are to stand from the beginning. */
  static async open(limits: Limits, onAnswer: OnAnswer): Promise<Connections> {
    const connections = new Connections(limits, onAnswer)
    const count = Math.min(limits.opened, limits.connections)
    await Promise.all(Array.from({ length: count }, () => connections.#add()))
    return connections
  }

  send(path: string, dueMs: number): void {
    const free = this.#free.shift()
    if (free !== undefined) {
      free.send(path, dueMs)
      return
    }
    this.#waiting.push({ path, dueMs })
    if (this.#all.size < this.#limits.connections) void this.#add()
  }

  /** Whatever is under way or waits is told as broken off. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#all) connection.destroy()
    for (const waiting of this.#waiting.splice(0)) this.#giveUp(waiting, 'not sent')
  }

  #add(): Promise<void> {
    return new Promise(resolve => {
      const connection = new Connection(this.#limits.port, {
        onFree: () => {
          resolve()
          const next = this.#waiting.shift()
          if (next === undefined) this.#free.push(connection)
          else connection.send(next.path, next.dueMs)
        },
        onAnswer: this.#onAnswer,
        onGone: (hasStood, why) => {
          resolve()
          this.#all.delete(connection)
          const at = this.#free.indexOf(connection)
          if (at >= 0) this.#free.splice(at, 1)
          if (this.#isClosed) return
          // Where nobody listens there would be no end to it: each attempt costs a request.
          const lost = hasStood ? undefined : this.#waiting.shift()
          if (lost !== undefined) this.#giveUp(lost, why)
          if (this.#waiting.length > 0) void this.#add()
        },
      })
      this.#all.add(connection)
    })
  }

  #giveUp({ dueMs }: Waiting, why: string): void {
    this.#onAnswer({ dueMs, sentMs: performance.now() }, why)
  }
}

interface Ears {
  onFree(): void
  onAnswer: OnAnswer
  onGone(hasStood: boolean, why: string): void
}

class Connection {
  readonly #socket: Socket
  readonly #ears: Ears
  #sent: Sent | undefined
  #isDone = false

  constructor(port: number, ears: Ears) {
    this.#ears = ears
    const reader = new AnswerReader(answer => this.#hear(answer))
    let hasStood = false
    let why = 'closed'
    const callback = (count: number): boolean => {
      this.#read(reader, count)
      return true
    }
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: PIECE, callback } })
    this.#socket.once('connect', () => {
      hasStood = true
      ears.onFree()
    })
    this.#socket.once('end', () => reader.finish())
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message
    })
    this.#socket.once('close', () => {
      this.#isDone = true
      const broken = this.#sent
      this.#sent = undefined
      if (broken !== undefined) ears.onAnswer(broken, why)
      ears.onGone(hasStood, why)
    })
  }

  send(path: string, dueMs: number): void {
    this.#sent = { dueMs, sentMs: performance.now() }
    this.#socket.write(`GET ${path} HTTP/1.1\r\n${HEADER_LINES}\r\n`, 'latin1')
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(reader: AnswerReader, count: number): void {
    try {
      reader.push(PIECE.subarray(0, count))
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
  }

  #hear(answer: Answer): void {
    const sent = this.#sent
    if (sent === undefined) throw new Error('Cannot read an answer: nobody has asked')
    this.#sent = undefined
    this.#ears.onAnswer(sent, answer)
    if (answer.isKept && !this.#isDone) this.#ears.onFree()
    else this.#socket.destroy()
  }
}
