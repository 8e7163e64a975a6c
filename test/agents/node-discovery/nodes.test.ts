import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeNodes, type Sighting } from '../../../agents/node-discovery/merge.ts'
import {
  answered,
  fail,
  forgetSilent,
  heardOf,
  livingNodes,
  type Nodes,
  newNodes,
  saidBack,
  seen,
  toTell,
  tried,
  withTopology,
} from '../../../agents/node-discovery/nodes.ts'
import { newTopology, nextTopology } from '../../../agents/node-discovery/topology.ts'

const SEEN: Sighting = {
  ...{ node: 'b', by: 'multicast', address: '10.0.0.2:7946', zone: '', capabilities: ['x'] },
  ...{ lastSeenMs: 1_000, isVerified: false },
}

const namesOf = (nodes: Nodes): string =>
  livingNodes(nodes, 2_000)
    .map(({ node }) => node)
    .join()

test('what strategies find is one node by its name, whenever each has seen it (ALG-1, D26)', () => {
  const merged = mergeNodes(
    [
      SEEN,
      { ...SEEN, lastSeenMs: 1_500 },
      { ...SEEN, by: 'registry', address: '', zone: 'z2', capabilities: ['y', 'x'], lastSeenMs: 1_200 },
    ],
    2_000,
  )
  assert.deepEqual(merged, [
    {
      ...{ node: 'b', address: '10.0.0.2:7946', zone: 'z2', capabilities: ['x', 'y'] },
      ...{ sources: ['multicast', 'registry'], isVerified: false, lastSeenMs: 1_500 },
    },
  ])
})

test('of two addresses the one that was reached counts (ALG-1)', () => {
  const later = { ...SEEN, by: 'registry', address: '10.9.9.9:1', lastSeenMs: 1_900 } as const
  assert.equal(mergeNodes([SEEN, later], 2_000)[0]!.address, '10.9.9.9:1')
  assert.equal(mergeNodes([{ ...SEEN, isVerified: true }, later], 2_000)[0]!.address, '10.0.0.2:7946')
})

test('a topology has another version when nodes or who reaches whom have changed, and keeps the last hundred changes (AC-11)', () => {
  const first = newTopology('a', 1)
  assert.equal(nextTopology(first, 'a', ['a'], {}, 0), first)
  const second = nextTopology(first, 'a', ['b'], { b: 2 }, 5)
  assert.deepEqual(second.topology, { version: 1, nodes: ['a', 'b'], connections: { a: { b: 2 } } })
  assert.deepEqual(second.history, [{ version: 1, atMs: 5, added: ['b'], removed: [] }])
  // A tenth more is as long as before; half as long again is not.
  assert.equal(nextTopology(second, 'a', ['b'], { b: 2.2 }, 6), second)
  assert.equal(nextTopology(second, 'a', ['b'], { b: 3 }, 6).topology.version, 2)
  let book = second
  for (let i = 0; i < 150; i++) book = nextTopology(book, 'a', [`n${i}`], {}, i)
  assert.deepEqual([book.history.length, book.topology.version], [100, 151])
  assert.ok(newTopology('a', 2).topology.version > book.topology.version)
})

test('a node that failed is out, and stays out until it is said to be back and was reached, or has answered (F13, AC-12)', () => {
  const there = tried(seen(newNodes('a', [], 1), SEEN), 'b', SEEN.address, 3)
  assert.equal(namesOf(there), 'b')
  const failed = fail(there, 'b')
  assert.deepEqual([namesOf(failed), failed.reached.size], ['', 0])
  // It is said to be there again, and verified by whoever says so.
  const claimed = seen(failed, { ...SEEN, isVerified: true })
  assert.equal(namesOf(claimed), '')
  assert.equal(namesOf(tried(claimed, 'b', SEEN.address, null)), '')
  // What stands still is connected to as well: the system does that.
  assert.equal(namesOf(tried(claimed, 'b', SEEN.address, 2)), '')
  const back = saidBack(claimed, 'b')
  assert.equal(namesOf(back), '')
  assert.equal(namesOf(tried(back, 'b', SEEN.address, null)), '')
  assert.equal(namesOf(tried(back, 'b', SEEN.address, 2)), 'b')
  // It failed again before anybody came to it.
  assert.equal(namesOf(tried(fail(back, 'b'), 'b', SEEN.address, 2)), '')
  assert.equal(namesOf(answered(claimed, 'b')), 'b')
})

test('a node that says no address is back when who said that it had failed says so (AC-12)', () => {
  const registered = { ...SEEN, by: 'registry', address: '', isVerified: true } as const
  const failed = fail(seen(newNodes('a', [], 1), registered), 'b')
  assert.equal(namesOf(seen(failed, registered)), '', 'its lease does not bring it back')
  assert.equal(namesOf(saidBack(failed, 'b')), 'b')
  assert.equal(saidBack(failed, 'c'), failed)
})

test('a node that is silent for long is forgotten, and one’s own is never found', () => {
  const nodes = seen(seen(newNodes('a', ['local'], 1), { ...SEEN, address: '', isVerified: true }), {
    ...SEEN,
    node: 'local',
  })
  assert.equal(nodes.sightings.size, 1)
  assert.equal(namesOf(forgetSilent(nodes, 'multicast', 500, 1_400)), 'b')
  assert.equal(namesOf(forgetSilent(nodes, 'multicast', 500, 1_600)), '')
})

test('a topology is told once, and again on a repair when an agent has begun another life since (AC-15)', () => {
  const one = heardOf(withTopology(tried(seen(newNodes('a', [], 1), SEEN), 'b', SEEN.address, 3), 2_000), 'x@a', 1)
  const told = toTell(one, false)
  assert.deepEqual(told.topology?.nodes, ['a', 'b'])
  assert.equal(toTell(told.nodes, true).topology, undefined)
  const restarted = heardOf(told.nodes, 'x@a', 2)
  assert.equal(toTell(restarted, false).topology, undefined)
  const repaired = toTell(restarted, true)
  assert.equal(repaired.topology?.version, told.topology?.version)
  assert.equal(toTell(repaired.nodes, true).topology, undefined)
})
