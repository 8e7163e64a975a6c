import { type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Metrics } from '../../signals.ts'
import type { Emergency } from './emergency-state.ts'

/** The slowest hundredth of requests, in µs, by service. */
export type P99Us = Readonly<Record<string, number>>

/** Fewer requests than these say nothing about the slowest hundredth. */
const REQUESTS_MIN = 100
/** The slowest hundredth may be slower by this share than it was. */
const WORSE_MAX = 0.05
/** So long slow requests alone keep a shortage open that is over: they have reasons of their own by then. */
const SLOW_MS_MAX = 300_000

/** Of the last minute. */
export function p99UsOf({ services }: Metrics): P99Us {
  return Object.fromEntries(
    services.flatMap(({ service, last60s: { requests, latencyUsP99 } }) =>
      requests < REQUESTS_MIN ? [] : [[service, latencyUsP99] as const],
    ),
  )
}

/** Whether every service is as quick as its goal wants, or as it was before the emergency. */
export function isQuick({ p99UsBefore }: Emergency, { services }: Metrics, { agents }: Config): boolean {
  const goalUs = agents['cluster-orchestrator'].goals.latency * 1_000
  return services.every(({ service, last10s: { requests, latencyUsP99 } }) => {
    const wasUs = (p99UsBefore[service] ?? 0) * (1 + WORSE_MAX)
    return requests < REQUESTS_MIN || latencyUsP99 <= Math.max(goalUs, wasUs)
  })
}

/** What was short has been there again for so long that slow requests are another matter. */
export function isLongOver({ type, isOver, overMs }: Emergency, now: number): boolean {
  return type === 'resource_exhaustion' && isOver && overMs !== null && elapsedMs(now, overMs) >= SLOW_MS_MAX
}
