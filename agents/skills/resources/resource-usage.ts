import { type Config, elapsedMs, latenessCounts, topOfLateness } from '../../../engine/writer.ts'
import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import type { ProcessUse } from '../../kit/machine.ts'
import { type Resources, resourcesMeasured } from '../../signals/capacity.ts'

/** What this process may use: 0 where that is for the system to say. */
interface ResourceLimits {
  readonly memoryBytes: number
  readonly sockets: number
}

interface Look {
  readonly use: ProcessUse
  /** Ticks by how late they came, ever growing. */
  readonly late: Int32Array
}

interface Before extends Look {
  readonly atMs: number
}

interface Memory {
  readonly limits: ResourceLimits
  readonly before: Before | undefined
}

const LOOK_MS = 1_000

/**
 * How much this process uses of what it may, each second.
 *
 *   cpu       CPU time of all threads ÷ (time × cores), since the look before
 *   memory    resident ÷ limit of the config, the cgroup or the machine, whichever is least
 *   sockets   files and sockets open ÷ those that may be
 *   loop      how late ticks of the clock came since the look before, at the 99th percentile of those of all threads
 *
 * The first look says nothing: there is none before. Where nobody can say how the process is doing, as in virtual time, none does.
 * Limits are those of the config at its start.
 */
export const resourceUsage = defineSensor({
  name: 'resource-usage',
  emits: resourcesMeasured,
  everyMs: LOOK_MS,
  start: ({ config }): Memory => ({ limits: limitsOf(config), before: undefined }),
  read: ({ machine, attachment }: SensorEdge): Look | undefined =>
    machine && { use: machine.use(), late: latenessCounts(attachment.region) },
  perceive({ limits, before }, look, now) {
    if (look === undefined) return { memory: { limits, before }, readings: [] }
    const memory = { limits, before: { ...look, atMs: now } }
    if (before === undefined) return { memory, readings: [] }
    return { memory, readings: [resourcesMeasured.of(resourcesOf(before, look, limits, now))] }
  },
})

/** The proxy may want another connection upstream for each that it takes. */
export function limitsOf({ agents, limits }: Config): ResourceLimits {
  const { memory, sockets } = agents['resource-manager'].limits
  return { memoryBytes: memory, sockets: sockets === 0 ? 2 * limits.connections : sockets }
}

function resourcesOf(before: Before, { use, late }: Look, limits: ResourceLimits, now: number): Resources {
  const wallUs = Math.max(1, elapsedMs(now, before.atMs)) * 1000
  const memoryBytes = leastOf(limits.memoryBytes, use.memoryBytesMax)
  const sockets = leastOf(limits.sockets, use.filesMax)
  return {
    cpu: Math.max(0, use.cpuUs - before.use.cpuUs) / (wallUs * use.cores),
    memory: memoryBytes === 0 ? 0 : use.rssBytes / memoryBytes,
    sockets: sockets === 0 ? 0 : use.files / sockets,
    loopDelayUsP99: 1000 * lateness(before.late, late, 0.99),
    rssBytes: use.rssBytes,
    heapBytes: use.heapBytes,
  }
}

/** How late ticks came in between, in ms, at a quantile; 0 where none came. */
export function lateness(before: Int32Array, after: Int32Array, quantile: number): number {
  const counts = Array.from(after, (count, bucket) => (count - before[bucket]!) | 0)
  let left = Math.ceil(quantile * counts.reduce((sum, count) => sum + count, 0))
  for (const [bucket, count] of counts.entries()) {
    left -= count
    if (left <= 0) return topOfLateness(bucket)
  }
  return 0
}

/** Of two limits, 0 being none. */
function leastOf(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b)
}
