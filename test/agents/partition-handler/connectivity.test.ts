import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeOf, partitionId, readConnectivity, sidesOf } from '../../../agents/partition-handler/connectivity.ts'
import type { NodeSeen, NodesSeen } from '../../../agents/signals/nodes.ts'

/** As `a` sees the others: alive and heard unless said otherwise, and what each says it hears. */
function seen(others: Record<string, Partial<NodeSeen> & { readonly hears: readonly string[] }>): NodesSeen {
  const usual = {
    incarnation: 1,
    rank: 0,
    state: 'alive',
    isHeard: true,
    phi: 0,
    silenceMs: 0,
    missing: [],
    more: 0,
  } as const
  return {
    ...{ node: 'a', incarnation: 1, rank: 0, localHealth: 0 },
    others: Object.entries(others).map(([node, facts]) => ({
      ...{ node, ...usual, roundTripMs: null, roundTripMsP95: null },
      ...facts,
    })),
  }
}

const read = (view: NodesSeen): [string, string] => {
  const { reachable, indirect } = readConnectivity(view)
  return [[...reachable].sort().join(''), [...indirect].sort().join('')]
}

test('readConnectivity() takes those for reachable that are alive, and finds nothing amiss where all hear all', () => {
  assert.deepEqual(read(seen({ b: { hears: ['a', 'c'] }, c: { hears: ['a', 'b'] } })), ['abc', ''])
  assert.deepEqual(read(seen({ b: { hears: ['a'] }, c: { state: 'suspect', isHeard: false, hears: [] } })), ['ab', ''])
})

test('readConnectivity() finds the two that do not hear each other, be it one way only, by what each says', () => {
  // b does not hear a, although a hears b.
  assert.deepEqual(read(seen({ b: { hears: ['c'] }, c: { hears: ['a', 'b'] } })), ['abc', 'ab'])
  // a does not hear b, but c does and has vouched for it.
  assert.deepEqual(read(seen({ b: { isHeard: false, hears: [] }, c: { hears: ['a', 'b'] } })), ['abc', 'ab'])
  // It is between the two others.
  assert.deepEqual(read(seen({ b: { hears: ['a'] }, c: { hears: ['a', 'b'] } })), ['abc', 'bc'])
})

test('readConnectivity() concludes nothing from names that did not fit into a beat', () => {
  assert.deepEqual(read(seen({ b: { hears: ['a'], more: 1 }, c: { hears: ['a', 'b'] } })), ['abc', ''])
})

test('sidesOf() has those that are gone together as far as they last heard each other', () => {
  const gone = { state: 'dead', isHeard: false } as const
  const view = seen({
    b: { hears: ['a'] },
    c: { ...gone, hears: ['d'] },
    d: { ...gone, hears: ['c'] },
    e: { ...gone, hears: [] },
  })
  assert.deepEqual(sidesOf(view, ['a', 'b', 'c', 'd', 'e'], new Set('ab')), [['a', 'b'], ['c', 'd'], ['e']])
})

test('causeOf() tells a crash from a partition and both from a broken link', () => {
  assert.equal(causeOf(1, 4, 0), 'crash')
  assert.equal(causeOf(2, 3, 0), 'partition')
  assert.equal(causeOf(1, 1, 0), 'partition', 'of two nodes neither can tell')
  assert.equal(causeOf(4, 1, 0), 'partition', 'it is this one that is alone')
  assert.equal(causeOf(0, 5, 2), 'link')
})

test('partitionId() is the same for whoever sees the same sides', () => {
  assert.equal(partitionId([['a', 'b'], ['c']]), partitionId([['c'], ['a', 'b']]))
  assert.notEqual(partitionId([['a', 'b'], ['c']]), partitionId([['a'], ['b', 'c']]))
})
