import type { AccessConfig, Config, TlsConfig } from '../config/schema.ts'
import type { RegionHandle } from '../memory/region.ts'

/**
 * What passes between the proxy and its threads: the plan a thread is started with, and the messages both ways.
 *
 *   proxy  ── plan ──▶ thread                 once, as workerData
 *   proxy  ── rules ──▶ ◀── ruled ──          whenever the config changes
 *   proxy  ◀── listening | failed ──          once
 *   proxy  ◀── lines ── ── written ──▶        access log, as long as it runs
 *   proxy  ── leave ──▶                       before the end: it still serves, and closes connections after their response
 *   proxy  ── certificates ──▶                when files have changed
 *   proxy  ── drain ──▶ ◀── drained ──        at the end
 */

/** Where a thread listens: on an address of its own, or on a descriptor that is its alone. */
export interface ListenPlan {
  address: string
  port: number
  /** Duplicates of the listening descriptor, used by this thread and never by another. */
  fds?: number[]
  /** Whether other threads bind the same address, each for itself. */
  isShared: boolean
  /** What it shows; absent on a plain listener. */
  tls?: TlsMaterial
  /** Connections begin with a PROXY protocol header. */
  proxyProtocol: boolean
}

/** All that the TLS of one listener needs, as PEM: the proxy reads the files, its threads never do. */
export interface TlsMaterial extends Pick<TlsConfig, 'clientAuth' | 'minVersion' | 'http2'> {
  cert: string
  key: string
  sni: { hosts: string[]; cert: string; key: string }[]
  /** Authorities of client certificates. */
  ca?: string
  /** Shared by the threads, so that a session begun at one of them goes on at another. */
  ticketKeys: Uint8Array
}

export interface ThreadPlan {
  handle: RegionHandle
  listen: ListenPlan[]
  limits: Config['limits']
  /** Downstream connections this thread may have: its share of limits.connections. */
  connectionsMax: number
  trustedProxies: string[]
  routes: Config['routes']
  services: Record<
    string,
    Pick<Config['services'][string], 'timeouts' | 'retry' | 'policy' | 'limits' | 'tls' | 'protocol' | 'connections'>
  >
  /** Shared words of this thread, see counters.ts. */
  counters: Int32Array
  /** Shared words of this thread, see durations.ts. */
  durations: Int32Array
  /** How the access log is kept; undefined: not at all. */
  access: AccessConfig | undefined
  forwarded: Config['forwarded']
  requestId: Config['requestId']
  isTracing: boolean
}

/** What of a thread's plan stays as long as the thread. */
export type FixedPlan = Pick<ThreadPlan, 'handle' | 'durations' | 'isTracing'>

/** What of a thread's plan is config: a running thread is given another. */
export type RulesPlan = Omit<ThreadPlan, keyof FixedPlan | 'listen' | 'counters'>

/** Where a thread or a proxy listens in fact. */
export interface BoundAddress {
  address: string
  port: number
}

export type FromThread =
  | { type: 'listening'; addresses: BoundAddress[] }
  | { type: 'failed'; code: string; address: string; port: number; message: string }
  | { type: 'lines'; lines: Uint8Array }
  | { type: 'ruled'; turn: number }
  | { type: 'drained' }

export type ToThread =
  /** The first thing a thread hears that was started without one. */
  | { type: 'plan'; plan: ThreadPlan }
  | { type: 'rules'; plan: RulesPlan; turn: number }
  | { type: 'leave' }
  | { type: 'drain'; deadlineMs: number }
  /** Die, as by an error in the code. */
  | { type: 'crash' }
  | { type: 'written'; bytes: number }
  /** In the order of the listeners; undefined for a plain one. */
  | { type: 'certificates'; listeners: (TlsMaterial | undefined)[] }
