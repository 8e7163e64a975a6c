import type { TestContext } from 'node:test'
import {
  type Agent,
  createTestCluster,
  defineAgent,
  defineSignal,
  type Signal,
  type TestClusterOptions,
  toNode,
  trusted,
} from '../../../agents/index.ts'
import { ask, emit, reply, stay } from '../../../agents/kit/grammar/directive.ts'
import { objectOf, text } from '../../../agents/kit/grammar/shapes.ts'
import { type Box, createSignalbox } from '../../../engine/index.ts'

/** A word that reaches every node, a question, and a word that stays at home. */
export const shouted = defineSignal('signalbox.test.shouted', { data: objectOf({ word: text }), reach: 'cluster' })
export const asked = defineSignal('signalbox.test.asked', { data: objectOf({ word: text }), reach: 'cluster' })
export const answered = defineSignal('signalbox.test.answered', {
  data: objectOf({ word: text }),
  reach: 'cluster',
  answers: asked,
})
export const whispered = defineSignal('signalbox.test.whispered', { data: objectOf({ word: text }) })
/** From a test to a talker: say something, as its data says. */
export const speak = defineSignal('signalbox.test.speak', {
  data: trusted<{ kind: 'shout' | 'whisper' | 'ask'; word: string; to?: string }>(),
})

export interface Talk {
  readonly heard: readonly Signal[]
}

/** Hears all of it, says what it is told to, and answers questions. */
export const talker: Agent<Talk> = defineAgent({
  name: 'talker',
  role: 'talker',
  listens: [shouted, asked, answered, whispered, speak],
  emits: [shouted, asked, answered, whispered],
  start: () => stay<Talk>({ heard: [] }),
  decide(state, signal) {
    if (signal.type === 'signalbox.test.speak') {
      const { kind, word, to } = signal.data
      const kinds = { shout: shouted, ask: asked, whisper: whispered }
      const draft = to === undefined ? kinds[kind].of({ word }) : toNode(to, kinds[kind].of({ word }))
      return { state, directives: [kind === 'ask' ? ask(draft, 1_000) : emit(draft)] }
    }
    const heard = [...state.heard, signal].slice(-1000)
    if (signal.type === 'signalbox.test.asked') {
      return {
        state: { heard },
        directives: [reply(signal, answered.of({ word: signal.data.word }))],
      }
    }
    return stay({ heard })
  },
})

const ROSTER = [
  { name: 'talker', group: 'consensus', module: 'file:///none', restart: 'permanent' },
  { name: 'hearer', group: 'prediction', module: 'file:///none', restart: 'permanent' },
] as const

export const BOX = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } }

/** So many nodes with a talker, and a hearer in a thread of its own that says nothing. */
export async function talkersOf(t: TestContext, nodes: number, options: Partial<TestClusterOptions<Box>> = {}) {
  const hearer: Agent<Talk> = { ...talker, name: 'hearer', role: 'hearer', listens: [shouted, whispered] }
  const cluster = await createTestCluster({
    ...{ nodes, roster: ROSTER, agents: { talker, hearer } },
    open: control => createSignalbox(BOX, { control, log: () => {} }),
    ...options,
  })
  t.after(() => cluster.close())
  const say = (node: string, kind: 'shout' | 'whisper' | 'ask', word: string, to?: string): void =>
    cluster.node(node).plane.hear(speak.of({ kind, word, ...(to !== undefined && { to }) }))
  const heard = (node: string, agent = 'talker'): string[] =>
    (cluster.node(node).plane.state(agent) as Talk).heard.map(
      ({ source, data }) => `${source.slice(11)} ${(data as { word: string }).word}`,
    )
  return { cluster, say, heard }
}
