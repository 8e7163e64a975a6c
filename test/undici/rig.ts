import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { PolicyInput } from '../../engine/config/schema.ts'
import { type Box, createSignalbox, type EndpointReport, type Outcome } from '../../engine/index.ts'
import { RoutedDispatcher, type RoutedDispatcherOptions } from '../../engine/undici.ts'
import { eventually } from '../support/eventually.ts'

/** Endpoints of a test's own on 127.0.0.1, a box over them, and a dispatcher that routes to them. */
export interface Rig {
  box: Box
  dispatcher: RoutedDispatcher
  /** Ends everything, whatever is still going on. */
  close(): Promise<void>
}

export interface RigOptions extends RoutedDispatcherOptions {
  policy?: PolicyInput
  timeouts?: Record<string, string>
}

/** What the tickets of a box were settled with, in order; the tables would show neither a second time nor the finer words. */
const settles = new WeakMap<Box, Outcome[]>()

/** Endpoints are called e0, e1, …; by default they take turns. */
export async function startRig(
  origins: readonly Origin[],
  { policy = 'round-robin', timeouts = {}, ...options }: RigOptions = {},
): Promise<Rig> {
  const box = await createSignalbox({
    services: { api: { policy, timeouts, endpoints: origins.map(({ url }, i) => ({ id: `e${i}`, url })) } },
  })
  const router = box.router('api')
  const settle = router.settle.bind(router)
  settles.set(box, [])
  router.settle = (ticket, outcome, latencyUs) => {
    settles.get(box)?.push(outcome)
    settle(ticket, outcome, latencyUs)
  }
  const dispatcher = new RoutedDispatcher(box, 'api', options)
  return {
    box,
    dispatcher,
    close: async () => {
      await dispatcher.destroy()
      await box.close()
      await Promise.all(origins.map(origin => origin.close()))
    },
  }
}

export interface Origin {
  readonly url: string
  close(): Promise<void>
}

/** An HTTP endpoint. `onUpgrade` gets the socket of a request that asks for another protocol. */
export async function startOrigin(answer: RequestListener, onUpgrade?: (socket: Duplex) => void): Promise<Origin> {
  const server = createServer(answer)
  const upgraded = new Set<Duplex>()
  if (onUpgrade !== undefined) {
    server.on('upgrade', (_, socket) => {
      upgraded.add(socket)
      socket.on('error', () => {})
      onUpgrade(socket)
    })
  }
  return listening(server, () => {
    server.closeAllConnections()
    for (const socket of upgraded) socket.destroy()
  })
}

/** An endpoint that answers each connection as the test likes. */
export async function startRawOrigin(answer: (socket: net.Socket) => void): Promise<Origin> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    answer(socket)
  })
  return listening(server, () => {
    for (const socket of sockets) socket.destroy()
  })
}

/** An endpoint nobody listens at: its port was just given back. */
export async function deadOrigin(): Promise<Origin> {
  const { url, close } = await startOrigin(() => {})
  await close()
  return { url, close: async () => {} }
}

/** Says which endpoint it is. */
export function named(name: string, status = 200): Promise<Origin> {
  return startOrigin((_, response) => void response.writeHead(status).end(name))
}

async function listening(server: net.Server | Server, cut: () => void): Promise<Origin> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        cut()
      }),
  }
}

/** The reports of the endpoints, e0 first. */
export function reports(box: Box): EndpointReport[] {
  return box.explain('api').endpoints
}

export type Counts = Partial<Record<'ok' | 'error' | 'timeout' | 'abandoned', number>>

/** How everything was settled, once nothing is in flight any more; outcomes that did not occur are left out. */
export async function settled(box: Box): Promise<Counts> {
  await eventually('nothing is in flight', () => reports(box).every(({ inflight }) => inflight === 0))
  const counts: Counts = {}
  let [outcomes, picks] = [0, 0]
  for (const { totals } of reports(box)) {
    for (const outcome of ['ok', 'error', 'timeout', 'abandoned'] as const) {
      if (totals[outcome] > 0) counts[outcome] = (counts[outcome] ?? 0) + totals[outcome]
      outcomes += totals[outcome]
    }
    picks += totals.picked
  }
  assert.equal(outcomes, picks, 'outcomes and picks')
  return counts
}

/** How often a ticket was settled through the box's own router. */
export function settlements(box: Box): number {
  return outcomes(box).length
}

/** What they were settled with, in the finest word. */
export function outcomes(box: Box): readonly Outcome[] {
  return settles.get(box) ?? []
}
