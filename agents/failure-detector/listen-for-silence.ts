import { type Attachment, EJECTED } from '../../engine/writer.ts'
import { defineAction } from '../kit/grammar/action.ts'
import { lookEveryMs } from '../kit/tables.ts'
import { silenceHeard } from './signals.ts'
import type { Look, SilenceWatch, Silent } from './silence.ts'

/** Between two looks, in ms; with very many endpoints longer, so that looking takes little of a core. */
const LOOK_MS = 20
const ROWS_PER_MS = 100

/** Looks every few ms at how long endpoints keep requests waiting, until one is silent for too long. */
export const listenForSilence = defineAction({
  name: 'listen-for-silence',
  done: silenceHeard,
  // Nobody may ever be silent.
  timeoutMs: 0,
  run: (watch: SilenceWatch, edge): Promise<{ rows: readonly Silent[] }> =>
    new Promise(resolve => {
      const look = (): void => {
        const now = edge.now()
        const looks = lookAtWaiting(edge.attachment, now)
        const everyMs = lookEveryMs(looks.length, LOOK_MS, ROWS_PER_MS)
        const rows = watch.look(looks, now, everyMs)
        if (rows.length > 0) resolve({ rows })
        else edge.later(everyMs, look)
      }
      edge.later(LOOK_MS, look)
    }),
})

/** The endpoints that are not out already. */
function lookAtWaiting(attachment: Attachment, now: number): Look[] {
  const { endpoints, tally } = attachment
  const looks: Look[] = []
  attachment.serviceTexts().forEach(({ text, rows }, service) => {
    if (text.isGone) return
    for (const row of rows) {
      if ((endpoints.bars(row) & EJECTED) !== 0) continue
      const generation = endpoints.generation(row)
      const [answered, picked] = [tally.answered(row), tally.picked(row)]
      looks.push({ row, generation, service, answered, picked, waitedMs: tally.waitedMs(row, now) })
    }
  })
  return looks
}
