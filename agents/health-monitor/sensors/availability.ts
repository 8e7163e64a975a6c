import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { type Availability, availabilityMeasured } from '../../signals.ts'

/** What came of the requests of an endpoint since ever, at one moment. Counts wrap at 2^32. */
interface Totals {
  readonly row: number
  readonly generation: number
  readonly service: string
  readonly ok: number
  readonly failed: number
}

/** Requests of one endpoint or service in some time. */
interface Counted {
  ok: number
  failed: number
}

const EVERY_MS = 30_000
/** Marks that are kept: a quarter of an hour of them. */
const MARKS = 30
/** How many marks back the windows begin. */
const WINDOWS = { last1m: 2, last5m: 10, last15m: MARKS } as const
const ENDPOINTS_MAX = 1_024
/** The part of the requests that should go well. */
export const GOAL = 0.999

type Mark = ReadonlyMap<number, Totals>

/**
 * How available endpoints and services are, by what came of their requests: the tables count them since ever, and the difference of two
 * looks is what came in between.
 *
 *   availability = ok ÷ (ok + failed)      burn = (1 − availability) ÷ (1 − goal)
 *
 * Source  burn rate: Google's SRE workbook, "Alerting on SLOs". Requests that were abandoned count for nothing. Every 30 s, so that a window is as
 *         long as its name, or as the time there has been
 */
export const availability = defineSensor({
  name: 'availability',
  emits: availabilityMeasured,
  everyMs: EVERY_MS,
  start: (): readonly Mark[] => [],
  read: ({ attachment }: SensorEdge): readonly Totals[] => {
    const { endpoints, tally } = attachment
    return attachment.serviceTexts().flatMap(({ text, rows }) =>
      rows.map(row => {
        const { ok, error, timeout } = tally.totals(row)
        return { row, generation: endpoints.generation(row), service: text.name, ok, failed: error + timeout }
      }),
    )
  },
  perceive: (before: readonly Mark[], totals: readonly Totals[]) => {
    const memory = [...before, new Map(totals.map(each => [each.row, each]))].slice(-MARKS - 1)
    const services = new Map<string, Spans>()
    const rows: Availability[] = []
    for (const now of totals) {
      const spans = spansOf(memory, now)
      const sum = services.get(now.service) ?? noSpans()
      for (const name of Object.keys(WINDOWS) as Window[]) add(sum[name], spans[name])
      services.set(now.service, sum)
      if (volumeOf(spans.last15m) > 0) rows.push({ row: now.row, generation: now.generation, ...shown(spans) })
    }
    rows.sort((a, b) => (a.last15m ?? 1) - (b.last15m ?? 1))
    const told = {
      services: [...services].map(([service, spans]) => ({ service, ...shown(spans) })),
      endpoints: rows.slice(0, ENDPOINTS_MAX),
      endpointsLeftOut: Math.max(0, rows.length - ENDPOINTS_MAX),
    }
    // Without a mark before this one nothing is known of any time.
    return { memory, readings: before.length === 0 ? [] : [availabilityMeasured.of(told)] }
  },
})

type Window = keyof typeof WINDOWS
type Spans = Record<Window, Counted>

const noSpans = (): Spans => ({
  last1m: { ok: 0, failed: 0 },
  last5m: { ok: 0, failed: 0 },
  last15m: { ok: 0, failed: 0 },
})

function spansOf(marks: readonly Mark[], now: Totals): Spans {
  const spans = noSpans()
  for (const [name, back] of Object.entries(WINDOWS) as [Window, number][]) {
    const then = marks[Math.max(0, marks.length - 1 - back)]!.get(now.row)
    // Of another tenant, or of none: it began after that with nothing.
    const isSame = then?.generation === now.generation
    spans[name] = {
      ok: isSame ? wrapped(now.ok - then.ok) : now.ok,
      failed: isSame ? wrapped(now.failed - then.failed) : now.failed,
    }
  }
  return spans
}

/** The difference of two sums of counts that wrap at 2^32. What would be more than half of that is a thread that was gone, and counts for nothing. */
function wrapped(difference: number): number {
  const came = ((difference % 2 ** 32) + 2 ** 32) % 2 ** 32
  return came < 2 ** 31 ? came : 0
}

function add(sum: Counted, { ok, failed }: Counted): void {
  sum.ok += ok
  sum.failed += failed
}

const volumeOf = ({ ok, failed }: Counted): number => ok + failed

function shareOf(counted: Counted): number | null {
  return volumeOf(counted) === 0 ? null : counted.ok / volumeOf(counted)
}

function shown({ last1m, last5m, last15m }: Spans) {
  const share = shareOf(last15m)
  return {
    last1m: shareOf(last1m),
    last5m: shareOf(last5m),
    last15m: share,
    requests1m: volumeOf(last1m),
    requests15m: volumeOf(last15m),
    burn: share === null ? 0 : (1 - share) / (1 - GOAL),
  }
}
