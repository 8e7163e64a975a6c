/**
 * What the agents tell each other. Rooms do not import rooms: what crosses from one to another is declared here, by theme, and
 * what an agent tells only itself is in its own signals.ts.
 */
export * from './signals/alerts.ts'
export * from './signals/capacity.ts'
export * from './signals/config.ts'
export * from './signals/differential.ts'
export * from './signals/discovery.ts'
export * from './signals/examinations.ts'
export * from './signals/forecasts.ts'
export * from './signals/health.ts'
export * from './signals/incidents.ts'
export * from './signals/load.ts'
export * from './signals/metrics.ts'
export * from './signals/nodes.ts'
export * from './signals/orchestration.ts'
export * from './signals/panic.ts'
export * from './signals/passive.ts'
export * from './signals/quarantine.ts'
export type { EndpointRef, HealthWord } from './signals/ref.ts'
export * from './signals/verdicts.ts'
