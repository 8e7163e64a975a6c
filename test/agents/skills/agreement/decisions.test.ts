import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idOf } from '../../../../agents/bridge/proposal.ts'
import { DECISIONS_MAX, Decisions } from '../../../../agents/skills/agreement/decisions.ts'
import { readRule } from '../../../../agents/skills/agreement/rule.ts'

test('Decisions: an episode is the fence of the decision before it, whoever asks', () => {
  const decisions = new Decisions()
  const decide = (episode: number, fence: number): void =>
    decisions.note(idOf({ type: 't', subject: 's', episode }), { status: 'accepted', fence })
  assert.equal(decisions.episodeOf('t', 's'), 0)
  decide(0, 7)
  assert.equal(decisions.episodeOf('t', 's'), 7)
  decide(7, 31)
  decide(31, 40)
  assert.equal(decisions.episodeOf('t', 's'), 40)
  assert.equal(decisions.episodeOf('t', 'another'), 0)
  const late = new Decisions()
  for (const [episode, fence] of [
    [31, 40],
    [0, 7],
    [7, 31],
  ] as const) {
    late.note(idOf({ type: 't', subject: 's', episode }), { status: 'rejected', fence })
  }
  assert.equal(late.episodeOf('t', 's'), 40, 'in whatever order they were heard')
})

test('Decisions: a decision whose fence does not grow ends the search', () => {
  const decisions = new Decisions()
  decisions.note(idOf({ type: 't', subject: 's', episode: 0 }), { status: 'expired', fence: 0 })
  assert.equal(decisions.episodeOf('t', 's'), 0)
})

test('Decisions: the latest ten thousand are remembered', () => {
  const decisions = new Decisions()
  for (let i = 0; i < DECISIONS_MAX + 5; i++) decisions.note(`id-${i}`, { status: 'accepted', fence: i })
  assert.equal(decisions.size, DECISIONS_MAX)
  assert.equal(decisions.of('id-4'), undefined)
  assert.equal(decisions.of('id-5')?.fence, 5)
})

test('readRule() reads majority, unanimous, any, quorum and threshold, and says what is wrong with others', () => {
  assert.equal(readRule('', 3), 'majority')
  assert.equal(readRule('unanimous', 3), 'unanimous')
  assert.equal(readRule('any', 3), 'any')
  assert.deepEqual(readRule('quorum:2', 3), { quorum: 2 })
  // 0.7 of 10 voters is 7, of 3 it is 2.1 and therefore 3, of one it is that one.
  assert.deepEqual(
    [10, 3, 1].map(voters => readRule('threshold:70%', voters)),
    [{ quorum: 7 }, { quorum: 3 }, { quorum: 1 }],
  )
  assert.deepEqual(readRule('threshold:0%', 3), { quorum: 1 })
  for (const bad of ['quorum:4', 'quorum:0', 'quorum:x', 'threshold:101%', 'most']) {
    assert.ok('fault' in (readRule(bad, 3) as object), bad)
  }
})
