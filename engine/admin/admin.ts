import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Box } from '../box/box.ts'
import type { ReloadReport } from '../box/reload.ts'
import { isLoopback, type ListenAddress, printListenAddress } from '../config/address.ts'
import { SignalboxError } from '../errors.ts'
import { refusalOf, sendRefusal } from './answer.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { Counters, WIDEN_EVERY_MS } from './counters.ts'
import { Gate, isLoopbackPeer } from './gate.ts'
import { LiveFeed } from './live-feed.ts'
import { loadPageFiles } from './page-files.ts'
import { listRoutes, matchRoute } from './routes.ts'
import { SignalFeed } from './signal-feed.ts'
import type { ProxyRequests, ProxyStatus, Sources } from './snapshot.ts'

export interface AdminOptions {
  listen: ListenAddress
  /** What changes must carry as "Authorization: Bearer". Empty or absent: changes from loopback alone. */
  token?: string
  /** Whether the engine takes requests now: false before it routes and while it drains. */
  isReady: () => boolean
  /** The proxy's threads, where there is a proxy. */
  proxy?: () => ProxyStatus
  /** Reads the config anew, for POST /api/v1/reload; without it there is no such path. */
  reload?: () => Promise<ReloadReport>
  /** The file that config is read from, for who asks which one is in force. */
  configFile?: string
  /** How long its requests took: `requests()` of the proxy. */
  requests?: () => ProxyRequests
  /** The version of the package, for the metrics and the page. */
  version: string
}

export interface Admin {
  /** Where it listens: the IP address the system gave, and the port it chose if 0 was asked for. */
  readonly address: string
  readonly port: number
  /** Another token counts from the next request on. Throws SBX_ADMIN_FORBIDDEN where there must be one and this is empty. */
  setToken(token: string): void
  /** Ends every connection and gives the port back. As often as you like. */
  close(): Promise<void>
}

/** Slow senders hold a connection for 10 s at most, silent receivers for 30 s; a live feed sends twice a second. */
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const
const SILENCE_MS = 30_000
/** People and scrapers are few; more connections than this are refused so that they cannot starve the engine. */
const CONNECTIONS_MAX = 64

/**
 * Listens for people and scrapers: health, metrics, the API and the dashboard. Prints nothing, and keeps no process
 * alive by itself.
 *
 * Throws SBX_ADMIN_FORBIDDEN when the address is not loopback and no token is set, SBX_LISTEN_FAILED when the address
 * cannot be listened on.
 */
export async function startAdmin(box: Box, options: AdminOptions): Promise<Admin> {
  const { listen, token = '', isReady, proxy, requests, reload, configFile, version } = options
  if (token === '' && !isLoopback(listen.address)) throw tokenNeeded(listen)
  const counters = new Counters(box)
  const sources: Sources = { box, counters, version, isReady, proxy, requests, reload, configFile }
  const feed = new LiveFeed(sources)
  const signals = new SignalFeed()
  const routes = listRoutes(sources, feed, signals, await loadPageFiles())

  // A missing Host is refused by the gate, in the shape of all refusals.
  const listener = createServer({ ...TIMEOUTS, maxHeaderSize: 16_384, requireHostHeader: false })
  listener.maxConnections = CONNECTIONS_MAX
  listener.setTimeout(SILENCE_MS)
  listener.on('clientError', answerBrokenRequest)
  // A page that stays open is no reason for a process to stay.
  listener.on('connection', socket => socket.unref())
  const { address, port } = await bind(listener, listen)
  listener.unref()
  // Out of descriptors, say: that connection is lost, the listener is not.
  listener.on('error', error => box.log('error', 'the admin listener met a fault', { error }))
  const close = closer(listener, [feed, signals], everyMinute(box, counters))
  const isLocal = isLoopbackPeer(address)
  if (!isLocal && token === '') {
    // A name such as localhost that resolves to the world.
    await close()
    throw tokenNeeded({ address, port })
  }

  const isGuardedByHost = isLocal && isLoopback(listen.address)
  const gate = new Gate({ address: listen.address, port, isLoopback: isGuardedByHost, token })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      gate.checkHost(request)
      const { route, names } = matchRoute(routes, request.method ?? '', request.url ?? '')
      gate.check(request, route.need)
      await route.answer(response, request, names)
    } catch (error) {
      if (!(error instanceof SignalboxError)) box.log('error', 'the admin listener met a fault', { error })
      if (response.headersSent) response.destroy()
      else sendRefusal(response, refusalOf(error))
    }
  }
  listener.on('request', (request, response) => void answer(request, response))
  const setToken = (next: string): void => {
    if (next === '' && !isGuardedByHost) throw tokenNeeded({ address, port })
    gate.setToken(next)
  }
  return { address, port, setToken, close }
}

function bind(listener: Server, { address, port }: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenFailed({ address, port }, error))
    listener.once('error', onError)
    listener.listen({ host: address, port }, () => {
      listener.off('error', onError)
      resolve(listener.address() as AddressInfo)
    })
  })
}

/** Counts wrap at 2^32: they are read now and then even when nobody scrapes. */
function everyMinute(box: Box, counters: Counters): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (box.isClosed) return clearInterval(timer)
    counters.services()
    counters.lost()
  }, WIDEN_EVERY_MS)
  return timer.unref()
}

function closer(listener: Server, feeds: readonly { close(): void }[], timer: NodeJS.Timeout): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () =>
    (closing ??= new Promise(resolve => {
      clearInterval(timer)
      for (const feed of feeds) feed.close()
      listener.close(() => resolve())
      listener.closeAllConnections()
    }))
}

function tokenNeeded(listen: ListenAddress): SignalboxError {
  return new SignalboxError(
    'SBX_ADMIN_FORBIDDEN',
    `Cannot start the admin listener on ${printListenAddress(listen)}: others can reach this address and no token is set, ` +
      'set admin.token or listen on 127.0.0.1',
  )
}

const WISHES: Record<string, string> = {
  EADDRINUSE: 'it is in use by another program, stop that one or give admin.listen another port',
  EACCES: 'this user may not listen there, use a port above 1023 for admin.listen',
  EADDRNOTAVAIL: 'this machine has no such address, use one of its own or 127.0.0.1 for admin.listen',
  ENOTFOUND: 'the name does not resolve, use an IP address for admin.listen',
}

function listenFailed(listen: ListenAddress, error: NodeJS.ErrnoException): SignalboxError {
  const wish = WISHES[error.code ?? ''] ?? `${error.message}, give admin.listen another address`
  return new SignalboxError('SBX_LISTEN_FAILED', `Cannot listen on ${printListenAddress(listen)}: ${wish}`, {
    cause: error,
  })
}
