import net from 'node:net'

/**
 * Downstreams that take their time, in a process of their own: they send a header or a body by a byte now and then, or read an answer by
 * a few. One that is cut comes again, so that there are always as many.
 *
 *   parent ──▶ { port }     begin
 *   parent ──▶ 'count'      ◀── Count
 */
export interface Count {
  /** Connections that stand. */
  readonly open: number
  /** Those that were closed by the other side. */
  readonly cut: number
}

export const HEADERS = 200
export const BODIES = 200
export const READERS = 100

const BEAT_MS = 1000
/** From one to the next at first. */
const ARRIVE_MS = 2
const READ_BYTES = 1024
const READ_EVERY_MS = 100

let open = 0
let cut = 0

function connect(port: number, first: string, everyMs: number, next: (socket: net.Socket) => void): void {
  // Small, so that what is not read waits at the proxy and not here.
  const socket = net.connect({ host: '127.0.0.1', port, highWaterMark: READ_BYTES } as net.NetConnectOpts)
  let timer: NodeJS.Timeout | undefined
  socket.on('connect', () => {
    open++
    socket.write(first)
    timer = setInterval(() => next(socket), everyMs)
    socket.once('close', () => {
      open--
      cut++
    })
  })
  socket.on('error', () => {})
  socket.once('close', () => {
    clearInterval(timer)
    setTimeout(() => connect(port, first, everyMs, next), BEAT_MS)
  })
}

function sendMore(socket: net.Socket): void {
  socket.write('x')
}

function readSome(socket: net.Socket): void {
  socket.read(READ_BYTES)
}

function begin(port: number): void {
  const header = 'GET /slow HTTP/1.1\r\nHost: a\r\nX: '
  const post = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'
  const long = 'GET /long HTTP/1.1\r\nHost: a\r\n\r\n'
  const start = (first: string, everyMs: number, next: (socket: net.Socket) => void, isReading: boolean): void =>
    connect(port, first, everyMs, socket => {
      if (isReading) socket.resume()
      next(socket)
    })
  const kinds = [
    ...Array.from({ length: HEADERS }, () => () => start(header, BEAT_MS, sendMore, true)),
    ...Array.from({ length: BODIES }, () => () => start(post, BEAT_MS, sendMore, true)),
    ...Array.from({ length: READERS }, () => () => start(long, READ_EVERY_MS, readSome, false)),
  ]
  kinds.forEach((startOne, i) => void setTimeout(startOne, i * ARRIVE_MS))
}

process.on('message', (message: { port: number } | 'count') => {
  if (message === 'count') process.send!({ open, cut } satisfies Count)
  else begin(message.port)
})
process.on('disconnect', () => process.exit())
