import { elapsedMs, type RowTraffic, trafficOf } from '../../../engine/writer.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { type AnySensor, defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

/** What goes to and from an endpoint, as its requests show. */
export interface Flow {
  readonly generation: number
  /** Bytes of bodies. */
  readonly sentPerSecond: number
  readonly receivedPerSecond: number
  /** What one large answer came with, smoothed; null: there was none. */
  readonly mbit: number | null
}

/** What goes to and from endpoints, by row; those that nothing goes to are left out. */
export const bandwidthSensed = defineSignal('signalbox.network.bandwidth-sensed', {
  data: trusted<{ readonly at: string; readonly flows: ReadonlyMap<number, Flow> }>(),
  telemetry: true,
})

const LOOK_MS = 10_000
/** What the latest answers count for. */
const ALPHA = 1 / 4

interface Counted extends RowTraffic {
  readonly generation: number
}

interface Memory {
  readonly atMs: number
  readonly counted: ReadonlyMap<number, Counted>
  readonly flows: ReadonlyMap<number, Flow>
}

/** Reads what the proxy has carried, and takes the difference. No endpoint is asked for anything. */
export function bandwidth(key: string): AnySensor {
  return defineSensor({
    name: 'bandwidth',
    emits: bandwidthSensed,
    everyMs: LOOK_MS,
    start: ({ now }): Memory => ({ atMs: now, counted: new Map(), flows: new Map() }),
    read: countedRows,
    perceive: (before: Memory, counted: ReadonlyMap<number, Counted>, now: number) => {
      const flows = flowsOf(before, counted, Math.max(1, elapsedMs(now, before.atMs)))
      // Whoever has heard of no flows need not hear of none again.
      const isNothing = flows.size === 0 && before.flows.size === 0
      return {
        memory: { atMs: now, counted, flows },
        readings: isNothing ? [] : [bandwidthSensed.of({ at: key, flows })],
      }
    },
  })
}

function countedRows({ attachment }: SensorEdge): ReadonlyMap<number, Counted> {
  const counted = new Map<number, Counted>()
  for (const { text, rows } of attachment.serviceTexts()) {
    if (text.isGone === true) continue
    for (const row of rows) {
      const traffic = trafficOf(attachment.region, row)
      if (traffic.sent === 0 && traffic.received === 0) continue
      counted.set(row, { ...traffic, generation: attachment.endpoints.generation(row) })
    }
  }
  return counted
}

/** Words that count modulo 2^32: their difference is what came in between. An endpoint that was not there at the last look begins now. */
function flowsOf({ counted: before, flows }: Memory, counted: Memory['counted'], tookMs: number): Map<number, Flow> {
  const next = new Map<number, Flow>()
  for (const [row, now] of counted) {
    const was = before.get(row)
    if (was?.generation !== now.generation) continue
    const more = (word: keyof RowTraffic): number => (now[word] - was[word]) >>> 0
    const known = flows.get(row)?.mbit ?? null
    // Bytes × 8 ÷ µs are bits per µs: Mbit/s.
    const mbit = more('timedUs') === 0 ? known : smoothed(known, (more('timedBytes') * 8) / more('timedUs'))
    if (mbit === null && more('sent') === 0 && more('received') === 0) continue
    const perSecond = (bytes: number): number => (bytes * 1000) / tookMs
    const rates = { sentPerSecond: perSecond(more('sent')), receivedPerSecond: perSecond(more('received')) }
    next.set(row, { generation: now.generation, ...rates, mbit })
  }
  return next
}

function smoothed(before: number | null, mbit: number): number {
  return before === null ? mbit : before + ALPHA * (mbit - before)
}
