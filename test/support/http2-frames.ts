import tls from 'node:tls'

/**
 * HTTP/2 by hand: frames as they lie on the wire, also those that no client library would send. Fields are written as
 * literals without indexing and without Huffman coding, so that what is sent is what is read here.
 */

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

export const END_STREAM = 1
export const END_HEADERS = 4
export const ACK = 1

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1')
  const head = Buffer.alloc(9)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, bytes])
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** An integer with a prefix of seven bits (RFC 7541 5.1). */
function length(value: number): number[] {
  if (value < 127) return [value]
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return [...bytes, rest]
}

export type Field = readonly [name: string, value: string]

export function fields(list: readonly Field[]): Buffer {
  return Buffer.concat(
    list.flatMap(([name, value]) => [
      Buffer.from([0, ...length(name.length)]),
      Buffer.from(name, 'latin1'),
      Buffer.from(length(value.length)),
      Buffer.from(value, 'latin1'),
    ]),
  )
}

/** The pseudo-header fields of a GET, others in their place or after them. */
export function get(...further: Field[]): Field[] {
  return [...pseudo('GET'), ...further]
}

export function pseudo(method: string, path = '/'): Field[] {
  return [
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'a.example'],
    [':path', path],
  ]
}

export interface RawSession {
  send(...frames: Buffer[]): void
  /** Whole frames that have come. */
  readonly frames: Frame[]
  /** The first frame of a type, on a stream if one is named. */
  find(type: number, stream?: number): Frame | undefined
  isClosed: boolean
  pause(): void
  close(): void
}

/** A session over TLS whose preface and SETTINGS are exchanged; it answers nothing by itself. */
export function openRawSession(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawSession> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false })
    let pending = Buffer.alloc(0)
    const session: RawSession = {
      frames: [],
      isClosed: false,
      send: (...frames) => void socket.write(Buffer.concat(frames)),
      find: (type, stream) =>
        session.frames.find(each => each.type === type && (stream ?? each.stream) === each.stream),
      pause: () => void socket.pause(),
      close: () => void socket.destroy(),
    }
    socket.on('data', bytes => {
      pending = Buffer.concat([pending, bytes])
      while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const end = 9 + pending.readUIntBE(0, 3)
        const [type, flags, stream] = [pending[3], pending[4], pending.readUInt32BE(5)]
        session.frames.push({ type, flags, stream, payload: pending.subarray(9, end) })
        pending = pending.subarray(end)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => {
      session.isClosed = true
    })
    socket.on('secureConnect', () => {
      socket.write(PREFACE)
      session.send(frame(SETTINGS, 0, 0, settings), frame(SETTINGS, ACK, 0))
      resolve(session)
    })
  })
}
