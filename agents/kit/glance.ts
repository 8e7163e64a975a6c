import { defineAction } from './grammar/action.ts'
import { trusted } from './grammar/schema.ts'
import { defineSignal } from './grammar/signal.ts'

/** The state of the tables as two numbers: they are as they were where both are. */
export interface Glance {
  /** The published structure: who is there, and what is said of them. */
  readonly structure: number
  /** All changes of facts of all services, summed up. */
  readonly facts: number
}

export const glanced = defineSignal('signalbox.tables.glanced', { data: trusted<Glance>() })

/**
 * Whether a look at the tables would see anything new: a word for each service, instead of twenty for each endpoint. Requests in flight,
 * latencies and loads may change without it. A look that follows it sees at least what it told.
 */
export const glanceAtTables = defineAction({
  name: 'glance-at-tables',
  done: glanced,
  run: (_: undefined, { attachment }): Glance => {
    const structure = attachment.catchUp()
    let facts = 0
    for (let service = attachment.serviceTexts().length - 1; service >= 0; service--) {
      facts = (facts + attachment.services.revisionOfFacts(service)) | 0
    }
    return { structure, facts }
  },
})

export function isSameGlance(before: Glance | undefined, after: Glance): boolean {
  return before?.structure === after.structure && before.facts === after.facts
}
