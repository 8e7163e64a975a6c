import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SupervisorNode, ThreadNode } from '../../../../agents/kit/supervision/supervision.ts'
import type { SupervisorSpec } from '../../../../agents/kit/supervision/supervision-tree.ts'
import { Forest, root, supervisor, thread } from './forest.ts'

const MINUTES = 10
const KILLS = 1_000

/** Nine threads in five supervisors of all strategies, nested, resting and escalating. */
function tree(more: Partial<SupervisorSpec>): SupervisorSpec {
  const health = supervisor('health', [thread('monitor'), thread('detector')], { onGiveUp: 'rest', ...more })
  const deep = supervisor('deep', [thread('d1'), thread('d2')], { strategy: 'one-for-all', ...more })
  const rest = [thread('r1'), thread('r2'), deep, thread('r3', { parent: { id: 'r1', onDeath: 'stop' } })]
  const ordered = supervisor('ordered', rest, { strategy: 'rest-for-one', onGiveUp: 'rest', ...more })
  const balancer = supervisor('prediction', [thread('balancer')], { onGiveUp: 'rest', ...more })
  return root([health, ordered, balancer, thread('single')], more)
}

/** A thousand kills at random moments of ten minutes, of whoever runs; after each event everything that must hold is looked at. */
function play(seed: number, more: Partial<SupervisorSpec> = {}): { forest: Forest; kills: number } {
  const spec = tree(more)
  const onStart = (id: string): void => checkOrder(forest, id)
  const forest: Forest = new Forest(spec, { startMs: id => 20 + (id.length % 3) * 40, onStart }, seed)
  forest.take({ event: 'boot' }).pass(2_000)
  assert.equal(forest.state.stage, 'up')
  const supervisors = [...forest.state.places.values()].flatMap(({ spec }) =>
    spec.kind === 'supervisor' ? [spec] : [],
  )
  const beginMs = forest.now
  let kills = 0
  for (let kill = 0; kill < KILLS; kill++) {
    forest.pass(Math.round(((MINUTES * 60_000) / KILLS) * 2 * forest.roll()))
    const { running } = forest
    const id = running[Math.floor(forest.roll() * running.length)]
    if (id === undefined) continue
    kills++
    const event = (['ended', 'convicted', 'outgrown', 'renewed'] as const)[Math.floor(forest.roll() * 4)]!
    if (event === 'ended') forest.crash(id)
    else forest.take({ event, id, reason: 'the drill' })
    for (const each of supervisors) check(forest, each)
  }
  assert.ok(Math.abs((forest.now - beginMs) / 60_000 / MINUTES - 1) < 0.1, 'ten minutes have passed')
  return { forest, kills }
}

/** That each thread runs at most once, and that who is there is there, the forest sees to itself. */
function check(forest: Forest, spec: SupervisorSpec): void {
  const { nodes } = forest.state
  const node = nodes.get(spec.id) as SupervisorNode
  const inWindow = node.recent.filter(at => forest.now - at < spec.withinMs)
  assert.ok(inWindow.length <= spec.restarts, `${spec.id} restarts ${inWindow.length} times in five seconds`)
  if (node.phase === 'resting') {
    assert.ok(node.restedMs - forest.now <= 360_000, 'five minutes + 20 % at most')
    for (const child of spec.children) assert.equal(nodes.get(child.id)!.phase, 'down', `${child.id} rests too`)
  }
  if (node.phase !== 'running') return
  for (const child of spec.children) {
    const { phase, notBeforeMs } = nodes.get(child.id) as ThreadNode
    if (phase === 'down') assert.ok(notBeforeMs - forest.now <= 12_000, `${child.id} is away 10 s + 20 % at most`)
  }
}

/** Of those that start in order nobody starts before the one before it runs; who waits for his parent keeps nobody waiting. */
function checkOrder(forest: Forest, id: string): void {
  const { nodes, places } = forest.state
  const above = places.get(id)!.above!
  if (above.strategy === 'one-for-one') return
  const before = above.children.slice(
    0,
    above.children.findIndex(child => child.id === id),
  )
  for (const { id: other } of before) {
    if (other !== 'r3') assert.equal(nodes.get(other)!.phase, 'running', `${id} starts after ${other}`)
  }
}

/** That all come back when nobody kills any more, after the longest rest with its jitter, and that they then can be stopped. */
function end(forest: Forest): void {
  forest.pass(361_000)
  assert.equal(forest.running.length, 9)
  forest.take({ event: 'close' }).pass(60_000)
  assert.equal(forest.state.stage, 'closed')
  assert.equal(forest.alive.size, 0)
}

test('a thousand kills in ten minutes: nobody runs twice, order is kept, and all come back', t => {
  for (const seed of [1, 2, 3]) {
    const { forest, kills } = play(seed, { restarts: KILLS, backOffMsMax: 200 })
    t.diagnostic(`seed ${seed}: ${kills} kills, ${forest.restarts.length} restarts`)
    // A quarter of the kills are renewals, which are not counted; and of what is to go anyway no kill is.
    assert.ok(kills > KILLS * 0.99 && forest.restarts.length > KILLS * 0.6, `${kills}, ${forest.restarts.length}`)
    assert.ok(!forest.log.some(line => line.includes('gave up')))
    end(forest)
  }
})

test('as many where three in five seconds are enough: no supervisor restarts more, those that gave up come back', t => {
  for (const seed of [1, 2, 3]) {
    const { forest, kills } = play(seed)
    const gaveUp = forest.log.filter(line => line.includes('gave up')).length
    t.diagnostic(
      `seed ${seed}: ${kills} kills of who ran, ${forest.restarts.length} restarts, ${gaveUp} times given up`,
    )
    assert.ok(forest.restarts.length > 100 && gaveUp > 5, `${forest.restarts.length} restarts, ${gaveUp} given up`)
    end(forest)
  }
})

test('the same seed plays the same ten minutes', () => {
  assert.deepEqual(play(7).forest.log, play(7).forest.log)
})

test('the checks see a thread that is started twice, and a supervisor that restarts too often', () => {
  const forest = new Forest(root([thread('a')])).take({ event: 'boot' }).pass(100)
  const { nodes } = forest.state
  assert.throws(() => {
    const broken = new Map(nodes).set('a', { ...nodes.get('a')!, phase: 'down' } as ThreadNode)
    forest.state = { ...forest.state, nodes: broken }
    forest.take({ event: 'due' })
  }, /a runs once/)
  const often = new Map(nodes).set('root', {
    ...nodes.get('root')!,
    recent: [1, 2, 3, 4].map(() => forest.now),
  } as SupervisorNode)
  forest.state = { ...forest.state, nodes: often }
  assert.throws(() => check(forest, forest.state.root), /restarts 4 times/)
})
