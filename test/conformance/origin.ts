import net, { type AddressInfo } from 'node:net'
import { type Reading, type Request, readRequests } from './message.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
export const BEHIND_BODY = 'behind'

/** One connection to the origin, and what came on it since the case began. */
export interface OriginConnection {
  readonly socket: net.Socket
  text: string
  /** Requests of this case that were answered. */
  answered: number
  isGone: boolean
}

/** An origin on bare TCP that keeps every byte it gets and reads it strictly. */
export class RecordingOrigin {
  readonly port: number
  answer = OK
  ends: 'close' | 'reset' | undefined
  /** Where the last bytes came in. */
  current: OriginConnection | undefined
  readonly #server: net.Server
  #open = new Set<OriginConnection>()
  #ofCase = new Set<OriginConnection>()
  readonly #watchers = new Set<() => void>()

  private constructor(server: net.Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', socket => this.#take(socket))
  }

  static async start(): Promise<RecordingOrigin> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new RecordingOrigin(server)
  }

  /** A case begins: nothing has been got yet. */
  begin(answer: string | undefined, ends: 'close' | 'reset' | undefined): void {
    this.answer = answer ?? OK
    this.ends = ends
    this.current = undefined
    this.#ofCase.clear()
    for (const connection of this.#open) {
      connection.text = ''
      connection.answered = 0
    }
  }

  /** What each connection brought since then. */
  readings(): Reading<Request>[] {
    return [...this.#ofCase].map(({ text }) => readRequests(text))
  }

  /** All text of this case. */
  text(): string {
    return [...this.#ofCase].map(({ text }) => text).join('')
  }

  /** Ends the connections that stand in the middle of a request. */
  tidy(): void {
    for (const connection of this.#ofCase) {
      const { rest, fault } = readRequests(connection.text)
      if (rest !== '' || fault !== undefined) connection.socket.destroy()
    }
  }

  /** Calls back whenever something has happened. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const { socket } of this.#open) socket.destroy()
    await closed
  }

  #take(socket: net.Socket): void {
    const connection: OriginConnection = { socket, text: '', answered: 0, isGone: false }
    this.#open.add(connection)
    const gone = (): void => {
      connection.isGone = true
      this.#tell()
    }
    socket.on('error', () => {})
    socket.on('end', () => {
      gone()
      socket.end()
    })
    socket.on('close', () => {
      this.#open.delete(connection)
      gone()
    })
    socket.on('data', bytes => {
      connection.text += bytes.toString('latin1')
      this.current = connection
      this.#ofCase.add(connection)
      this.#answerNew(connection)
      this.#tell()
    })
  }

  #answerNew(connection: OriginConnection): void {
    const { messages, fault } = readRequests(connection.text)
    for (const { target } of messages.slice(connection.answered)) {
      connection.answered++
      const body = target === '/behind' ? BEHIND_BODY : ''
      if (target === '/behind' || target === '/flush')
        connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      else this.send(connection, this.answer, this.ends)
    }
    if (fault !== undefined) connection.socket.destroy()
  }

  send({ socket }: OriginConnection, text: string, ends: 'close' | 'reset' | undefined): void {
    if (text !== '') socket.write(text, 'latin1')
    if (ends === 'close') socket.end()
    // A reset overtakes what was not sent, so that goes first.
    if (ends === 'reset') socket.write('', () => socket.resetAndDestroy())
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
