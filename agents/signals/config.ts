import { count, listOf, objectOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** From the configuration manager: another config is in force here. `changes`: a few words for each, and after 20 how many more. */
export const configChanged = defineSignal('signalbox.config.changed', {
  data: objectOf({
    version: count,
    /** SHA-256 of it in hex; the same on every node that has the same. */
    digest: text,
    changes: listOf(text),
  }),
})
