import { HEALTH_NAMES } from '../../../engine/writer.ts'
import { type Step, stay } from '../../kit/grammar/directive.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import type { RowRef } from '../../kit/table-port.ts'
import {
  anomalyEnded,
  anomalyFound,
  applicationSensed,
  availabilityMeasured,
  endpointEjected,
  endpointExamined,
  endpointReturned,
  endpointsMeasured,
  type HealthStanding,
  healthChanged,
  healthWordsSensed,
  securitySensed,
} from '../../signals.ts'
import { type HealthFacts, standingOf } from './health-standing.ts'
import { type Transition, Transitions } from './transitions.ts'
import { trendOf } from './trend.ts'

/** Windows a trend is taken over: three minutes and a half of those of ten seconds. */
const TREND_WINDOWS = 20

type Known = Omit<{ -readonly [key in keyof HealthFacts]: HealthFacts[key] }, 'trend'> & {
  readonly generation: number
  /** µs, the oldest first. */
  readonly p95s: number[]
}

/** What is known of each endpoint. Changed in place; by row, so bounded by the tables. */
export class HealthRecord {
  readonly #known = new Map<number, Known>()
  readonly #transitions = new Transitions()

  /** How an endpoint is, in a word and why; undefined: nothing is known of it. */
  standing({ row, generation }: RowRef): HealthStanding | undefined {
    const known = this.#known.get(row)
    if (known?.generation !== generation) return undefined
    return standingOf({ ...known, trend: trendOf(known.p95s) })
  }

  /** How its health has changed, the oldest first. */
  history(ref: RowRef): readonly Transition[] {
    return this.#transitions.of(ref)
  }

  note({ row, generation }: RowRef, change: Partial<Omit<Known, 'generation' | 'p95s'>>): void {
    Object.assign(this.#of(row, generation), change)
  }

  notePace({ row, generation }: RowRef, p95Us: number): void {
    const { p95s } = this.#of(row, generation)
    p95s.push(p95Us)
    if (p95s.length > TREND_WINDOWS) p95s.shift()
  }

  noteTransition(ref: RowRef, from: number, to: number, atMs: number): void {
    this.#transitions.add(ref, { from: HEALTH_NAMES[from]!, to: HEALTH_NAMES[to]!, atMs })
    this.note(ref, { health: HEALTH_NAMES[to]! })
  }

  #of(row: number, generation: number): Known {
    let known = this.#known.get(row)
    if (known?.generation !== generation) this.#known.set(row, (known = unknown(generation)))
    return known
  }
}

function unknown(generation: number): Known {
  return {
    ...{ generation, health: 'unknown', reason: '', examined: undefined, odd: [], isEjected: false },
    ...{ says: 'unknown', daysLeft: undefined, availability: undefined, p95s: [] },
  }
}

/**
 * Health analysis: puts together what checks, closer looks, requests, anomalies and the endpoint itself say: healthy, degraded or failed, and
 * why; which way it is going, and how it has been.
 *
 * hears   what a health monitor finds and its sensors read · signalbox.endpoint.{ejected, returned}
 * says    nothing: its agent reads it
 */
export const healthAnalysis = defineSkill({
  name: 'health-analysis',
  listens: [
    healthChanged,
    endpointExamined,
    anomalyFound,
    anomalyEnded,
    endpointsMeasured,
    endpointEjected,
    endpointReturned,
    healthWordsSensed,
    applicationSensed,
    securitySensed,
    availabilityMeasured,
  ],
  overhears: [healthChanged, endpointExamined, anomalyFound, anomalyEnded, endpointsMeasured],
  start: (): Step<HealthRecord> => stay(new HealthRecord()),
  decide(record: HealthRecord, signal, now): Step<HealthRecord> {
    if (healthChanged.is(signal)) record.note(signal.data, { health: signal.data.to, reason: signal.data.reason })
    else if (endpointExamined.is(signal)) {
      const { verdict, score, reasons, kind } = signal.data
      // A look into the future is none at how it is.
      if (kind !== 'predictive') record.note(signal.data, { examined: { verdict, score, reasons } })
    } else if (anomalyFound.is(signal))
      record.note(signal.data, { odd: signal.data.anomalies.map(({ metric }) => metric) })
    else if (anomalyEnded.is(signal)) record.note(signal.data, { odd: [] })
    else if (endpointEjected.is(signal)) record.note(signal.data, { isEjected: true })
    else if (endpointReturned.is(signal)) record.note(signal.data, { isEjected: false })
    else if (endpointsMeasured.is(signal)) {
      for (const row of signal.data.rows) if (row.metric === 'response-time') record.notePace(row, row.value)
    } else if (healthWordsSensed.is(signal)) {
      for (const { from, to, ...ref } of signal.data.rows) record.noteTransition(ref, from, to, now)
    } else if (applicationSensed.is(signal)) {
      for (const row of signal.data.rows) record.note(row, { says: row.says })
    } else if (securitySensed.is(signal)) {
      for (const row of signal.data.rows) record.note(row, { daysLeft: row.daysLeft ?? undefined })
    } else if (availabilityMeasured.is(signal)) {
      for (const row of signal.data.endpoints) record.note(row, { availability: row.last15m ?? undefined })
    }
    return stay(record)
  },
})
