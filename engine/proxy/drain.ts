import type { Front } from './front.ts'

const POLL_MS = 20

/**
 * How long a connection without a request yet is kept while draining, in ms: it was accepted, so its request is
 * probably on the way.
 */
const FRESH_MS = 1000

/**
 * Finishes what has begun and lets nothing new begin: idle connections are closed, open responses run to their end and
 * close their connection. What is left after `deadlineMs` is cut. The listening sockets must be closed before.
 *
 * By hand, because `http.Server.close()` goes on answering on kept-alive connections, and in newer Nodes also cuts those
 * whose first request is on the way.
 */
export async function drain(front: Front, deadlineMs: number): Promise<void> {
  front.isDraining = true
  for (const connection of front.connections) connection.drain()
  const began = performance.now()
  let isPatient = true
  while (front.connections.size > 0 && performance.now() - began < deadlineMs) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    if (!isPatient || performance.now() - began < FRESH_MS) continue
    isPatient = false
    for (const connection of front.connections) {
      if (connection.open.length === 0) connection.end()
    }
  }
  for (const connection of front.connections) connection.socket.destroy()
  while (front.connections.size > 0) await new Promise(resolve => setImmediate(resolve))
}
