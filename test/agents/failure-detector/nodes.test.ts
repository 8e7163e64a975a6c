import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureDetector } from '../../../agents/failure-detector/agent.ts'
import { watchSettingsOf } from '../../../agents/failure-detector/nodes/settings.ts'
import { silencesRead } from '../../../agents/failure-detector/nodes/signals.ts'
import { nodeWatch } from '../../../agents/failure-detector/nodes/watch.ts'
import type { WatchOptions } from '../../../agents/failure-detector/nodes/watch-state.ts'
import { newcomer } from '../../../agents/failure-detector/nodes/watched.ts'
import type { Setup } from '../../../agents/kit/grammar/agent.ts'
import { nodeBeat, nodeHealthChanged } from '../../../agents/signals/nodes.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import { watchedOf } from '../cluster/watched-cluster.ts'
import { checkTwoSkills } from '../skills/two-skills.ts'
import { Stage } from '../stage.ts'

test('each node hears each other within some beats, and nothing changes as long as nothing happens', async t => {
  const watched = await watchedOf(t, 3)
  await watched.cluster.advance(6_000)
  assert.deepEqual(watched.view('a'), ['b alive', 'c alive'])
  assert.deepEqual(watched.view('c'), ['a alive', 'b alive'])
  watched.mark()
  await watched.cluster.advance(30_000)
  assert.deepEqual(watched.changes(), [])
})

for (const [profile, from, to] of [
  ['default', 6_000, 10_000],
  ['fast', 500, 1_000],
] as const) {
  test(`a node that is killed is suspected and then dead, ${to / 1_000} s after with profile ${profile} (AG-6, ALG-25)`, async t => {
    const watched = await watchedOf(t, 5, { nodes: { profile } })
    await watched.cluster.advance(20_000)
    watched.mark()
    await watched.cluster.kill('e')
    await watched.cluster.advance(to)
    const dead = watched.told.filter(({ data }) => data.to === 'dead')
    t.diagnostic(dead.map(({ at, ms }) => `${at} ${Math.round(ms)} ms`).join(', '))
    assert.deepEqual(dead.map(({ at }) => at).sort(), ['a', 'b', 'c', 'd'])
    for (const { ms } of dead) assert.ok(ms >= from && ms <= to, `${ms} ms`)
    assert.deepEqual(watched.changes('a'), ['a: e alive → suspect', 'a: e suspect → dead'])
  })
}

test('a node that says goodbye has left and is not missed; in its next life it is alive again', async t => {
  const watched = await watchedOf(t, 3)
  await watched.cluster.advance(6_000)
  watched.mark()
  await watched.cluster.leave('c')
  await watched.cluster.advance(30_000)
  assert.deepEqual(watched.changes(), ['a: c alive → left', 'b: c alive → left'])
  await watched.cluster.start('c')
  await watched.cluster.advance(5_000)
  assert.deepEqual(watched.view('a'), ['b alive', 'c alive'])
  assert.deepEqual(watched.view('c'), ['a alive', 'b alive'])
})

test('a node that has been dead for an hour is forgotten, and told to have left', () => {
  const { agents } = validateConfig({ services: { api: {} } })
  const settings = watchSettingsOf(agents['failure-detector'].nodes)
  const watch = nodeWatch('w', { node: 'a', incarnation: 1, settings, seed: 1 })
  const looked = {
    id: 'x',
    specversion: '1.0',
    source: '/a',
    time: '',
    ...silencesRead.of({ silences: [], lateMs: 0 }),
  } as const
  const others = new Map([['b', newcomer('b', 'dead', 0)]])
  const start = { ...watch.start({} as Setup).state, others }
  const soon = watch.decide(start, looked, 3_599_000)
  assert.deepEqual([...soon.state.others.keys()], ['b'])
  const late = watch.decide(start, looked, 3_600_000)
  assert.deepEqual([...late.state.others.keys()], [])
  const told = late.directives
    .flatMap(each => (each.kind === 'emit' ? [each.draft] : []))
    .filter(({ type }) => type === nodeHealthChanged.type)
  assert.deepEqual(
    told.map(({ data }) => [(data as { from: string }).from, (data as { to: string }).to]),
    [['dead', 'left']],
  )
})

test('a node comes back in another life before it was missed, and its beats count anew', async t => {
  const watched = await watchedOf(t, 3)
  await watched.cluster.advance(6_000)
  const before = watched.watch('a').others.get('c')!.incarnation
  watched.mark()
  await watched.cluster.kill('c')
  await watched.cluster.start('c')
  await watched.cluster.advance(20_000)
  assert.deepEqual(watched.changes('a'), [])
  assert.ok(watched.watch('a').others.get('c')!.incarnation > before)
})

test('node-round-trip measures how long a message to each node and back takes (SE-2)', async t => {
  const watched = await watchedOf(t, 3)
  watched.cluster.network.change('a', 'b', { delayMs: 20 })
  watched.cluster.network.change('b', 'a', { delayMs: 30 })
  await watched.cluster.advance(60_000)
  const { b, c } = Object.fromEntries(watched.watch('a').others)
  // 20 there and 30 back; between a and c half a millisecond each.
  assert.ok(Math.abs(b!.roundTripMs! - 50) <= 1, `${b!.roundTripMs}`)
  assert.ok(c!.roundTripMs! <= 2, `${c!.roundTripMs}`)
})

test('node-silence reads how long each node is silent, and how surprising that is (SE-4)', async t => {
  const watched = await watchedOf(t, 3)
  await watched.cluster.advance(30_000)
  await watched.cluster.kill('b')
  const phis: number[] = []
  for (let i = 0; i < 10; i++) {
    await watched.cluster.advance(500)
    const { phi, silenceMs } = watched.watch('a').others.get('b')!
    phis.push(phi)
    assert.ok(silenceMs <= (i + 3) * 500, `${silenceMs} ms of silence`)
  }
  assert.ok(phis[0]! < 0.1, 'it may still come')
  assert.ok(phis.at(-1)! > 8, `${phis}`)
  assert.ok(
    phis.every((phi, i) => i === 0 || phi >= phis[i - 1]!),
    'it only grows',
  )
  assert.ok(watched.watch('a').others.get('c')!.phi < 0.1)
})

test('a node whose beats are suspected by another refutes with a greater incarnation, and holds it against itself', async t => {
  const watched = await watchedOf(t, 2)
  await watched.cluster.advance(10_000)
  const before = watched.watch('b').others.get('a')!.incarnation
  // Of two nodes nobody can help: b suspects a.
  watched.cluster.oneWay('a', 'b')
  let worst = 0
  for (let i = 0; i < 12; i++) {
    await watched.cluster.advance(500)
    worst = Math.max(worst, watched.watch('a').localHealth)
  }
  assert.deepEqual(watched.view('b'), ['a suspect'])
  assert.ok(worst >= 1)
  watched.cluster.heal()
  await watched.cluster.advance(2_000)
  assert.deepEqual(watched.view('b'), ['a alive'])
  assert.ok(watched.watch('b').others.get('a')!.incarnation > before)
})

test('a node that is alone watches nobody: no beat, no sensor, no skill', () => {
  const world = new Stage(failureDetector, {}, ['a']).start()
  assert.deepEqual(
    world.said.filter(line => line.startsWith('node')),
    [],
  )
})

test('two watches of one agent are two, and one that is unmounted hears nothing more', () => {
  const { agents } = validateConfig({ services: { api: {} } })
  const settings = watchSettingsOf(agents['failure-detector'].nodes)
  const options: WatchOptions = { node: 'a', incarnation: 1, settings, seed: 1 }
  const beat = nodeBeat.of({ node: 'b', incarnation: 1, rank: 0, hears: [], missing: [], more: 0 })
  checkTwoSkills(
    key => nodeWatch(key, options),
    beat,
    ({ others }) => [...others.keys()],
  )
})
