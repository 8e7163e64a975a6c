import { Agent, type RequestListener, type Server } from 'node:http'
import { ofPeer } from '../contest.ts'

/** Makes the server, with TLS or without. */
export type Serve = (listener: RequestListener) => Server
/** Begins to listen. */
type Listen = (port: number) => Promise<unknown>
type Peer = (origin: string, serve: Serve) => Promise<Listen | undefined>

/** Of those that take undici: one request at a time on each of 64 connections, kept for a minute. More than 64 requests at once wait for one, which costs nothing here. */
const POOL = { connections: 64, pipelining: 1, keepAliveTimeout: 60_000 } as const
/** Of those that take an agent of node:http: as many connections as there are requests at once, all kept. */
const agent = (): Agent => new Agent({ keepAlive: true, maxFreeSockets: 1024 })

/**
 * Proxies in Node as their own pages show them, with connections kept. A new one is a few lines here, and its name in sides.ts. Undefined where
 * the package is not installed.
 */
export const PEERS = {
  async 'fast-proxy'(origin, serve) {
    const peer = await ofPeer(() => import('fast-proxy'))
    // Its page: undici is a fifth to a half quicker than node:http.
    const proxy = peer?.default({ base: origin, undici: POOL }).proxy
    return proxy && listening(serve((request, response) => proxy(request, response, request.url!, {})))
  },

  async 'http-proxy-3'(origin, serve) {
    const peer = await ofPeer(() => import('http-proxy-3'))
    const proxy = peer?.createProxyServer({ target: origin, agent: agent() })
    return proxy && listening(serve((request, response) => void proxy.web(request, response)))
  },

  async '@fastify/http-proxy'(origin, serve) {
    const fastify = await ofPeer(() => import('fastify'))
    const peer = await ofPeer(() => import('@fastify/http-proxy'))
    if (fastify === undefined || peer === undefined) return undefined
    const app = fastify.default({ logger: false, serverFactory: serve })
    await app.register(peer.default, { upstream: origin, undici: POOL })
    return port => app.listen({ host: '127.0.0.1', port })
  },

  async httpxy(origin, serve) {
    const peer = await ofPeer(() => import('httpxy'))
    const proxy = peer?.createProxyServer({ target: origin, agent: agent() })
    return proxy && listening(serve((request, response) => void proxy.web(request, response)))
  },

  async 'node:http + undici'(origin, serve) {
    const { forwarder } = await import('./forwarder.ts')
    return listening(serve(forwarder(origin, POOL)))
  },
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof PEERS

function listening(server: Server): Listen {
  return port => new Promise<void>(resolve => server.listen(port, '127.0.0.1', 4096, resolve))
}
