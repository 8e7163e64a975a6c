import { z } from 'zod'
import { defineAgent, defineSignal, emit, parentLost, stay } from '../../agents/index.ts'

const orphaned = defineSignal('signalbox.test.orphaned', { data: z.object({ thread: z.string() }) })

/** An agent that says so when the one it belongs to is lost. Called what `?name=` says. */
export default defineAgent({
  name: new URL(import.meta.url).searchParams.get('name')!,
  role: 'orphan',
  listens: [parentLost],
  emits: [orphaned],
  start: () => stay(null),
  decide: (state, signal) => ({ state, directives: [emit(orphaned.of(signal.data))] }),
})
