import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bridge } from '../../../agents/bridge/bridge.ts'
import type { Leadership } from '../../../agents/bridge/election.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { Rights } from '../../../agents/bridge/rights.ts'
import { eventually } from '../../support/eventually.ts'

const yes = () => ({ ballot: 'yes', reason: 'why not' }) as const

test('Rights are there until they are taken, and a claim without them is refused by a code of its own', () => {
  const rights = new Rights()
  let changes = 0
  const callOff = rights.onChange(() => changes++)
  rights.claim('decide')
  rights.set(false, 'two of five nodes are here')
  rights.set(false, 'still')
  assert.equal(rights.mayDecide, false)
  assert.throws(() => rights.claim('decide'), {
    code: 'SBX_NO_QUORUM',
    message: 'Cannot decide: this node has no quorum, still',
  })
  rights.set(true, '')
  rights.claim('decide')
  assert.equal(changes, 2)
  callOff()
  rights.set(false, 'again')
  assert.equal(changes, 2)
})

test('a bridge without rights proposes nothing, resigns at once, stands again with them, and abstains meanwhile', async t => {
  const sequencer = new InlineSequencer()
  const bridges = ['a', 'b'].map(agent => new Bridge(sequencer.open(), { agent, incarnation: 1, vote: yes }))
  t.after(async () => {
    await Promise.all(bridges.map(bridge => bridge.close()))
    sequencer.close()
  })
  const [a, b] = bridges as [Bridge, Bridge]
  for (const bridge of bridges) bridge.register({ role: 'tester', capabilities: [], health: 'healthy' })
  await eventually('both are there', () => bridges.every(bridge => bridge.discover().length === 2))
  const terms: { readonly by: string; readonly leadership: Leadership }[] = []
  a.lead('boss', leadership => void terms.push({ by: 'a', leadership }))
  await eventually('a leads', () => terms.length === 1)
  b.lead('boss', leadership => void terms.push({ by: 'b', leadership }))
  a.rights.set(false, 'one of three nodes is here')
  assert.equal(terms[0]!.leadership.isHeld, false)
  assert.equal(terms[0]!.leadership.lost.aborted, true)
  await eventually('b leads', () => terms.length === 2)
  assert.equal(terms[1]!.by, 'b')
  const motion = { type: 'test', subject: 'x', episode: 1, payload: {} }
  assert.throws(() => a.startConsensus(['a', 'b'], motion, 1_000), { code: 'SBX_NO_QUORUM' })
  await assert.rejects(a.auction(['a', 'b'], { subject: 'x', episode: 1, reserve: 1 }), { code: 'SBX_NO_QUORUM' })
  const { votes } = await b.result(b.startConsensus(['a', 'b'], motion, 300))
  assert.deepEqual([votes.a, votes.b], ['abstain', 'yes'])
  b.rights.set(false, 'two of five')
  a.rights.set(true, '')
  await eventually('a leads again', () => terms.length === 3)
  assert.equal(terms[2]!.by, 'a')
})
