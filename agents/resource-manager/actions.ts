import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { type TablesView, viewTables } from '../kit/tables.ts'

/** The tables, and how long endpoints have worked in all: by row, µs of all requests that went well, together. */
export interface Work {
  readonly tables: TablesView
  readonly workedUs: ReadonlyMap<number, number>
}

export const workSeen = defineSignal('signalbox.work.seen', { data: trusted<Work>() })

/** Looks at what endpoints have done that cost something. */
export const lookAtWork = defineAction({
  name: 'look-at-work',
  done: workSeen,
  run(_: undefined, { attachment }): Work {
    const tables = viewTables(attachment)
    const priced = tables.services.flatMap(({ endpoints }) => endpoints.filter(({ cost }) => cost !== undefined))
    return { tables, workedUs: new Map(priced.map(({ row }) => [row, attachment.tally.totals(row).latencyUsSum])) }
  },
})
