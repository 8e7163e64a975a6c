import net, { type Socket } from 'node:net'
import type { Front } from '../front.ts'
import type { ListenPlan, TlsMaterial } from '../plan.ts'
import { FAILED_ENTRIES, REFUSED_CONNECTIONS } from '../telling/counters.ts'
import { setSource } from './connection.ts'
import { openSession } from './downstream-session.ts'
import { readProxyHeader } from './proxy-header.ts'
import { createFrontServer, isFull, tuneServer } from './server.ts'
import { TlsDoor } from './tls-door.ts'

/**
 * What a connection goes through before its first request is read.
 *
 *   accept ──▶ PROXY header ──▶ TLS handshake ──▶ HTTP/1.1    node:http's server
 *                                             └─▶ HTTP/2      a session of its own, where the downstream chose it
 *
 * A plain listener has none of it: node:http's server listens itself. Otherwise that server is handed its sockets, so that
 * its limits and timeouts are the same in every case.
 */
export interface Door {
  /** What listens. */
  readonly server: net.Server
  /** Shows other certificates from the next handshake on. */
  swap(tls: TlsMaterial): void
  /** Follows the limits of another config; a handshake keeps the time it had at the start. */
  tune(limits: Front['limits']): void
  /** Ends what looks after its connections; the listening socket is closed before. */
  close(): void
}

export function openDoor(front: Front, plan: ListenPlan): Door {
  const http1 = createFrontServer(front)
  if (plan.tls === undefined && !plan.proxyProtocol) {
    const tune = (limits: Front['limits']): void => tuneServer(http1, limits)
    return { server: http1, swap: () => {}, tune, close: () => void http1.close() }
  }
  // With this it begins to look for late headers; it would by itself if it listened.
  http1.emit('listening')
  const tls =
    plan.tls === undefined
      ? undefined
      : new TlsDoor(plan.tls, front.limits.headerTimeout, front.counters, (raw, socket) => {
          front.arriving.delete(raw)
          if (socket.alpnProtocol === 'h2') openSession(front, socket)
          else http1.emit('connection', socket)
        })

  const enter = (raw: Socket): void => {
    if (tls !== undefined) {
      tls.take(raw)
      return
    }
    front.arriving.delete(raw)
    http1.emit('connection', raw)
    // It was paused while its header was looked at.
    raw.resume()
  }
  // As node:http's servers have it, with TLS and without: neither a handshake nor a session looks for the end of its half.
  const server = net.createServer({ allowHalfOpen: tls === undefined, noDelay: true }, raw => {
    if (isFull(front)) {
      raw.destroy()
      return
    }
    front.arriving.add(raw)
    raw.on('error', () => {})
    raw.once('close', () => front.arriving.delete(raw))
    if (plan.proxyProtocol) awaitProxyHeader(raw, front.limits.headerTimeout, front.counters, enter)
    else enter(raw)
  })
  server.on('error', () => {
    front.counters[REFUSED_CONNECTIONS]++
  })
  return {
    server,
    swap: material => tls?.swap(material),
    tune: limits => tuneServer(http1, limits),
    close: () => {
      http1.close()
      server.close()
    },
  }
}

/** Reads the header off a socket, and hands on what comes after it. Without one, in time and whole, the socket is closed. */
function awaitProxyHeader(raw: Socket, timeoutMs: number, counters: Int32Array, then: (raw: Socket) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  const timer = timeoutMs > 0 ? setTimeout(() => raw.destroy(), timeoutMs) : undefined
  const end = (): void => void raw.destroy()
  const fail = (): void => {
    clearTimeout(timer)
    counters[FAILED_ENTRIES]++
  }
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const header = readProxyHeader(bytes)
    if (header === undefined) return
    if ('fault' in header) {
      raw.destroy()
      return
    }
    clearTimeout(timer)
    raw.off('data', onData).off('end', end).off('close', fail)
    raw.pause()
    if (header.source !== undefined) setSource(raw, header.source)
    if (header.bytes < bytes.length) raw.unshift(bytes.subarray(header.bytes))
    then(raw)
  }
  raw.on('data', onData).on('end', end).on('close', fail)
}
