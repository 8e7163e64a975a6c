import { elapsedMs } from '../../memory/clock.ts'
import type { Front } from '../front.ts'

const POLL_MS = 20

/**
 * How long a connection stays open that has nothing to do, in ms. Its next request may be on the way, as the first one of
 * a connection just accepted surely is: closed now, that request would fail; answered, it is told that it was the last.
 */
const QUIET_MS = 1000

/**
 * Finishes what has begun and lets nothing new begin: open responses run to their end and close their connection, quiet
 * connections are closed. What is left after `deadlineMs` is cut. The listening sockets must be closed before.
 *
 * By hand, because `http.Server.close()` goes on answering on kept-alive connections, and in newer Nodes also cuts those
 * whose first request is on the way.
 */
export async function drain(front: Front, deadlineMs: number): Promise<void> {
  front.isDraining = true
  for (const connection of front.connections) connection.drain()
  const began = performance.now()
  while (front.connections.size + front.arriving.size > 0 && performance.now() - began < deadlineMs) {
    const now = front.nowMs()
    for (const connection of front.connections) {
      if (connection.open.length === 0 && elapsedMs(now, connection.idleSinceMs) > QUIET_MS) connection.end()
    }
    if (performance.now() - began > QUIET_MS) for (const socket of front.arriving) socket.destroy()
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  for (const socket of front.arriving) socket.destroy()
  for (const connection of front.connections) connection.socket.destroy()
  while (front.connections.size > 0) await new Promise(resolve => setImmediate(resolve))
}
