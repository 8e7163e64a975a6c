import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Agent,
  createTestCluster,
  defineAgent,
  defineSignal,
  mount,
  reply,
  stay,
  trusted,
} from '../../../../agents/index.ts'
import type { Mounted } from '../../../../agents/kit/grammar/skill.ts'
import { askPeers, peerAnswered, peersAsked, type Session } from '../../../../agents/skills/agreement/asking-peers.ts'
import { createSignalbox } from '../../../../engine/index.ts'
import { BOX } from '../../cluster/tiny-cluster.ts'
import { checkTwoSkills } from '../two-skills.ts'

const begin = defineSignal('signalbox.test.begun', { data: trusted<{ readonly nodes: readonly string[] }>() })

/** Asks its like when it is told to, and answers with its own name. */
const asker: Agent<{ readonly me: string; readonly session: Mounted<Session> | undefined }> = defineAgent({
  name: 'asker',
  role: 'asker',
  listens: [begin, peersAsked, peerAnswered],
  emits: [peerAnswered],
  start: ({ cluster }) => stay({ me: cluster!.node, session: undefined as Mounted<Session> | undefined }),
  decide(state, signal) {
    switch (signal.type) {
      case 'signalbox.test.begun': {
        const { nodes } = signal.data
        const session = askPeers('who', { session: 's1', role: 'asker', topic: 'who', nodes, deadlineMs: 1_000 })
        return { state: { ...state, session }, directives: [mount(session)] }
      }
      case 'signalbox.peers.asked':
        return {
          state,
          directives: [reply(signal, peerAnswered.of({ session: signal.data.session, answer: { me: state.me } }))],
        }
      default:
        return stay(state)
    }
  },
})

test('askPeers() brings what each node says, and a timeout for one that is dead or stands still (AC-3, SK-1)', async t => {
  const cluster = await createTestCluster({
    ...{ nodes: 4, agents: { asker } },
    roster: [{ name: 'asker', group: 'consensus', module: 'file:///none', restart: 'permanent' }],
    open: control => createSignalbox(BOX, { control, log: () => {} }),
  })
  t.after(() => cluster.close())
  await cluster.kill('c')
  cluster.stop('d', 5_000)
  const { plane } = cluster.node('a')
  plane.hear(begin.of({ nodes: ['b', 'c', 'd'] }))
  const results = (): string[] => {
    const { control } = plane as unknown as { control: { runner(name: string): { slice(at: object): Session } } }
    return [...control.runner('asker').slice({ key: 'who' }).results].map(
      ([node, result]) => `${node} ${result.status}${result.status === 'answered' ? ` ${result.answer.me}` : ''}`,
    )
  }
  await cluster.advance(500)
  assert.deepEqual(results(), ['b answered b', 'c waiting', 'd waiting'])
  await cluster.advance(600)
  assert.deepEqual(results(), ['b answered b', 'c timeout', 'd timeout'])
  // What comes late is not heard.
  await cluster.advance(5_000)
  assert.deepEqual(results(), ['b answered b', 'c timeout', 'd timeout'])
})

test('a session of nobody is over at once, and one of all that answered before its deadline', async () => {
  const start = (nodes: readonly string[]): Session =>
    askPeers('who', { session: 's', role: 'r', topic: 't', nodes, deadlineMs: 10 }).start({ now: 0 } as never).state
  assert.equal(start([]).isOver, true)
  assert.equal(start(['b']).isOver, false)
})

test('two sessions of one agent are two, and one that is unmounted hears nothing more (SK-1)', () => {
  const options = { session: 's', role: 'r', topic: 't', nodes: ['b'], deadlineMs: 1_000 }
  checkTwoSkills(
    key => askPeers(key, options),
    peerAnswered.of({ session: 's', answer: {} }),
    ({ results }) => [...results],
  )
})
