import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchSettingsOf } from '../../../agents/failure-detector/nodes/settings.ts'
import { nodeWatch } from '../../../agents/failure-detector/nodes/watch.ts'
import type { NodeWatch } from '../../../agents/failure-detector/nodes/watch-state.ts'
import type { Setup } from '../../../agents/kit/grammar/agent.ts'
import type { Step } from '../../../agents/kit/grammar/directive.ts'
import { nodeLeft } from '../../../agents/kit/member/membership-signals.ts'
import { nodeBeat } from '../../../agents/signals/nodes.ts'
import { validateConfig } from '../../../engine/config/load.ts'

/** A watch of node `me`, to which each other says that it lives, or goodbye. */
function watching() {
  const { agents } = validateConfig({ services: { api: {} } })
  const settings = watchSettingsOf(agents['failure-detector'].nodes)
  const watch = nodeWatch('w', { node: 'me', incarnation: 1, settings, seed: 1 })
  let { state } = watch.start({} as Setup) as Step<NodeWatch>
  const hear = (draft: ReturnType<typeof nodeBeat.of | typeof nodeLeft.of>, now: number) => {
    const { node } = draft.data
    const step = watch.decide(
      state,
      { id: '1', specversion: '1.0', source: `/signalbox/nodes/${node}/agents/x`, time: '', ...draft },
      now,
    )
    state = step.state
    return step.directives.flatMap(each => (each.kind === 'emit' ? [each.draft] : []))
  }
  return {
    beat: (node: string, now: number, missing: string[] = []) =>
      hear(nodeBeat.of({ node, incarnation: 1, rank: 0, hears: [], missing, more: 0 }), now),
    leave: (node: string, now: number) => hear(nodeLeft.of({ node }), now),
    state: () => state,
  }
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

test('a new node takes the place of the one that left longest ago', () => {
  const { beat, leave, state } = watching()
  for (const node of names('old', 32)) beat(node, 0)
  leave('old7', 1_000)
  leave('old3', 2_000)
  beat('new', 3_000)
  assert.equal(state().others.get('new')?.state, 'alive')
  assert.equal(state().others.has('old7'), false)
  assert.equal(state().others.get('old3')?.state, 'left')
  assert.equal(state().others.size, 32)
})

test('where nobody has left a new node takes the place of a dead one, of which it is told that it has left', () => {
  const { beat, state } = watching()
  for (const node of names('old', 31)) beat(node, 0)
  beat('old0', 0, ['dead'])
  assert.equal(state().others.get('dead')?.state, 'dead')
  const told = beat('new', 1_000).filter(({ type }) => type === 'signalbox.node.health-changed')
  assert.deepEqual(
    told.map(({ subject, data }) => [subject, (data as { to: string }).to]),
    [
      ['dead', 'left'],
      ['new', 'alive'],
    ],
  )
  assert.equal(state().others.has('dead'), false)
  beat('old0', 2_000, ['dead'])
  assert.equal(state().others.has('new'), true, "hearsay takes nobody's place")
})

test('where all live a new node is turned away, and counted', () => {
  const { beat, state } = watching()
  for (const node of names('old', 32)) beat(node, 0)
  beat('new', 1_000)
  beat('new', 2_000)
  beat('old1', 2_000)
  assert.equal(state().others.has('new'), false)
  assert.equal(state().turnedAway, 2)
})
