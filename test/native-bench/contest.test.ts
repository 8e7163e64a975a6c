import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Contest, compete, ofPeer, type Side } from '../../native-bench/contest.ts'

const NS = [{ name: 'call', unit: 'ns' as const }]

function contest(sides: readonly Side[], others: Partial<Contest> = {}): Contest {
  return { name: 'who is first', figures: NS, rounds: 3, warmUp: 1, sides, ...others }
}

test('sides take turns, who begins moves on, and all are closed, the last first', async () => {
  const told: string[] = []
  const side = (name: string, figure: number): Side => ({
    name,
    begin: async () => ({
      turn: () => {
        told.push(name)
        return [figure]
      },
      close: async () => void told.push(`close ${name}`),
    }),
  })
  const standings = await compete(contest([side('a', 10), side('b', 20), side('c', 5)]))
  assert.equal(told.join(' '), 'a b c b c a c a b a b c close c close b close a')
  assert.deepEqual(
    standings.map(each => [each.side, each.figures[0]!.median, each.times.median, each.rounds]),
    [
      ['a', 10, 1, 3],
      ['b', 20, 2, 3],
      ['c', 5, 0.5, 3],
    ],
  )
})

test('of requests per second more is better, so whoever has half of them is twice as bad', async () => {
  const side = (name: string, figure: number): Side => ({
    name,
    begin: async () => ({ turn: () => [figure], close: async () => {} }),
  })
  const figures = [{ name: 'requests', unit: '/s' as const, isMoreBetter: true }]
  const [, half] = await compete(contest([side('a', 1000), side('b', 500)], { figures }))
  assert.equal(half!.times.median, 2)
})

test('a side that is not there is left out; without the first there is nothing to compare with', async () => {
  const absent: Side = { name: 'absent', begin: async () => undefined }
  let begun = 0
  const here: Side = {
    name: 'here',
    begin: async () => {
      begun++
      return { turn: () => [1], close: async () => void begun-- }
    },
  }
  const standings = await compete(contest([here, absent]))
  assert.deepEqual(
    standings.map(each => each.side),
    ['here'],
  )
  assert.deepEqual(await compete(contest([absent, here])), [])
  assert.equal(begun, 0)
})

test('a turn that tells too little fails, and those that have begun are closed', async () => {
  let closed = 0
  const side: Side = { name: 'a', begin: async () => ({ turn: () => [], close: async () => void closed++ }) }
  await assert.rejects(compete(contest([side])), /a turn tells 1 figures, this one 0/)
  assert.equal(closed, 1)
})

test('a package that is not installed is undefined, one that fails fails', async () => {
  const name = 'there-is-no-such-package'
  assert.equal(await ofPeer(() => import(name)), undefined)
  await assert.rejects(
    ofPeer(async () => {
      throw new Error('broken')
    }),
    /broken/,
  )
})
