import { defineAgent, stay } from '../../agents/index.ts'

/** An agent that knows nothing of other configs. */
export default defineAgent<null>({
  name: 'plain',
  listens: [],
  emits: [],
  writes: [],
  actions: [],
  start: () => stay(null),
  decide: state => stay(state),
})
