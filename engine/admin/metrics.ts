import type { Box } from '../box/box.ts'
import type { AgentStatus } from '../box/control.ts'
import type { SnapshotStatus } from '../box/snapshot/snapshot-keeper.ts'
import { SWITCH_NAMES } from '../memory/agent-switches.ts'
import { BAR_NAMES } from '../memory/bars.ts'
import type { EndpointReport, ServiceReport } from '../router/report.ts'
import { processTimes } from './clock.ts'
import { Exposition, type Labels } from './exposition.ts'
import { printServiceLatency } from './service-latency.ts'
import { agentsOf, type ConfigNote, configOf, type Sources } from './snapshot.ts'

/**
 * What Prometheus reads: the shared tables of this instant in base units (seconds, bytes). Labels come from the config
 * and the roster alone, never from a request, so their number is bounded by what the operator wrote.
 *
 * Throws SBX_BOX_CLOSED.
 */
export function printMetrics(sources: Sources): string {
  const out = new Exposition()
  const { box, counters, version } = sources
  out.family(
    'signalbox_build_info',
    'gauge',
    'Always 1; the labels say what runs.',
  )(1, {
    version,
    node: process.versions.node,
  })
  printConfig(out, configOf(sources))
  printSnapshots(out, box.snapshotStatus())
  const services = counters.services()
  printEndpoints(out, services)
  printServices(out, services)
  printServiceLatency(out, box)
  const lost = 'Outcomes never reported to the agents because a ring was full.'
  out.family('signalbox_outcomes_lost_total', 'counter', lost)(counters.lost())
  printAgents(out, agentsOf(box))
  printRules(out, box)
  printProxy(out, sources)
  printRequests(out, sources)
  printProcess(out)
  return out.toString()
}

function printConfig(
  out: Exposition,
  { generation, sinceMs, lastReloadMs, isLastReloadGood, reloads }: ConfigNote,
): void {
  const generationHelp = 'Configs this process has taken: 1 is the one it began with.'
  out.family('signalbox_config_generation', 'gauge', generationHelp)(generation)
  const goodHelp = '1 while the last attempt to read the config anew went well, or there was none.'
  out.family('signalbox_config_last_reload_successful', 'gauge', goodHelp)(Number(isLastReloadGood))
  const lastHelp = 'When the config was last read, whatever came of it, since 1970.'
  out.family('signalbox_config_last_reload_timestamp_seconds', 'gauge', lastHelp)(lastReloadMs / 1000)
  const sinceHelp = 'When the config in force was taken, since 1970.'
  out.family('signalbox_config_in_force_timestamp_seconds', 'gauge', sinceHelp)(sinceMs / 1000)
  const count = out.family('signalbox_config_reloads_total', 'counter', 'Attempts to read the config anew, by result.')
  for (const [result, times] of Object.entries(reloads)) count(times, { result })
}

function printSnapshots(out: Exposition, status: SnapshotStatus | undefined): void {
  if (status === undefined) return
  const { ageMs, writes, failures, bytes, resumedAgeMs } = status
  const ageHelp = 'How far the disk may be behind the tables; +Inf: nothing was kept yet.'
  out.family('signalbox_snapshot_age_seconds', 'gauge', ageHelp)(ageMs < 0 ? Infinity : ageMs / 1000)
  out.family('signalbox_snapshot_writes_total', 'counter', 'Snapshots of the tables that were kept.')(writes)
  out.family('signalbox_snapshot_failures_total', 'counter', 'Snapshots that could not be kept.')(failures)
  out.family('signalbox_snapshot_size_bytes', 'gauge', 'Size of the last snapshot that was kept.')(bytes)
  const resumedHelp = '1 if this process goes on from a snapshot, 0 if it began from its config alone.'
  out.family('signalbox_snapshot_resumed', 'gauge', resumedHelp)(Number(resumedAgeMs >= 0))
}

const OUTCOMES = ['ok', 'error', 'timeout', 'abandoned'] as const

type Visit = (endpoint: EndpointReport, labels: Labels) => void

function printEndpoints(out: Exposition, services: readonly ServiceReport[]): void {
  const each = (visit: Visit): void => {
    for (const { service, endpoints } of services) {
      for (const endpoint of endpoints) visit(endpoint, { service, endpoint: endpoint.id })
    }
  }

  const requests = out.family('signalbox_endpoint_requests_total', 'counter', 'Requests settled, by outcome.')
  each(({ totals }, labels) => {
    for (const outcome of OUTCOMES) requests(totals[outcome], { ...labels, outcome })
  })
  const picks = out.family('signalbox_endpoint_picks_total', 'counter', 'Times the endpoint was picked.')
  each(({ totals }, labels) => picks(totals.picked, labels))
  const inflight = out.family('signalbox_endpoint_inflight', 'gauge', 'Requests sent and not settled.')
  each((endpoint, labels) => inflight(endpoint.inflight, labels))
  const elsewhereHelp = 'Requests of routers in other processes, as the endpoint told of them.'
  const elsewhere = out.family('signalbox_endpoint_inflight_elsewhere', 'gauge', elsewhereHelp)
  each((endpoint, labels) => elsewhere(endpoint.elsewhere, labels))
  const weightHelp = "Effective weight: what the facts leave of the operator's weight; 0: not picked."
  const weight = out.family('signalbox_endpoint_weight', 'gauge', weightHelp)
  each((endpoint, labels) => weight(endpoint.effectiveWeight, labels))
  const latencyHelp = 'Smoothed latency, from sending to the first byte of the answer; 0: nothing is known.'
  const latency = out.family('signalbox_endpoint_latency_seconds', 'gauge', latencyHelp)
  each((endpoint, labels) => latency(endpoint.latencyUs / 1e6, labels))
  const responseHelp = 'Latency of the requests that were settled ok.'
  const response = out.family('signalbox_endpoint_response_seconds', 'summary', responseHelp)
  each(({ totals }, labels) => {
    response(totals.latencyUsSum / 1e6, labels, '_sum')
    response(totals.ok, labels, '_count')
  })
  const limit = out.family('signalbox_endpoint_limit', 'gauge', 'Requests in flight it may have; 0: no limit.')
  each((endpoint, labels) => limit(endpoint.limit, labels))
  const up = out.family('signalbox_endpoint_up', 'gauge', '1 while the endpoint can be picked.')
  each(({ isPickable }, labels) => up(Number(isPickable), labels))
  const barred = out.family('signalbox_endpoint_barred', 'gauge', '1 while this bar stands against the endpoint.')
  each(({ bars }, labels) => {
    for (const bar of BAR_NAMES) barred(Number(bars.includes(bar)), { ...labels, bar })
  })
}

function printServices(out: Exposition, services: readonly ServiceReport[]): void {
  const panicHelp = '1 while health is ignored because too few endpoints are left.'
  const panic = out.family('signalbox_service_panic', 'gauge', panicHelp)
  for (const { service, hasPanic } of services) panic(Number(hasPanic), { service })
  const panics = out.family('signalbox_service_panics_total', 'counter', 'Times panic mode was entered.')
  for (const { service, panics: times } of services) panics(times, { service })
  const inflight = out.family('signalbox_service_inflight', 'gauge', 'Requests in flight.')
  for (const { service, inflight: count } of services) inflight(count, { service })
  const retries = out.family('signalbox_service_retries_inflight', 'gauge', 'Second tries in flight.')
  for (const { service, retries: count } of services) retries(count, { service })
  const connections = out.family('signalbox_service_connections', 'gauge', 'Connections of the proxy to endpoints.')
  for (const { service, connections: count } of services) connections(count, { service })
  const loadHelp = 'Share of the requests that go to a priority, by whether to its healthy or its degraded endpoints.'
  const load = out.family('signalbox_service_priority_load_ratio', 'gauge', loadHelp)
  for (const { service, priorities } of services) {
    for (const { priority, healthyLoad, degradedLoad } of priorities) {
      load(healthyLoad / 100, { service, priority: String(priority), tier: 'healthy' })
      load(degradedLoad / 100, { service, priority: String(priority), tier: 'degraded' })
    }
  }
  const sessions = out.family('signalbox_service_sessions', 'gauge', 'Sessions that are kept at an endpoint now.')
  for (const { service, sessions: kept } of services) sessions(kept, { service })
}

function printAgents(out: Exposition, agents: AgentStatus[]): void {
  const up = out.family('signalbox_agent_up', 'gauge', '1 while the agent runs.')
  for (const { name, state } of agents) up(Number(state === 'running'), { agent: name })
  const failedHelp =
    '1 while the agent rests, since its group fails too often; routing goes on with what it wrote last.'
  const failed = out.family('signalbox_agent_failed', 'gauge', failedHelp)
  for (const { name, state } of agents) failed(Number(state === 'failed'), { agent: name })
  const restarts = out.family(
    'signalbox_agent_restarts_total',
    'counter',
    'Times the supervisor brought the agent back.',
  )
  for (const agent of agents) restarts(agent.restarts, { agent: agent.name })
  const ageHelp = 'Time since the thread of the agent last showed that it turns.'
  const age = out.family('signalbox_agent_heartbeat_age_seconds', 'gauge', ageHelp)
  for (const { name, heartbeatAgeMs } of agents) age(heartbeatAgeMs / 1000, { agent: name })
  const handled = out.family(
    'signalbox_agent_signals_handled_total',
    'counter',
    'Signals the agent took from its mailbox.',
  )
  for (const agent of agents) handled(agent.handled, { agent: agent.name })
  const dropped = out.family('signalbox_agent_signals_dropped_total', 'counter', 'Signals a full mailbox dropped.')
  for (const agent of agents) dropped(agent.dropped, { agent: agent.name })
  const refusedHelp =
    'Writes to the tables that came when the thread of the agent had been given up, and were not done.'
  const refused = out.family('signalbox_agent_writes_refused_total', 'counter', refusedHelp)
  for (const agent of agents) refused(agent.refusedWrites, { agent: agent.name })
  const heapHelp = 'What the thread of the agent holds, heap and buffers; agents of one thread tell the same.'
  const heap = out.family('signalbox_agent_heap_bytes', 'gauge', heapHelp)
  for (const agent of agents) heap(agent.heapBytes, { agent: agent.name, group: agent.group })
}

function printRules(out: Exposition, box: Box): void {
  const enabled = out.family(
    'signalbox_agent_enabled',
    'gauge',
    '0 while the agent is switched off: its words do not count.',
  )
  for (const agent of SWITCH_NAMES) enabled(Number(box.isAgentEnabled(agent)), { agent })
  const refusedHelp = 'What agents asked of the tables and was refused, by reason.'
  const refused = out.family('signalbox_publications_refused_total', 'counter', refusedHelp)
  for (const [reason, times] of Object.entries(box.refusals())) refused(times, { reason })
}

function printProxy(out: Exposition, { proxy }: Sources): void {
  if (proxy === undefined) return
  const { threads } = proxy()
  const responses = out.family('signalbox_proxy_responses_total', 'counter', 'Responses given, by class of status.')
  for (const thread of threads) {
    for (const [status, count] of Object.entries(thread.responses)) {
      responses(count, { thread: String(thread.index), class: status })
    }
  }
  const PER_THREAD = [
    ['signalbox_proxy_aborted_requests_total', 'counter', 'Requests whose downstream went away first.', 'noResponse'],
    ['signalbox_proxy_retries_total', 'counter', 'Second tries of a request.', 'retries'],
    ['signalbox_proxy_refused_connections_total', 'counter', 'Connections beyond the limit.', 'refusedConnections'],
    [
      'signalbox_proxy_failed_entries_total',
      'counter',
      'Connections without a TLS handshake or PROXY header.',
      'failedEntries',
    ],
    ['signalbox_proxy_access_lines_dropped_total', 'counter', 'Access lines nobody took.', 'droppedAccessLines'],
    ['signalbox_proxy_mirrored_requests_total', 'counter', 'Copies sent to a mirror.', 'mirrored'],
    ['signalbox_proxy_mirror_failures_total', 'counter', 'Copies that failed.', 'mirrorsFailed'],
    ['signalbox_proxy_mirror_skipped_total', 'counter', 'Copies that were not sent.', 'mirrorsSkipped'],
    ['signalbox_proxy_thread_restarts_total', 'counter', 'Times the thread was brought back.', 'restarts'],
    ['signalbox_proxy_connections', 'gauge', 'Downstream connections open now.', 'openConnections'],
    ['signalbox_proxy_thread_heap_bytes', 'gauge', 'What the thread holds, heap and buffers.', 'heapBytes'],
  ] as const
  for (const [name, type, help, key] of PER_THREAD) {
    const sample = out.family(name, type, help)
    for (const thread of threads) sample(thread[key], { thread: String(thread.index) })
  }
}

function printRequests(out: Exposition, { requests }: Sources): void {
  if (requests === undefined) return
  const { boundsS, services } = requests()
  const durationHelp =
    'From the header of a request to the end of its response, by class of status; none: ended without one. Service "": reached none.'
  const duration = out.histograms('signalbox_proxy_request_duration_seconds', durationHelp, boundsS)
  for (const { service, durations } of services) {
    for (const [status, times] of Object.entries(durations)) {
      if (times !== undefined) duration(times.buckets, times.sumS, { service, class: status })
    }
  }
  const firstByteHelp = 'From sending to the first byte of the answer, of the try that was answered.'
  const firstByte = out.histograms('signalbox_proxy_first_byte_seconds', firstByteHelp, boundsS)
  const known = services.filter(({ service }) => service !== '')
  for (const { service, firstByte: times } of known) firstByte(times.buckets, times.sumS, { service })
  const retries = out.family('signalbox_proxy_service_retries_total', 'counter', 'Second tries sent, by service.')
  for (const { service, retries: count } of known) retries(count, { service })
}

/** Under the names every Prometheus client uses, so that ready-made dashboards find them. */
function printProcess(out: Exposition): void {
  const { startedS, cpuS } = processTimes()
  const { rss, heapUsed } = process.memoryUsage()
  out.family('process_start_time_seconds', 'gauge', 'When the process began, since 1970.')(startedS)
  out.family('process_cpu_seconds_total', 'counter', 'Processor time of all threads, user and system.')(cpuS)
  out.family('process_resident_memory_bytes', 'gauge', 'Memory in use, as the system counts it.')(rss)
  out.family('process_heap_bytes', 'gauge', "JavaScript heap in use in the engine's main thread.")(heapUsed)
}
