import { connect } from 'node:net'
import { steadyMs } from '../../kit/clock.ts'
import type { Edge } from '../../kit/grammar/action.ts'

/** Whether something can be connected to: how long that took, in ms with fractions, or why it could not. */
export type Reach = { readonly connectMs: number } | { readonly connectMs: null; readonly reason: string }

/**
 * Opens a TCP connection and closes it at once, without a word: the time from the first packet to the answer to it is one round trip.
 * Never rejects. Names are resolved by the system, and that is in the time.
 */
export function reach(
  host: string,
  port: number,
  timeoutMs: number,
  { later, signal }: Pick<Edge, 'later' | 'signal'>,
): Promise<Reach> {
  return new Promise(resolve => {
    const since = steadyMs()
    const socket = connect({ host, port, noDelay: true })
    const end = (reach: Reach): void => {
      callOff()
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(reach)
    }
    const onAbort = (): void => end({ connectMs: null, reason: 'it was called off' })
    // What has arrived while this thread was busy counts: sockets are read before immediates run.
    const callOff = later(timeoutMs, () =>
      setImmediate(() => end({ connectMs: null, reason: `no answer within ${timeoutMs} ms` })),
    )
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => end({ connectMs: steadyMs() - since }))
    socket.on('error', (error: NodeJS.ErrnoException) => end({ connectMs: null, reason: error.code ?? error.message }))
  })
}

/** Where an endpoint of this url is connected to. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}
