import { defineAgent, stay } from '../../agents/index.ts'

/** An agent that knows nothing of other configs. */
export default defineAgent({
  name: 'plain',
  role: 'plain',
  start: () => stay(null),
  decide: state => stay(state),
})
