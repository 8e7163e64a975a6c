import { type Attachment, HARD_BARS, SOFT_BARS } from '../../engine/writer.ts'
import { emit, stay } from '../kit/grammar/directive.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSensor } from '../kit/grammar/sensor.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../kit/grammar/skill.ts'
import { appended } from '../kit/run/bounded.ts'
import { distributionUneven } from '../signals.ts'
import { countsOf, grownSince, type RowCount } from './row-counts.ts'
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

interface ServiceCounts {
  readonly service: string
  readonly rows: readonly (RowCount & { readonly weight: number })[]
}

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
        start: () => ({ services: [] as readonly ServiceCounts[], ms: 0 }),
        read: ({ attachment, now }) => ({ services: readPicks(attachment), ms: now() }),
        perceive: (before, after) => ({
          memory: after,
          readings: [distributionSensed.of(compare(before.services, after.services, after.ms - before.ms))],
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

function readPicks(attachment: Attachment): ServiceCounts[] {
  const { endpoints, tally } = attachment
  return attachment.serviceTexts().flatMap(({ text, rows }) => {
    if (text.isGone) return []
    const open = rows.filter(row => (endpoints.bars(row) & (HARD_BARS | SOFT_BARS)) === 0 && endpoints.hasWeight(row))
    return [
      {
        service: text.name,
        rows: open.map(row => ({
          row,
          generation: endpoints.generation(row),
          count: tally.picked(row),
          weight: endpoints.weight(row) * endpoints.factor(row),
        })),
      },
    ]
  })
}

function compare(before: readonly ServiceCounts[], after: readonly ServiceCounts[], ms: number): Distribution[] {
  const known = new Map(before.map(({ service, rows }) => [service, countsOf(rows)]))
  return after.map(({ service, rows }) => {
    const counts = known.get(service) ?? new Map()
    const grown = rows.map(each => grownSince(counts, each))
    const borne = rows.map(({ weight }, i) => ({ load: grown[i]!, capacity: Math.max(weight, 1 / 4096) }))
    return {
      service,
      endpoints: rows.length,
      coefficientOfVariation: unevennessOf(borne),
      gini: giniOf(borne),
      rates: rows.flatMap(({ row, generation }, i) =>
        grown[i] === 0 || ms <= 0 ? [] : [{ row, generation, perSecond: (grown[i]! * 1000) / ms }],
      ),
    }
  })
}
