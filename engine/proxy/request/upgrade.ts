import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Connection } from '../downstream/connection.ts'
import type { Front } from '../front.ts'
import { takeRequest } from './journey.ts'

/** What a request brings that asks for another protocol. */
export interface Upgrading {
  readonly protocol: string
  /** What came behind the head: the beginning of what will be said in that protocol. */
  readonly early: Buffer
}

/** One protocol, with a version if it has one. A list leaves the choice to the endpoint, and it is not offered one. */
const PROTOCOL = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\/[A-Za-z0-9!#$%&'*+.^_`|~-]+)?$/

/**
 * The protocol a request asks to go on in; empty where that is passed over, as anybody may (RFC 9110 7.8): HTTP/2 is agreed on by TLS,
 * not here (RFC 9113 3.1), and a body has no place before another protocol.
 */
export function protocolOf({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): string {
  const { upgrade } = headers
  if (upgrade === undefined || method !== 'GET' || !PROTOCOL.test(upgrade)) return ''
  if (/^(?:h2c?|http)(?:\/|$)/i.test(upgrade)) return ''
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return ''
  return upgrade
}

/**
 * Takes a request with an Upgrade field. node:http has let go of its socket: what came behind the head is in `early`.
 *
 *   asks for a protocol ──▶ the way of every request, answered by a response of our own, the last on this connection
 *   asks for none we follow ──▶ read once more without that field, and the connection goes on
 */
export function takeUpgrade(
  front: Front,
  server: Server,
  connection: Connection,
  request: IncomingMessage,
  early: Buffer,
): void {
  const { socket } = connection
  // In HTTP/1.0 there is no such wish (RFC 9110 7.8).
  const protocol = request.httpVersionMinor === 0 ? '' : protocolOf(request)
  if (protocol === '' && connection.open.length === 0) {
    if (early.length > 0) socket.unshift(early)
    socket.unshift(Buffer.from(headWithoutUpgrade(request), 'latin1'))
    server.emit('connection', socket)
    return
  }
  // node:http lets go of this socket, and with it of its errors.
  socket.on('error', () => {})
  if (connection.open.length > 0) {
    // Nobody may ask for another protocol while answers are still to come: those are the last on this connection.
    connection.isClosing = true
    connection.drain()
    return
  }
  const response = new ServerResponse(request)
  response.assignSocket(socket)
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => {
    response.detachSocket(socket)
    connection.end()
  })
  takeRequest(front, connection, request, response, false, { protocol, early })
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (/^(?:upgrade|http2-settings)$/i.test(rawHeaders[i])) continue
    text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  }
  return `${text}\r\n`
}
