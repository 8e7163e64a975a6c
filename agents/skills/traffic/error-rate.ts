import { ERROR, OK, TIMEOUT } from '../../../engine/writer.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { errorsMeasured } from '../../signals.ts'
import { grown, type RowCounts, readRowCounts } from './row-counts.ts'

/** A look, and what its endpoints are called. */
interface Look {
  readonly counts: RowCounts
  idOf(row: number): string
}

const EVERY_MS = 2_000
/** Looks that a window is long: ten seconds. */
const LOOKS = 5
/** Fewer say nothing. */
const REQUESTS_MIN = 20

const ANSWERED = 0
const FAILED = 1

/** Of each endpoint with twenty requests or more in the last ten seconds: which part of them failed. It slides by two. */
export const errorRate = defineSensor({
  name: 'error-rate',
  emits: errorsMeasured,
  everyMs: EVERY_MS,
  start: () => [] as readonly RowCounts[],
  read({ attachment }): Look {
    const { tally } = attachment
    const failed = (row: number): number => (tally.settled(row, ERROR) + tally.settled(row, TIMEOUT)) | 0
    const answered = (row: number): number => (tally.settled(row, OK) + failed(row)) | 0
    return {
      counts: readRowCounts(attachment, answered, failed),
      // The names of a row's tenant are kept as long as it is there: nothing is read anew.
      idOf: row => attachment.endpoint(row).id,
    }
  },
  perceive(looks, { counts: after, idOf }) {
    const memory = [...looks.slice(-LOOKS + 1), after]
    const before = looks[0]
    if (before === undefined) return { memory, readings: [] }
    const rows = after.services.flatMap(({ service, rows: ofService }) =>
      ofService.flatMap(row => {
        const requests = grown(before, after, row, ANSWERED)
        if (requests < REQUESTS_MIN) return []
        const errorShare = Math.min(1, grown(before, after, row, FAILED) / requests)
        return [{ row, generation: after.generations[row]!, service, id: idOf(row), requests, errorShare }]
      }),
    )
    return { memory, readings: rows.length === 0 ? [] : [errorsMeasured.of({ rows })] }
  },
})
