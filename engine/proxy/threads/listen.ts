import type { Server } from 'node:net'
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
    if (plan.fd !== undefined) server.listen({ fd: plan.fd })
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
