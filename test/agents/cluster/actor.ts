import type { Bridge } from '../../../agents/bridge/bridge.ts'
import type { Leadership } from '../../../agents/bridge/election.ts'
import {
  type Agent,
  act,
  defineAction,
  defineAgent,
  defineSignal,
  schedule,
  stay,
  trusted,
} from '../../../agents/index.ts'

/** One thing that was done on behalf of the role. */
export interface Deed {
  readonly node: string
  readonly fence: number
}

const WORK_MS = 200

const done = defineSignal('signalbox.actor.done', { data: trusted<null>() })
const due = defineSignal('signalbox.actor.scheduled', { data: trusted<null>() })

/**
 * An agent that agrees with its like on other nodes: it votes yes, leads when it may, and does something five times a second as long as
 * it leads. What it does, and the bridges by which it agrees, are there for a test.
 */
export function actors() {
  const bridges = new Map<string, Bridge>()
  const deeds: Deed[] = []
  /** Of what lies in the registry for each; 0: nothing does. */
  const revisions = new Map<string, number>()
  const terms = new Map<string, Leadership>()
  const work = defineAction({
    name: 'work',
    done,
    run({ node }: { readonly node: string }, { bridge, place }) {
      revisions.set(node, place?.revision ?? 0)
      if (bridge !== undefined && bridges.get(node) !== bridge) {
        bridges.set(node, bridge)
        bridge.lead('acting', leadership => void terms.set(node, leadership))
      }
      const term = terms.get(node)
      if (term?.isHeld === true) deeds.push({ node, fence: term.fence })
      return null
    },
  })
  const actor: Agent<string> = defineAgent({
    name: 'actor',
    role: 'actor',
    own: [due],
    actions: [work],
    start: ({ cluster }) => ({ state: cluster!.node, directives: [schedule(0, due.of(null))] }),
    decide: (node, signal) =>
      signal.type === 'signalbox.actor.scheduled'
        ? { state: node, directives: [act(work, { node }), schedule(WORK_MS, due.of(null), 1)] }
        : stay(node),
    vote: () => ({ ballot: 'yes', reason: 'it is only a test' }),
  })
  return { actor, bridges, deeds, revisions }
}
