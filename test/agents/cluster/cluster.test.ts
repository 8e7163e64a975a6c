import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSignal, trusted } from '../../../agents/index.ts'
import { speak, talkersOf } from './tiny-cluster.ts'

test('a signal that reaches the cluster is heard here and by each other node, once, by all threads, and never passed on', async t => {
  const { cluster, say, heard } = await talkersOf(t, 3)
  say('a', 'shout', 'fire')
  await cluster.advance(100)
  assert.deepEqual(heard('a', 'hearer'), ['agents/talker fire'])
  for (const node of ['b', 'c']) {
    assert.deepEqual(heard(node), ['nodes/a/agents/talker fire'])
    assert.deepEqual(heard(node, 'hearer'), ['nodes/a/agents/talker fire'])
  }
  assert.equal(cluster.network.carried.sent, 2)
})

test('a signal to one node is heard there alone; one that stays on its node is not heard elsewhere', async t => {
  const { cluster, say, heard } = await talkersOf(t, 3)
  say('a', 'shout', 'psst', 'c')
  say('a', 'shout', 'me', 'a')
  say('a', 'whisper', 'home')
  await cluster.advance(100)
  assert.deepEqual(heard('a', 'hearer'), ['agents/talker me', 'agents/talker home'])
  assert.deepEqual(heard('b'), [])
  assert.deepEqual(heard('c'), ['nodes/a/agents/talker psst'])
})

test('reply() to a question of another node goes back to that node alone; to one from here it stays here', async t => {
  const { cluster, say, heard } = await talkersOf(t, 3)
  say('a', 'ask', 'who?', 'b')
  await cluster.advance(100)
  assert.deepEqual(heard('a'), ['nodes/b/agents/talker who?'])
  assert.deepEqual(heard('c'), [])
  const told = (node: string): number =>
    cluster.node(node).plane.journal.toJsonl().split('"signalbox.test.answered"').length - 1
  assert.deepEqual(['a', 'b', 'c'].map(told), [1, 1, 0])
  const { control } = cluster.node('b').plane
  const asking = control.ask!({ type: 'signalbox.test.asked', data: { word: 'from outside' } }, { timeoutMs: 1_000 })
  await cluster.advance(100)
  assert.equal(((await asking).data as { word: string }).word, 'from outside')
  assert.deepEqual(['a', 'b', 'c'].map(told), [1, 2, 0])
})

test('what another node says is held to its schema, and to kinds that reach the cluster', async t => {
  const { cluster, heard } = await talkersOf(t, 2)
  const plane = cluster.node('a').plane
  const from = { id: 'x', specversion: '1.0', source: '/signalbox/nodes/b/agents/talker', time: '' } as const
  const { control } = plane as unknown as { control: { hearAway(signal: unknown, isTelemetry: boolean): void } }
  control.hearAway({ ...from, type: 'signalbox.test.shouted', data: { word: 7 } }, true)
  control.hearAway({ ...from, type: 'signalbox.test.whispered', data: { word: 'not yours to say' } }, true)
  control.hearAway({ ...from, type: 'signalbox.test.shouted', data: { word: 'good' } }, true)
  await cluster.advance(10)
  assert.deepEqual(heard('a'), ['nodes/b/agents/talker good'])
  const letters = (await plane.control.deadLetters!()).find(({ agent }) => agent === 'talker')!.letters
  assert.deepEqual(
    letters.map(({ reason, fault }) => `${reason}: ${fault}`),
    [
      'invalid: word: is 7, write a string',
      'invalid: another node says it, and it is of no kind that reaches the cluster',
    ],
  )
})

test('a kind that reaches the cluster must say what it carries, and one that does not cannot be sent to a node', async t => {
  assert.throws(() => defineSignal('a.b.c', { data: trusted<null>(), reach: 'cluster' }), { code: 'SBX_AGENT_INVALID' })
  const { cluster } = await talkersOf(t, 2)
  const { plane } = cluster.node('a')
  plane.hear(speak.of({ kind: 'whisper', word: 'over there', to: 'b' }))
  await cluster.advance(1)
  const { lastError } = plane.control.status().find(({ name }) => name === 'talker')!
  assert.match(lastError!, /Cannot say signalbox.test.whispered to node b as talker: it stays on its node/)
})

test('a signal that is too long for the way is not sent, and counted', async t => {
  const { cluster, say, heard } = await talkersOf(t, 2)
  say('a', 'shout', 'x'.repeat(70_000))
  say('a', 'shout', 'y'.repeat(60_000))
  await cluster.advance(10)
  assert.equal(heard('b').length, 1)
  assert.equal(cluster.node('a').tooLong, 1)
})

test('partition(), oneWay() and heal() cut what they say and nothing else', async t => {
  const { cluster, say, heard } = await talkersOf(t, 3)
  const round = async (word: string): Promise<string[]> => {
    for (const node of cluster.names) say(node, 'shout', word)
    await cluster.advance(10)
    return cluster.names.map(node =>
      heard(node)
        .filter(line => line.endsWith(` ${word}`))
        .map(line => line.split('/')[1])
        .join(''),
    )
  }
  assert.deepEqual(await round('whole'), ['bc', 'ac', 'ab'])
  cluster.partition([['a', 'b'], ['c']])
  assert.deepEqual(await round('split'), ['b', 'a', ''])
  cluster.heal()
  cluster.oneWay('a', 'b')
  assert.deepEqual(await round('deaf'), ['bc', 'c', 'ab'])
  cluster.heal()
  assert.deepEqual(await round('healed'), ['bc', 'ac', 'ab'])
})

test('stop() holds timers and messages of a node back, kill() ends it, start() begins a life with greater incarnations', async t => {
  const { cluster, say, heard } = await talkersOf(t, 2)
  cluster.stop('b', 5_000)
  say('a', 'shout', 'wake up')
  await cluster.advance(4_900)
  assert.deepEqual(heard('b'), [])
  await cluster.advance(200)
  assert.deepEqual(heard('b'), ['nodes/a/agents/talker wake up'])
  await cluster.kill('b')
  say('a', 'shout', 'into the void')
  await cluster.advance(100)
  assert.throws(() => cluster.node('b').box, { code: 'SBX_AGENT_INVALID' })
  await cluster.start('b')
  await cluster.advance(100)
  assert.deepEqual(heard('b'), [])
  assert.equal(cluster.node('b').life, 2)
  const { clusterNode } = cluster.node('b').plane.control.report!('talker') as { clusterNode: { incarnation: number } }
  assert.equal(clusterNode.incarnation, 1_000_001)
})

test('starve() gives a node its part of the time, skewClock() moves its wall clock and nothing else', async t => {
  const { cluster, say, heard } = await talkersOf(t, 2)
  cluster.starve('a', 10)
  cluster.skewClock('b', 3_600_000)
  say('b', 'shout', 'late')
  await cluster.advance(1_700)
  assert.deepEqual(heard('a'), [])
  await cluster.advance(200)
  assert.deepEqual(heard('a'), ['nodes/b/agents/talker late'])
  const [, time] = /"time":"([^"]+)","type":"signalbox.test.shouted"/.exec(cluster.node('b').plane.journal.toJsonl())!
  const aheadMs = Date.parse(time!) - cluster.node('a').clock.wallMs() + 1_900
  assert.ok(Math.abs(aheadMs - 3_600_000) < 100, `${aheadMs}`)
})

test('all nodes agree through one store; who is cut off from it is out of the registry, and registers anew when it is back', async t => {
  const { cluster } = await talkersOf(t, 2)
  const isRegistered = (node: string): boolean =>
    (cluster.node(node).plane.control.report!('talker') as { registration: unknown }).registration !== null
  await cluster.advance(6_000)
  assert.deepEqual(['a', 'b'].map(isRegistered), [true, true])
  cluster.partition([['b'], ['store']])
  await cluster.advance(15_000)
  assert.deepEqual(['a', 'b'].map(isRegistered), [true, false])
  cluster.heal()
  await cluster.advance(7_000)
  assert.deepEqual(['a', 'b'].map(isRegistered), [true, true])
})

test('one seed, one run: two clusters that are told the same do the same', async t => {
  const run = async (seed: number): Promise<string> => {
    const { cluster, say } = await talkersOf(t, 3, { seed })
    cluster.network.changeAll({ loss: 0.3 })
    for (let i = 0; i < 50; i++) {
      say('abc'[i % 3]!, 'shout', `${i}`)
      await cluster.advance(20)
    }
    return cluster.names.map(node => cluster.node(node).plane.journal.toJsonl()).join()
  }
  const one = await run(5)
  assert.equal(await run(5), one)
  assert.notEqual(await run(6), one)
})
