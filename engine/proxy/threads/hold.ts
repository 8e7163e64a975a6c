import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { standStill } from '../../memory/stand-still.ts'
import type { BoundAddress } from '../plan.ts'
import { listen } from './listen.ts'

/**
 * Binds addresses, listens on them, and then stands still for ever. A thread whose loop never turns again never accepts:
 * the connections queue in the kernel for who has a duplicate of the descriptor. Started and ended by parent.ts.
 */

/** What the holder says before it stands still. */
export type Held =
  | { type: 'held'; sockets: { address: string; port: number; fd: number }[] }
  | { type: 'failed'; code: string; address: string; port: number; message: string }

const port = parentPort as NonNullable<typeof parentPort>
const sockets: { address: string; port: number; fd: number }[] = []

async function hold(): Promise<void> {
  const servers = []
  for (const at of workerData as BoundAddress[]) {
    const server = createServer({ pauseOnConnect: true })
    try {
      const bound = await listen(server, { ...at, isShared: false })
      // There is no public way to the number of a descriptor; this one has stood since the first Node.
      const { fd } = (server as unknown as { _handle: { fd: number } })._handle
      sockets.push({ ...bound, fd })
      servers.push(server)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      port.postMessage({ type: 'failed', code: code ?? '', ...at, message } satisfies Held)
      return
    }
  }
  port.postMessage({ type: 'held', sockets } satisfies Held)
  standStill()
}

void hold()
