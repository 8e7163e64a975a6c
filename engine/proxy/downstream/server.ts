import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Front } from '../front.ts'
import { type Reason, rawReply } from '../message/reply.ts'
import { takeRequest } from '../request/journey.ts'
import { takeUpgrade } from '../request/upgrade.ts'
import { OPEN_CONNECTIONS, REFUSED_CONNECTIONS } from '../telling/counters.ts'
import { Connection } from './connection.ts'

/**
 * The node:http server of one address. What the parser refuses never becomes a request: it is answered here,
 * on the bare socket, and the connection ends.
 */
export function createFrontServer(front: Front): Server {
  const { headerTimeout, headerBytes, urlBytes, keepAliveIdle } = front.limits
  const server = createServer({
    insecureHTTPParser: false,
    // Both limits have answers of their own; the parser's is the net below them.
    maxHeaderSize: headerBytes + urlBytes,
    headersTimeout: headerTimeout,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveIdle,
    connectionsCheckingInterval: Math.max(20, Math.min(1000, Math.ceil(headerTimeout / 4) || 1000)),
    // We answer a missing Host ourselves, with a reason.
    requireHostHeader: false,
    noDelay: true,
  })
  // The parser would leave out further headers without a word; they are counted instead.
  server.maxHeadersCount = 0

  // A connection the kernel could not hand over, for want of descriptors: the next one may be.
  server.on('error', () => {
    front.counters[REFUSED_CONNECTIONS]++
  })
  server.on('connection', (socket: Socket) => {
    // One whose request is read once more, see upgrade.ts.
    if (Connection.of(socket) !== undefined) return
    if (isFull(front) || !enter(front, new Connection(socket, front))) socket.destroy()
  })

  const take = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const connection = Connection.of(request.socket)
    // What comes behind the last response of a connection is not a request to anybody.
    if (connection !== undefined && !connection.isClosing && !connection.isSpent)
      takeRequest(front, connection, request, response, expectsContinue)
  }
  server.on('request', (request, response) => take(request, response, false))
  // Other expectations than 100-continue may be ignored (RFC 9110 10.1.1), and the upstream is not told of them.
  server.on('checkExpectation', (request, response) => take(request, response, false))
  server.on('checkContinue', (request, response) => take(request, response, true))
  server.on('upgrade', (request, socket: Socket, early) => {
    const connection = Connection.of(socket)
    if (connection === undefined || connection.isClosing || connection.isSpent) socket.destroy()
    else takeUpgrade(front, server, connection, request, early)
  })
  server.on('connect', (_request, socket: Socket) => {
    // node:http lets go of this socket, and with it of its errors.
    socket.on('error', () => {})
    refuse(socket, 'method-not-allowed')
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseSoon(front, socket)
    else refuse(socket, readParserError(error))
  })
  return server
}

/**
 * Has a server follow the limits of another config. What its parser allows counts for connections that are accepted from now
 * on; times count for those that are open, too.
 */
export function tuneServer(
  server: Server,
  { headerTimeout, headerBytes, urlBytes, keepAliveIdle }: Front['limits'],
): void {
  // Not in the types, and read by node:http for each connection since it can be set at all.
  ;(server as Server & { maxHeaderSize: number }).maxHeaderSize = headerBytes + urlBytes
  server.headersTimeout = headerTimeout
  server.keepAliveTimeout = keepAliveIdle
}

/** Whether there are as many connections as there may be. One more is refused, and counted as that. */
export function isFull({ connections, arriving, rules, counters }: Front): boolean {
  if (connections.size + arriving.size < rules.connectionsMax) return false
  counters[REFUSED_CONNECTIONS]++
  return true
}

/** Counts a connection among those that are open, until it closes. False: its client has as many as it may. */
export function enter(front: Front, connection: Connection): boolean {
  const { connections, clients, counters } = front
  if (isOneTooMany(front, connection)) {
    counters[REFUSED_CONNECTIONS]++
    return false
  }
  connections.add(connection)
  clients.enter(connection.remote)
  counters[OPEN_CONNECTIONS]++
  connection.socket.once('close', () => {
    connections.delete(connection)
    clients.leave(connection.remote)
    counters[OPEN_CONNECTIONS]--
    connection.onGone()
  })
  return true
}

/** A proxy that is trusted stands for many clients. */
function isOneTooMany({ limits, clients }: Front, connection: Connection): boolean {
  const { connectionsPerClient } = limits
  return connectionsPerClient > 0 && clients.count(connection.remote) >= connectionsPerClient && !connection.isTrusted
}

/** One whose head has not come in time. What comes of it now is not read any more. */
function refuseSoon(front: Front, socket: Socket): void {
  socket.pause()
  front.giveUpSoon(() => {
    if (socket.destroyed) return
    socket.resume()
    refuse(socket, 'header-timeout')
  })
}

function readParserError(error: NodeJS.ErrnoException): Reason {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'header-too-large'
  return 'bad-request'
}

/**
 * Ends a connection on which nothing more will be understood. A body that turned out malformed is the open request's own
 * fault and is its answer; requests that came whole before the malformed one are answered first.
 */
function refuse(socket: Socket, reason: Reason): void {
  const connection = Connection.of(socket)
  if (connection === undefined) {
    socket.destroy()
    return
  }
  const last = connection.open.at(-1)
  if (last !== undefined && !last.isWhole) {
    last.isLast = true
    last.refuse(reason)
    return
  }
  if (connection.isClosing) return
  connection.isClosing = true
  if (last === undefined) connection.end(rawReply(reason))
  else last.response.once('finish', () => connection.end(rawReply(reason)))
}
