import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, isLesser, type Picture, type Rule, type Strategy } from '../../../agents/partition-handler/decide.ts'
import { stableAfterMs, unstableAfterMs } from '../../../agents/partition-handler/stable-after.ts'

const ALL = 'abcdefghi'
const rule = (strategy: Strategy, more: Partial<Rule> = {}): Rule => ({
  strategy,
  quorumSize: 3,
  downIfAlone: true,
  ...more,
})

/** What each part of the first `size` nodes says, when nobody hears beyond their part; `a` is the oldest. */
function verdicts(what: Rule, size: number, parts: readonly string[], more: Partial<Picture> = {}): string[] {
  const members = new Map([...ALL.slice(0, size)].map((node, rank) => [node, rank]))
  return parts.map(part => {
    const said = new Set(
      [...part].map(me => {
        const picture = { me, members, reachable: new Set(part), indirect: new Set<string>(), ...more }
        return decide(what, picture).verdict
      }),
    )
    // All nodes of a part see the same, so they say the same.
    assert.equal(said.size, 1, part)
    return [...said][0]!
  })
}

test('decide() of all strategies, row by row (ALG-25)', () => {
  const quorum5 = rule('static-quorum', { quorumSize: 5 })
  const rows: readonly (readonly [what: Rule, size: number, parts: readonly string[], said: readonly string[]])[] = [
    [rule('keep-majority'), 5, ['abc', 'de'], ['keep', 'down-self']],
    [rule('keep-majority'), 5, ['ab', 'cde'], ['down-self', 'keep']],
    // A tie goes to the lowest name.
    [rule('keep-majority'), 4, ['ac', 'bd'], ['keep', 'down-self']],
    [rule('keep-majority'), 2, ['a', 'b'], ['keep', 'down-self']],
    // 2/2/1: two are fewer than the other three.
    [rule('keep-majority'), 5, ['ab', 'cd', 'e'], ['down-self', 'down-self', 'down-self']],
    // Three of five have crashed: to the other two that looks the same.
    [rule('keep-majority'), 5, ['de'], ['down-self']],
    [quorum5, 9, ['abcde', 'fghi'], ['keep', 'down-self']],
    // Then one more crashes.
    [quorum5, 9, ['abcd'], ['down-self']],
    // Two parts of three could both have a quorum of three.
    [rule('static-quorum'), 6, ['abc', 'def'], ['down-all', 'down-all']],
    [rule('keep-oldest'), 9, ['ab', 'cdefghi'], ['keep', 'down-self']],
    [rule('keep-oldest'), 9, ['a', 'bcdefghi'], ['down-self', 'keep']],
    [rule('keep-oldest', { downIfAlone: false }), 9, ['a', 'bcdefghi'], ['keep', 'down-self']],
    [rule('keep-oldest'), 5, ['b', 'acde'], ['down-self', 'keep']],
    [rule('down-all'), 5, ['abcd', 'e'], ['down-all', 'down-all']],
  ]
  for (const [what, size, parts, said] of rows) {
    assert.deepEqual(verdicts(what, size, parts), said, `${what.strategy}, ${parts.join(' | ')} of ${size}`)
  }
})

test('decide() by lease: who has it goes on, be it the lesser side; where the store says nothing nobody does (ALG-25)', () => {
  const by = rule('lease-majority')
  assert.deepEqual(verdicts(by, 5, ['de'], { lease: 'here' }), ['keep'])
  assert.deepEqual(verdicts(by, 5, ['abc'], { lease: 'there' }), ['down-self'])
  assert.deepEqual(verdicts(by, 5, ['abc', 'de'], { lease: 'unknown' }), ['down-all', 'down-all'])
  assert.equal(isLesser({ members: new Map([...'abcde'].map(node => [node, 0])), reachable: new Set('de') }), true)
})

test('decide() has those give way that some hear and others do not, whatever the strategy (ALG-25)', () => {
  const members = new Map([...'abcde'].map(node => [node, 0]))
  const indirect = new Set(['a', 'b'])
  const say = (me: string, strategy: Strategy): string =>
    decide(rule(strategy), { me, members, reachable: new Set('abcde'), indirect }).verdict
  for (const strategy of ['keep-majority', 'static-quorum', 'keep-oldest', 'down-all', 'lease-majority'] as const) {
    assert.deepEqual(
      [...'abcde'].map(me => say(me, strategy)),
      ['down-self', 'down-self', 'keep', 'keep', 'keep'],
      strategy,
    )
  }
})

test('decide() keeps where nobody is missing, and nobody where the nodes come and go', () => {
  for (const strategy of ['keep-majority', 'static-quorum', 'keep-oldest', 'down-all', 'lease-majority'] as const) {
    assert.deepEqual(verdicts(rule(strategy), 5, ['abcde']), ['keep'])
    assert.deepEqual(verdicts(rule(strategy), 5, ['abcd'], { isUnstable: true }), ['down-all'])
  }
})

test('no two sides both keep, however up to six nodes fall apart (D39)', () => {
  for (let size = 2; size <= 6; size++) {
    const nodes = ALL.slice(0, size)
    // Each node is in one of three parts: all the ways there are.
    for (let code = 0; code < 3 ** size; code++) {
      const parts = ['', '', '']
      for (let i = 0, left = code; i < size; i++, left = Math.floor(left / 3)) parts[left % 3] += nodes[i]
      const there = parts.filter(part => part !== '')
      if (there.length < 2) continue
      for (const strategy of ['keep-majority', 'static-quorum', 'keep-oldest', 'down-all'] as const) {
        for (const downIfAlone of [true, false]) {
          const said = verdicts(rule(strategy, { downIfAlone, quorumSize: Math.floor(size / 2) + 1 }), size, there)
          const keeping = said.filter(each => each === 'keep').length
          assert.ok(keeping <= 1, `${strategy} of ${there.join(' | ')}: ${said.join(', ')}`)
        }
      }
    }
  }
})

test('stableAfterMs() is what Pekko recommends by size, and three quarters more are too much', () => {
  assert.deepEqual([1, 5, 6, 10, 20, 50, 100, 1_000].map(stableAfterMs), [
    ...[7_000, 7_000, 10_000, 10_000, 13_000, 17_000, 20_000, 30_000],
  ])
  assert.deepEqual([7_000, 4_000, 1_000].map(unstableAfterMs), [12_250, 8_000, 5_000])
})
