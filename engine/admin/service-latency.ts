import type { Box } from '../box/box.ts'
import type { Exposition } from './exposition.ts'

/** The agent that keeps latencies over windows of time. */
const COLLECTOR = 'metrics-collector'

/** What of its report is read here. Times in µs. */
interface Collected {
  readonly localState: {
    readonly services: readonly {
      readonly service: string
      readonly last60s: { readonly latencyUsP50: number; readonly latencyUsP95: number; readonly latencyUsP99: number }
    }[]
  } | null
}

/**
 * How long requests took of late, by service: what counts since ever cannot say. Only while an agent that keeps it runs, and for the
 * services of the config that had answers: so there are three samples a service at most.
 */
export function printServiceLatency(out: Exposition, { control }: Pick<Box, 'control'>): void {
  const runs = control?.status().some(({ name, state }) => name === COLLECTOR && state === 'running')
  const collected = runs ? (control?.report?.(COLLECTOR) as Collected | undefined) : undefined
  const services = collected?.localState?.services.filter(({ last60s }) => last60s.latencyUsP99 > 0) ?? []
  if (services.length === 0) return
  const help =
    'Latency of the last 60 s, from sending to the first byte of the answer, timeouts too; an eighth too high at most.'
  const latency = out.family('signalbox_service_latency_seconds', 'summary', help)
  for (const { service, last60s } of services) {
    latency(last60s.latencyUsP50 / 1e6, { service, quantile: '0.5' })
    latency(last60s.latencyUsP95 / 1e6, { service, quantile: '0.95' })
    latency(last60s.latencyUsP99 / 1e6, { service, quantile: '0.99' })
  }
}
