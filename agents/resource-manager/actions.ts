import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { type TablesView, viewTables } from '../kit/tables.ts'

/** How long an endpoint has worked in all: µs of all requests that went well, together. */
export interface Worked {
  readonly generation: number
  readonly us: number
}

/** The tables, and by row how long endpoints have worked; those whose cost is not known are left out. */
export interface Work {
  readonly tables: TablesView
  readonly worked: ReadonlyMap<number, Worked>
}

export const workSeen = defineSignal('signalbox.work.seen', { data: trusted<Work>() })

/** Looks at what endpoints have done that cost something. */
export const lookAtWork = defineAction({
  name: 'look-at-work',
  done: workSeen,
  run(_: undefined, { attachment }): Work {
    const tables = viewTables(attachment)
    const priced = tables.services.flatMap(({ endpoints }) => endpoints.filter(({ cost }) => cost !== undefined))
    const usOf = (row: number): number => attachment.tally.totals(row).latencyUsSum
    return { tables, worked: new Map(priced.map(({ row, generation }) => [row, { generation, us: usOf(row) }])) }
  },
})
