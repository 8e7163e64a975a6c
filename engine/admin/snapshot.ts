import type { Box } from '../box/box.ts'
import type { AgentStatus } from '../box/control.ts'
import type { ConfigStatus, ReloadReport } from '../box/reload.ts'
import { SWITCH_NAMES, type SwitchName } from '../memory/agent-switches.ts'
import type { ServiceReport } from '../router/report.ts'
import { processTimes, wallMs } from './clock.ts'
import type { Counters } from './counters.ts'

/** What the proxy tells of its threads, where there is one. */
export interface ProxyStatus {
  threads: ProxyThread[]
}

export interface ProxyThread {
  index: number
  state: string
  restarts: number
  /** Responses by class, since the proxy began. */
  responses: Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>
  /** Requests whose downstream went away first. */
  noResponse: number
  /** Second tries. */
  retries: number
  /** Connections refused because there were too many. */
  refusedConnections: number
  /** Connections that ended before a request could be read: no TLS handshake, or no PROXY header. */
  failedEntries: number
  droppedAccessLines: number
  /** Downstream connections now. */
  openConnections: number
  /** Copies sent to a mirror, those that failed, and those that were not sent. */
  mirrored: number
  mirrorsFailed: number
  mirrorsSkipped: number
  /** What the thread held a moment ago, heap and buffers. */
  heapBytes: number
}

/** How long requests of the proxy took. */
export interface ProxyRequests {
  /** Upper bounds of the buckets in seconds. */
  boundsS: readonly number[]
  services: readonly {
    /** Empty for requests that reached none. */
    service: string
    /** By class of status; `none`: ended without a response. */
    durations: Partial<Record<string, Times>>
    firstByte: Times
    /** Second tries. */
    retries: number
  }[]
}

/** Times by bucket, not cumulated: one for each bound, and one above. */
export interface Times {
  buckets: readonly number[]
  sumS: number
}

/** Everything the dashboard shows, at one instant. */
export interface Snapshot {
  /** Milliseconds since 1970. */
  time: number
  /** Milliseconds this process has been running. */
  uptimeMs: number
  version: string
  isReady: boolean
  config: ConfigNote
  services: ServiceReport[]
  /** Empty without a control plane. */
  agents: AgentNote[]
  /** Absent without a proxy. */
  proxy?: ProxyStatus
}

/** An agent, and whether what it writes counts. */
export interface AgentNote extends AgentStatus {
  isEnabled: boolean
}

/** Which config is in force. Why the last one was refused is told to who asked for it, and to the log: it may quote the file. */
export interface ConfigNote extends Omit<ConfigStatus, 'lastError'> {
  /** Null where it is read from none. */
  file: string | null
}

/** Where the admin listener reads what it tells. */
export interface Sources {
  box: Box
  counters: Counters
  version: string
  isReady: () => boolean
  proxy: (() => ProxyStatus) | undefined
  reload: (() => Promise<ReloadReport>) | undefined
  requests?: (() => ProxyRequests) | undefined
  configFile?: string | undefined
}

/** Throws SBX_BOX_CLOSED. */
export function takeSnapshot(sources: Sources): Snapshot {
  const { box, counters, version, isReady, proxy } = sources
  const time = wallMs()
  return {
    time,
    uptimeMs: Math.round(time - processTimes().startedS * 1000),
    version,
    isReady: isReady(),
    config: configOf(sources),
    services: counters.services(),
    agents: agentsOf(box),
    ...(proxy === undefined ? {} : { proxy: proxy() }),
  }
}

export function configOf({ box, configFile }: Pick<Sources, 'box' | 'configFile'>): ConfigNote {
  const { lastError: _, ...note } = box.configStatus()
  return { ...note, file: configFile ?? null }
}

export function agentsOf(box: Box): AgentNote[] {
  return (box.control?.status() ?? []).map(agent => ({ ...agent, isEnabled: box.isAgentEnabled(agent.name) }))
}

/** An agent, and what it last told of itself; null before that. Undefined: it does not run here. */
export function agentOf(box: Box, name: string): (AgentNote & { report: object | null }) | undefined {
  const note = agentsOf(box).find(agent => agent.name === name)
  return note === undefined ? undefined : { ...note, report: box.control?.report?.(name) ?? null }
}

/** Agents that are switched off, whether they run here or not. */
export function switchedOffIn(box: Box): SwitchName[] {
  return SWITCH_NAMES.filter(name => !box.isAgentEnabled(name))
}
