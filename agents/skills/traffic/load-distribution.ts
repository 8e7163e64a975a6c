import { type Attachment, elapsedMs, HARD_BARS, SOFT_BARS } from '../../../engine/writer.ts'
import { emit, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { distributionUneven } from '../../signals.ts'
import { grown, NO_COUNTS, type RowCounts, readRowCounts } from './row-counts.ts'
import { giniOf, unevennessOf } from './unevenness.ts'

/** What was sent to an endpoint since the look before. */
export interface RowRate {
  readonly row: number
  readonly generation: number
  readonly perSecond: number
}

/** How the requests of a service were spread over its endpoints since the look before. */
export interface Distribution {
  readonly service: string
  /** Endpoints that may be picked. */
  readonly endpoints: number
  readonly coefficientOfVariation: number
  readonly gini: number
  /** Those that had any. */
  readonly rates: readonly RowRate[]
}

/** To itself: how requests are spread. */
export const distributionSensed = defineSignal('signalbox.distribution.sensed', {
  data: trusted<readonly Distribution[]>(),
})

export interface LoadDistribution {
  /** The last thousand, of all services, the oldest first: how uneven it was. */
  readonly history: readonly Pick<Distribution, 'service' | 'coefficientOfVariation' | 'gini'>[]
}

const HISTORY_MAX = 1000

/** It is told beyond this, and with so many requests that it is no chance. */
const UNEVEN = 0.5
const REQUESTS_MIN = 50

interface Look {
  readonly counts: RowCounts
  /** By row: what it is drawn by; 0: it may not be picked. */
  readonly pulls: Float64Array
  readonly ms: number
}

const PICKED = 0

/**
 * How requests are spread over endpoints, by their weights: the coefficient of variation and the Gini coefficient of requests ÷ weight, and
 * the requests of each per second. Told where it is uneven.
 */
export function loadDistribution(key: string, everyMs: number): Mounted<LoadDistribution> {
  const skill = defineSkill({
    name: 'load-distribution',
    emits: [distributionUneven],
    sensors: [
      defineSensor({
        name: 'distribution',
        emits: distributionSensed,
        everyMs,
        start: (): Look => ({ counts: NO_COUNTS, pulls: new Float64Array(0), ms: 0 }),
        read: ({ attachment, now }) => readPicks(attachment, now()),
        perceive: (before, after) => ({
          memory: after,
          readings: [distributionSensed.of(compare(before, after))],
        }),
      }),
    ],
    start: () => stay({ history: [] } as LoadDistribution),
    decide(slice, signal) {
      if (!distributionSensed.is(signal)) return stay(slice)
      let { history } = slice
      const uneven: Distribution[] = []
      for (const each of signal.data) {
        const { service, coefficientOfVariation, gini, rates, endpoints } = each
        if (rates.length === 0) continue
        history = appended(history, { service, coefficientOfVariation, gini }, HISTORY_MAX)
        const requests = rates.reduce((sum, { perSecond }) => sum + (perSecond * everyMs) / 1000, 0)
        if (endpoints > 1 && coefficientOfVariation > UNEVEN && requests >= REQUESTS_MIN) uneven.push(each)
      }
      const directives = uneven.map(({ rates: _, ...about }) => emit(distributionUneven.of(about, about.service)))
      return { state: { history }, directives }
    },
  })
  return skill.mount(key, undefined)
}

function readPicks(attachment: Attachment, ms: number): Look {
  const { endpoints, tally } = attachment
  const counts = readRowCounts(attachment, row => tally.picked(row))
  const pulls = new Float64Array(counts.generations.length)
  for (const { rows } of counts.services) {
    for (const row of rows) {
      const isOut = (endpoints.bars(row) & (HARD_BARS | SOFT_BARS)) !== 0
      pulls[row] = isOut ? 0 : endpoints.weight(row) * endpoints.factor(row)
    }
  }
  return { counts, pulls, ms }
}

function compare(before: Look, after: Look): Distribution[] {
  const forMs = elapsedMs(after.ms, before.ms)
  const { counts, pulls } = after
  return counts.services.map(({ service, rows }) => {
    const open = rows.filter(row => pulls[row]! > 0)
    const borne = open.map(row => ({ load: grown(before.counts, counts, row, PICKED), capacity: pulls[row]! }))
    const rates = open.flatMap((row, i) => {
      const { load } = borne[i]!
      if (load === 0 || forMs <= 0) return []
      return [{ row, generation: counts.generations[row]!, perSecond: (load * 1000) / forMs }]
    })
    return {
      service,
      endpoints: open.length,
      coefficientOfVariation: unevennessOf(borne),
      gini: giniOf(borne),
      rates,
    }
  })
}
