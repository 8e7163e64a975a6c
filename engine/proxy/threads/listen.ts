import { createServer, type Server } from 'node:net'
import { printListenAddress } from '../../config/address.ts'
import type { BoundAddress, ListenPlan } from '../plan.ts'

/**
 * How threads share a port.
 *
 *   descriptors   a parent process bound the address and left each thread a duplicate of its own: any Node, nothing in an
 *                 accept queue is ever lost. One number is never used by two threads: ending one of them would abort the process
 *   reuse port    each thread binds the same address for itself: Linux, Node 22.12 and newer
 *   alone         one thread
 */

/** What of a plan says where to listen. */
export type ListenAt = Omit<ListenPlan, 'tls' | 'proxyProtocol'>

/**
 * Sockets that a thread accepts from on an address it shares. libuv accepts one connection of each in a turn of the event loop, and
 * the turns of a busy one are long: with one socket, hundreds of new connections wait for seconds.
 */
export const ACCEPTORS = 4

/** What listens for a thread on one address, and where. */
export interface Listening {
  readonly at: BoundAddress
  readonly listeners: readonly Server[]
}

/** Listens with this server, and with further ones that hand it their connections. Rejects with the system's error. */
export async function listenWell(server: Server, plan: ListenAt): Promise<Listening> {
  const { fds = [], isShared } = plan
  const first = fds.length === 0 ? plan : { ...plan, fds: fds.slice(0, 1) }
  const at = await listen(server, first)
  const listeners = [server]
  const more = isShared ? Array<undefined>(ACCEPTORS - 1).fill(undefined) : fds.slice(1)
  for (const fd of more) {
    const { allowHalfOpen } = server as Server & { allowHalfOpen: boolean }
    const acceptor = createServer({ allowHalfOpen, noDelay: true }, socket => server.emit('connection', socket))
    await listen(acceptor, fd === undefined ? { ...at, isShared } : { ...at, isShared, fds: [fd] })
    acceptor.on('error', error => server.emit('error', error))
    listeners.push(acceptor)
  }
  return { at, listeners }
}

/** Whether this Node and system let several threads bind one address, as far as can be said without trying. */
export function canReusePort(version = process.versions.node, platform: string = process.platform): boolean {
  const [major, minor] = version.split('.').map(Number)
  return platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12))
}

/** Listens. Rejects with the system's error. */
export function listen(server: Server, plan: ListenAt): Promise<BoundAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') resolve({ address: plan.address, port: plan.port })
      else resolve({ address: bound.address, port: bound.port })
    })
    if (plan.fds !== undefined) server.listen({ fd: plan.fds[0] })
    else server.listen(listenOptions(plan))
  })
}

function listenOptions({ address, port, isShared }: ListenAt): { host: string; port: number; reusePort?: boolean } {
  return isShared ? { host: address, port, reusePort: true } : { host: address, port }
}

/** Why an address cannot be listened on, with what to do about it. */
export function describeListenError(at: BoundAddress, code: string, message: string): string {
  return `Cannot listen on ${printListenAddress(at)}: ${REMEDIES[code] ?? message}`
}

const REMEDIES: Record<string, string> = {
  EADDRINUSE: 'another process listens there, end it or choose another port',
  EACCES: 'this user may not use that port, choose one above 1023 or allow it (CAP_NET_BIND_SERVICE)',
  EADDRNOTAVAIL: 'this machine has no such address, choose one of its own or 0.0.0.0 for all',
  ENOTFOUND: 'the host name has no address, write an IP address or a name that resolves',
  EBADF: 'the inherited descriptor is not open, let the parent process start the engine',
}
