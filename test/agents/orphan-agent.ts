import { defineAgent, defineSignal, emit, parentLost, stay } from '../../agents/index.ts'

const orphaned = defineSignal<{ thread: string }>('signalbox.test.orphaned')

/** An agent that says so when the one it belongs to is lost. Called what `?name=` says. */
export default defineAgent<null>({
  name: new URL(import.meta.url).searchParams.get('name')!,
  listens: [parentLost],
  emits: [orphaned],
  writes: [],
  actions: [],
  start: () => stay(null),
  decide: (state, signal) =>
    parentLost.is(signal) ? { state, directives: [emit(orphaned.of(signal.data))] } : stay(state),
})
