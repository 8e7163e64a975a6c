import { defineAgent, stay } from '../../agents/index.ts'

/** An agent that knows nothing of other configs, and does nothing. Called `plain`, or what `?name=` says. */
export default defineAgent({
  name: new URL(import.meta.url).searchParams.get('name') ?? 'plain',
  role: 'plain',
  start: () => stay(null),
  decide: state => stay(state),
})
