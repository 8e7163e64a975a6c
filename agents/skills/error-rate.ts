import { type Attachment, ERROR, OK, TIMEOUT } from '../../engine/writer.ts'
import { defineSensor } from '../kit/grammar/sensor.ts'
import { errorsMeasured } from '../signals.ts'
import { countsOf, grownSince, type RowCount, type RowCounts } from './row-counts.ts'

interface Counts {
  readonly rows: readonly (RowCount & { readonly service: string; readonly id: string })[]
  readonly failed: readonly RowCount[]
}

/** Counts as they were at a look, to compare with. */
interface Look {
  readonly answered: RowCounts
  readonly failed: RowCounts
}

const EVERY_MS = 2_000
/** Looks that a window is long: ten seconds. */
const LOOKS = 5
/** Fewer say nothing. */
const REQUESTS_MIN = 20

/** Of each endpoint with twenty requests or more in the last ten seconds: which part of them failed. It slides by two. */
export const errorRate = defineSensor({
  name: 'error-rate',
  emits: errorsMeasured,
  everyMs: EVERY_MS,
  start: () => [] as readonly Look[],
  read: ({ attachment }) => readCounts(attachment),
  perceive(looks, { rows, failed }) {
    const next = [...looks.slice(-LOOKS + 1), { answered: countsOf(rows), failed: countsOf(failed) }]
    const oldest = looks[0]
    if (oldest === undefined) return { memory: next, readings: [] }
    const measured = rows.flatMap(({ count: _, ...ref }, i) => {
      const requests = grownSince(oldest.answered, rows[i]!)
      if (requests < REQUESTS_MIN) return []
      return [{ ...ref, requests, errorShare: Math.min(1, grownSince(oldest.failed, failed[i]!) / requests) }]
    })
    return { memory: next, readings: measured.length === 0 ? [] : [errorsMeasured.of({ rows: measured })] }
  },
})

function readCounts(attachment: Attachment): Counts {
  const { endpoints, tally } = attachment
  const counts = attachment.serviceTexts().flatMap(({ text, rows }) =>
    rows.map(row => {
      const failed = (tally.settled(row, ERROR) + tally.settled(row, TIMEOUT)) | 0
      const ref = { row, generation: endpoints.generation(row), service: text.name, id: attachment.endpoint(row).id }
      return { ...ref, count: (tally.settled(row, OK) + failed) | 0, failed }
    }),
  )
  return {
    rows: counts.map(({ failed: _, ...each }) => each),
    failed: counts.map(({ row, generation, failed }) => ({ row, generation, count: failed })),
  }
}
