import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchedOf } from '../cluster/watched-cluster.ts'

test('each node hears each other within some beats, and nothing else changes', async t => {
  const watched = await watchedOf(t, 3)
  await watched.cluster.advance(6_000)
  assert.deepEqual(watched.view('a'), ['b alive', 'c alive'])
  assert.deepEqual(watched.view('c'), ['a alive', 'b alive'])
  watched.mark()
  await watched.cluster.advance(30_000)
  assert.deepEqual(watched.changes(), [])
})
test('a node that is killed is suspected after 3.5 s and dead 4 s later; with the fast profile it is dead within a second (AG-6)', async t => {
  for (const [profile, from, to] of [
    ['default', 6_000, 9_500],
    ['fast', 500, 1_000],
  ] as const) {
    const watched = await watchedOf(t, 5, { nodes: { profile } })
    await watched.cluster.advance(20_000)
    watched.mark()
    await watched.cluster.kill('e')
    await watched.cluster.advance(to + 500)
    const dead = watched.told.filter(({ data }) => data.to === 'dead')
    t.diagnostic(JSON.stringify(dead.map(d => `${d.at} ${d.ms} ${d.data.reason}`)))
    assert.equal(dead.length, 4)
    for (const { ms } of dead) assert.ok(ms >= from && ms <= to, `${profile}: ${ms} ms`)
  }
})
