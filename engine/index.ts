/**
 * signalbox: picks an endpoint for each request in tens of nanoseconds, from shared memory that every thread reads
 * lock-free and that agents in other threads keep up to date.
 */
export { type Admin, type AdminOptions, startAdmin } from './admin/admin.ts'
export { attachRouter, Box, createSignalbox, type SignalboxOptions } from './box/box.ts'
export type { AgentStatus, Control, ControlLink, Log, LogLevel, RunningControl } from './box/control.ts'
export { LiveService } from './box/live-service.ts'
export { configJsonSchema } from './config/json-schema.ts'
export { loadConfig } from './config/load.ts'
export { type ConfigResult, parseConfig } from './config/parse.ts'
export type { ConfigProblem } from './config/problems.ts'
export type { Config, ConfigInput, EndpointInput } from './config/schema.ts'
export { ERROR_CODES, type ErrorCode, SignalboxError } from './errors.ts'
export { Tried } from './memory/candidates.ts'
export { hashKey } from './memory/hash-key.ts'
export type { Capacity } from './memory/layout.ts'
export type { Outcome } from './memory/outcomes.ts'
export type { RegionHandle } from './memory/region.ts'
export { type ProxyOptions, RunningProxy, startProxy } from './proxy/proxy.ts'
export type { ThreadStatus } from './proxy/thread-keeper.ts'
export type { Endpoint } from './router/endpoint.ts'
export type { EndpointReport, ServiceReport } from './router/report.ts'
export { PICK, Router } from './router/router.ts'
