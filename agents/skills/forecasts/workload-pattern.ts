import { type Attachment, elapsedMs } from '../../../engine/writer.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { appended } from '../../kit/run/bounded.ts'
import { seasonality } from './seasonal.ts'

/** How many requests a service got. */
export interface Workload {
  readonly service: string
  /** Since the last reading, and over the minute that has just ended; null where none has. */
  readonly perSecond: number
  readonly minute: number | null
  /** Which part of how it varies is a pattern, from 0 to 1: one that repeats each hour, each day. */
  readonly hourly: number
  readonly daily: number
}

/** A reading: the workload of each service. */
export const workloadSensed = defineSignal('signalbox.workload.sensed', {
  data: trusted<{ readonly services: readonly Workload[] }>(),
  telemetry: true,
})

const LOOK_MS = 10_000
const MINUTE_MS = 60_000
/** Values of a season. */
const MINUTES = 60
const HOURS = 24
/** Seasons of each that are kept. */
const SEASONS = 4

/** What every row has been sent since ever, by service. */
interface Sent {
  readonly service: string
  readonly rows: readonly { readonly row: number; readonly generation: number; readonly picked: number }[]
}

interface Pattern {
  /** Requests of the minute under way, and of the hour. */
  readonly minute: number
  readonly minutes: readonly number[]
  readonly hour: number
  readonly hours: readonly number[]
  readonly minutesOfHour: number
  readonly hourly: number
  readonly daily: number
}

interface Memory {
  readonly picked: ReadonlyMap<number, { readonly generation: number; readonly picked: number }>
  readonly atMs: number | undefined
  readonly minuteMs: number
  readonly patterns: ReadonlyMap<string, Pattern>
}

const NO_PATTERN: Pattern = { minute: 0, minutes: [], hour: 0, hours: [], minutesOfHour: 0, hourly: 0, daily: 0 }

/** Counts the requests of each service every ten seconds, and finds out whether they repeat: by the minute of the hour, by the hour of the day. */
export const workloadPattern = defineSensor({
  name: 'workload-pattern',
  emits: workloadSensed,
  everyMs: LOOK_MS,
  start: ({ now }): Memory => ({ picked: new Map(), atMs: undefined, minuteMs: now, patterns: new Map() }),
  read: ({ attachment }) => readSent(attachment),
  perceive(memory: Memory, sent: readonly Sent[], now) {
    const picked = new Map<number, { generation: number; picked: number }>()
    const isMinuteOver = elapsedMs(now, memory.minuteMs) >= MINUTE_MS
    const patterns = new Map<string, Pattern>()
    const services = sent.map(({ service, rows }): Workload => {
      let requests = 0
      for (const { row, generation, picked: total } of rows) {
        const before = memory.picked.get(row)
        picked.set(row, { generation, picked: total })
        // Counts wrap at 2^32.
        if (before?.generation === generation) requests += (total - before.picked) >>> 0
      }
      const known = memory.patterns.get(service) ?? NO_PATTERN
      const minute = known.minute + requests
      const pattern = isMinuteOver ? endMinute({ ...known, minute }) : { ...known, minute }
      patterns.set(service, pattern)
      const sinceMs = memory.atMs === undefined ? LOOK_MS : Math.max(1, elapsedMs(now, memory.atMs))
      const { hourly, daily } = pattern
      return { service, perSecond: (requests * 1000) / sinceMs, minute: isMinuteOver ? minute : null, hourly, daily }
    })
    const isFirst = memory.atMs === undefined
    const after = { picked, atMs: now, minuteMs: isMinuteOver ? now : memory.minuteMs, patterns }
    return { memory: after, readings: isFirst || services.length === 0 ? [] : [workloadSensed.of({ services })] }
  },
})

function readSent(attachment: Attachment): Sent[] {
  return attachment.serviceTexts().flatMap(({ text, rows }) => {
    if (text.isGone) return []
    const sent = rows.map(row => ({
      row,
      generation: attachment.endpoints.generation(row),
      picked: attachment.tally.totals(row).picked,
    }))
    return [{ service: text.name, rows: sent }]
  })
}

function endMinute(before: Pattern): Pattern {
  const minutes = appended(before.minutes, before.minute, MINUTES * SEASONS)
  const hour = before.hour + before.minute
  const minutesOfHour = before.minutesOfHour + 1
  if (minutesOfHour < MINUTES) return { ...before, minute: 0, minutes, hour, minutesOfHour }
  const hours = appended(before.hours, hour, HOURS * SEASONS)
  return {
    ...{ minute: 0, minutes, hour: 0, hours, minutesOfHour: 0 },
    hourly: seasonality(minutes, MINUTES),
    daily: seasonality(hours, HOURS),
  }
}
