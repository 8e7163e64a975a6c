/**
 * signalbox: picks an endpoint for each request in tens of nanoseconds, from shared memory that every thread reads
 * lock-free and that agents in other threads keep up to date.
 */
export { attachRouter, Box, createSignalbox, type SignalboxOptions } from './box/box.ts'
export type { AgentStatus, Control, ControlLink, Log, LogLevel, RunningControl } from './box/control.ts'
export { LiveService } from './box/live-service.ts'
export type { Config, ConfigInput, EndpointInput } from './config/schema.ts'
export { ERROR_CODES, type ErrorCode, SignalboxError } from './errors.ts'
export type { Capacity } from './memory/layout.ts'
export type { Outcome } from './memory/outcomes.ts'
export type { RegionHandle } from './memory/region.ts'
export { Tried } from './memory/candidates.ts'
export type { Endpoint } from './router/endpoint.ts'
export { hashKey } from './router/hash-key.ts'
export type { EndpointReport, ServiceReport } from './router/report.ts'
export { PICK, Router } from './router/router.ts'
