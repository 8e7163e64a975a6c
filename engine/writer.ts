/**
 * The one door of the control plane, ours or your own: attach to a region, read its tables, write the columns you own,
 * edit the structure, drain outcomes. Who owns which column is drawn in memory/layout.ts.
 *
 * Whoever comes in here is an agent, and is held to the rules of publication (plane/): what would empty the tables, undo a later
 * decision, or take too many endpoints out is refused and counted. The operator comes in by the box.
 */
export type {
  AgentDeadLetters,
  AgentStatus,
  Cause,
  Control,
  ControlLink,
  EventMessage,
  HeardEvent,
  Hearing,
  HearWish,
  Log,
  LogLevel,
  NotTold,
  RunningControl,
  Told,
} from './box/control.ts'
export { upstreamTextOf } from './box/service-text.ts'
export { inheritedOptions } from './box/worker-options.ts'
export { defaultEndpointId, readEndpointUrl } from './config/address.ts'
export { DISCOVERED, discoveredBy, isMark } from './config/discover.ts'
export type { Config, DiscoverConfig, ServiceConfig } from './config/schema.ts'
export { ERROR_CODES, type ErrorCode, SignalboxError } from './errors.ts'
export { SWITCH_NAMES, type SwitchName } from './memory/agent-switches.ts'
export {
  ALL_BARS,
  BAR_NAMES,
  type BarName,
  barNames,
  DEGRADED,
  DRAINING,
  EJECTED,
  HARD_BARS,
  HELD,
  ISOLATED,
  isolatedMax,
  LEAVING,
  QUARANTINED,
  SOFT_BARS,
  TAKEN_OUT_MAX,
  TRIPPED,
  UNHEALTHY,
} from './memory/bars.ts'
export { CLASS, CLASS_NAMES, type ClassName } from './memory/classes.ts'
export { elapsedMs, putClockForward, readClock, TICK_MS, tickClock } from './memory/clock.ts'
export type { NewEndpoint } from './memory/edit.ts'
export {
  type EndpointTable,
  type EndpointText,
  HEALTH_DEGRADED,
  HEALTH_HEALTHY,
  HEALTH_NAMES,
  HEALTH_UNHEALTHY,
  HEALTH_UNKNOWN,
} from './memory/endpoint-table.ts'
export { createHeartbeats, Heartbeats } from './memory/heartbeats.ts'
export { latenessCounts, topOfLateness } from './memory/loop-delay.ts'
export { becomeDrainer, drainOutcomes, type OnOutcome, outcomesLost } from './memory/outcome-ring.ts'
export { ABANDONED, ERROR, GATEWAY, isFailure, OK, TIMEOUT, UNREACHABLE } from './memory/outcomes.ts'
export { REFUSAL_NAMES, type Refusal, refusals } from './memory/refusals.ts'
export type { RegionHandle } from './memory/region.ts'
export { type Load, type ReportedLoad, reportedLoad } from './memory/reported-load.ts'
export { attachRing, createRing, type Ring, type RingReader, type RingWriter } from './memory/ring.ts'
export {
  type BreakerText,
  type LimitsText,
  type LocalityText,
  OVERPROVISIONING,
  type RetryBudgetText,
  type ServiceText,
  type SubsettingText,
  type UpstreamText,
  type UpstreamTlsText,
} from './memory/service-text.ts'
export type { Decision } from './memory/slots.ts'
export { type RowTraffic, trafficOf } from './memory/traffic.ts'
export type { PlaneEdit as Edit } from './plane/checked-edit.ts'
export {
  attachPlane as attach,
  gaugesOf,
  type Plane,
  type Plane as Attachment,
  type PlaneWriter,
  rehearsePick,
  reportService,
  reportServices,
} from './plane/plane.ts'
export { PublicationRefused } from './plane/refuse.ts'
export { endpointFault } from './plane/structure-checks.ts'
export { ResponseReader, type ResponseSink } from './proxy/upstreams/response-reader.ts'
export { disableAgent, enableAgent, isAgentEnabled } from './router/agent-switch.ts'
export { PICK } from './router/nobody.ts'
export { loadsOf } from './router/panic.ts'
export { isKeyedPolicy, policyFault, policyNumber } from './router/policy-in-force.ts'
export type { PriorityLoads } from './router/priority-load.ts'
export type { EndpointReport, ServiceReport } from './router/report.ts'
export { Dialer, type DialOptions, type OnDialed } from './upstream/dialer.ts'
export { LOAD_HEADER, readLoadReport } from './upstream/load-report.ts'
