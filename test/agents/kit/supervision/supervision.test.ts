import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Forest, root, supervisor, thread } from './forest.ts'

const ABC = [thread('a'), thread('b'), thread('c')]

/** A tree that runs, and whose log begins here. */
function grown(...args: ConstructorParameters<typeof Forest>): Forest {
  const forest = new Forest(...args).take({ event: 'boot' }).pass(1_000)
  assert.equal(forest.state.stage, 'up')
  forest.news()
  return forest
}

test('a tree starts in order, each when the one before runs, and stops in reverse, each when the one after is gone', () => {
  const forest = new Forest(root(ABC)).take({ event: 'boot' })
  assert.deepEqual(forest.news(), ['start a'])
  assert.deepEqual(forest.pass(29).news(), [])
  assert.deepEqual(forest.pass(1).news(), ['start b'])
  assert.deepEqual(forest.pass(100).news(), ['start c', 'booted'])
  forest.take({ event: 'close' })
  assert.deepEqual(forest.news(), ['stop c'])
  assert.deepEqual(forest.pass(100).news(), ['stop b', 'stop a', 'closed'])
  assert.equal(forest.state.stage, 'closed')
})

test('a child that cannot be started aborts the boot with the reason, and those before it are stopped', () => {
  const startFault = (id: string) => (id === 'c' ? 'no such module' : undefined)
  const forest = new Forest(root(ABC), { startFault }).take({ event: 'boot' }).pass(1_000)
  const stopped = ['boot failed at c: no such module', 'stop b', 'stop a', 'closed']
  assert.deepEqual(forest.news(), ['start a', 'start b', 'start c', ...stopped])
})

test('nothing is started below a supervisor that stops', () => {
  const startFault = (id: string) => (id === 'b' ? 'no such module' : undefined)
  const groups = ['a', 'b'].map(id => supervisor(`group ${id}`, [thread(id)], { onGiveUp: 'rest' }))
  const forest = new Forest(root(groups), { startFault }).take({ event: 'boot' }).pass(1_000)
  assert.deepEqual(forest.news(), ['start a', 'start b', 'boot failed at b: no such module', 'stop a', 'closed'])
})

test('a child that does not start is ended after ten seconds, and that is a failed start', () => {
  const forest = new Forest(root(ABC), { startMs: id => (id === 'b' ? 1e9 : 30) }).take({ event: 'boot' })
  assert.deepEqual(forest.pass(10_029).news(), ['start a', 'start b'])
  assert.deepEqual(forest.pass(100).news(), [
    'end b',
    'boot failed at b: it has not started within 10000 ms',
    'stop a',
    'closed',
  ])
})

test('close() while it boots says that the boot failed', () => {
  const forest = new Forest(root(ABC)).take({ event: 'boot' }).pass(40).take({ event: 'close' }).pass(100)
  assert.deepEqual(forest.news().slice(2), [
    'boot failed at root: the box was closed meanwhile',
    'stop b',
    'stop a',
    'closed',
  ])
})

test('one-for-one: the end of one concerns no other', () => {
  const forest = grown(root(ABC)).crash('b').pass(20)
  assert.deepEqual(forest.news(), ['restart b', 'start b'])
  assert.deepEqual(forest.running, ['a', 'c'])
})

test('rest-for-one: those that started after it stop, the last first, and all of them start in order', () => {
  const forest = grown(root(ABC, { strategy: 'rest-for-one' })).crash('b')
  assert.deepEqual(forest.news(), ['restart b', 'stop c'])
  assert.deepEqual(forest.pass(100).news(), ['start b', 'start c'])
  forest.crash('a')
  assert.deepEqual(forest.pass(300).news(), ['restart a', 'stop c', 'stop b', 'start a', 'start b', 'start c'])
})

test('one-for-all: all others stop, the last first, and all start in order', () => {
  const forest = grown(root(ABC, { strategy: 'one-for-all' })).crash('b')
  assert.deepEqual(forest.pass(300).news(), ['restart b', 'stop c', 'stop a', 'start a', 'start b', 'start c'])
})

test('who falls while it waits to be stopped with the others is not counted twice', () => {
  const forest = grown(root(ABC, { strategy: 'one-for-all' }))
    .crash('a')
    .crash('b')
  assert.deepEqual(forest.pass(300).news(), ['restart a', 'stop c', 'start a', 'start b', 'start c'])
})

test('permanent is always restarted, transient after a fault, temporary never', () => {
  const forest = grown(
    root([thread('p'), thread('t', { restart: 'transient' }), thread('x', { restart: 'temporary' })]),
  )
  forest.crash('p', false)
  assert.deepEqual(forest.pass(100).news(), ['restart p', 'start p'])
  forest.crash('t')
  assert.deepEqual(forest.pass(100).news(), ['restart t', 'start t'])
  forest.crash('t', false).crash('x')
  assert.deepEqual(forest.pass(100_000).news(), ['stays-down t', 'stays-down x'])
  assert.deepEqual(forest.running, ['p'])
})

test('a temporary one that is stopped with the others stays down, a transient one that had ended comes back with them', () => {
  const children = [thread('a'), thread('t', { restart: 'transient' }), thread('x', { restart: 'temporary' })]
  const forest = grown(root(children, { strategy: 'one-for-all' }))
    .crash('t', false)
    .crash('a')
    .pass(300)
  assert.deepEqual(forest.news(), ['stays-down t', 'restart a', 'stop x', 'start a', 'start t'])
})

test('the fourth restart within five seconds is one too many, whichever child it is: all stop, and it is tried again', () => {
  const forest = grown(root(ABC))
  for (const id of ['a', 'b', 'c']) forest.crash(id).pass(500)
  assert.deepEqual(forest.running.toSorted(), ['a', 'b', 'c'])
  forest.news()
  forest.crash('a')
  assert.deepEqual(forest.pass(100).news(), ['root gave up and rests', 'stop c', 'stop b'])
  assert.deepEqual(forest.pass(7_800).news(), [], '10 s − 20 % at least')
  const again = ['tried-again root', 'start a', 'start b', 'start c']
  assert.deepEqual(forest.pass(4_300).news(), again, '10 s + 20 % at most')
  // Three restarts that are five seconds apart from the next are no reason.
  for (const id of ['a', 'b', 'c', 'a', 'b', 'c']) forest.pass(2_500).crash(id)
  assert.ok(
    !forest
      .pass(1_000)
      .news()
      .some(line => line.includes('gave up')),
  )
})

test('a rest that did not help is followed by one twice as long, up to five minutes, and begins anew after a healthy minute', () => {
  const forest = grown(root([thread('a')]))
  const fail = () => {
    for (let i = 0; i < 4; i++) forest.crash('a').pass(300)
  }
  const rests: number[] = []
  for (let i = 0; i < 7; i++) {
    fail()
    const since = forest.now
    while (forest.running.length === 0) forest.pass(100)
    rests.push((forest.now - since) / 1_000)
  }
  const expected = [10, 20, 40, 80, 160, 300, 300]
  for (const [i, rest] of rests.entries()) {
    assert.ok(Math.abs(rest / expected[i]! - 1) < 0.25, `${rest} s is ${expected[i]} ± 20 %`)
  }
  forest.pass(60_000)
  fail()
  assert.ok(forest.pass(12_500).running.length === 1)
})

test('the wait before a restart is up to 20 ms, then 50, 100, 200 … 10,000 ms ± 20 %, and short again after a healthy minute', () => {
  const forest = grown(root([thread('a')], { restarts: 1_000 }))
  for (let i = 0; i < 11; i++) forest.crash('a').pass(15_000)
  const delays = forest.restarts.map(({ delayMs }) => delayMs)
  assert.ok(delays.shift()! < 20)
  const expected = [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]
  for (const [i, delay] of delays.entries()) {
    assert.ok(Math.abs(delay - expected[i]!) <= expected[i]! * 0.2, `${delays}`)
  }
  forest.pass(60_000).crash('a')
  assert.ok(forest.restarts.at(-1)!.delayMs < 20)
})

test('who does not stop in time is ended, and only then the next one stops', () => {
  const forest = grown(root(ABC), { stopMs: id => (id === 'b' ? 1e9 : 5) }).take({ event: 'close' })
  assert.deepEqual(forest.pass(1_004).news(), ['stop c', 'stop b'])
  assert.deepEqual(forest.pass(100).news(), ['late-stop b', 'end b', 'stop a', 'closed'])
})

test('who hangs is ended and restarted; who has outgrown its room is stopped first; who is renewed has not failed', () => {
  const forest = grown(root(ABC))
  forest.take({ event: 'convicted', id: 'a', reason: 'it hangs' })
  assert.deepEqual(forest.pass(100).news(), ['end a', 'restart a', 'start a'])
  forest.take({ event: 'outgrown', id: 'b', reason: 'too large' })
  assert.deepEqual(forest.pass(100).news(), ['restart b', 'stop b', 'start b'])
  for (let i = 0; i < 10; i++) forest.take({ event: 'renewed', id: 'c', reason: 'config' }).pass(100)
  assert.deepEqual(forest.news(), Array(10).fill(['renewal c', 'stop c', 'start c']).flat())
  assert.equal(forest.restarts.length, 2)
})

test('a supervisor that gives up stops its children, and is one failure of a child in the one above', () => {
  const health = supervisor('health', [thread('a'), thread('b')])
  const forest = grown(root([health, thread('c')], { strategy: 'rest-for-one' }))
  for (let i = 0; i < 3; i++) forest.crash('b').pass(300)
  forest.news()
  forest.crash('b')
  const given = ['health gave up', 'stop a', 'restart health', 'stop c']
  assert.deepEqual(forest.pass(300).news(), [...given, 'start a', 'start b', 'start c'])
  assert.equal(forest.restarts.filter(({ id }) => id === 'health').length, 1)
})

test('what fails too often below fails too often above, and the root rests', () => {
  const forest = grown(root([supervisor('health', [thread('a')]), thread('c')]))
  for (let i = 0; i < 16; i++) forest.crash('a').pass(300)
  const gaveUp = forest.news().filter(line => line.includes('gave up'))
  assert.deepEqual(gaveUp, [
    'health gave up',
    'health gave up',
    'health gave up',
    'health gave up',
    'root gave up and rests',
  ])
  assert.deepEqual(forest.running, [])
  assert.deepEqual(forest.pass(12_300).running.toSorted(), ['a', 'c'])
})

test('a group that rests leaves the others alone', () => {
  const group = (id: string) => supervisor(`group ${id}`, [thread(id)], { onGiveUp: 'rest' })
  const forest = grown(root(['a', 'b'].map(group)))
  for (let i = 0; i < 4; i++) forest.crash('a').pass(300)
  assert.deepEqual(forest.running, ['b'])
  forest.crash('b').pass(300)
  assert.deepEqual(forest.running, ['b'])
  forest.take({ event: 'close' }).pass(100)
  assert.equal(forest.state.stage, 'closed', 'one that rests is no reason to wait')
})

test('a restart that does not come to run is counted like any other, and after a rest it makes for a longer one', () => {
  let isBroken = false
  const forest = grown(root([thread('a')]), { startFault: () => (isBroken ? 'no such module' : undefined) })
  isBroken = true
  forest.crash('a').pass(1_000)
  const restarts = Array(3).fill(['restart a', 'start a']).flat()
  assert.deepEqual(forest.news(), [...restarts, 'root gave up and rests'])
  assert.deepEqual(forest.pass(12_300).news(), ['tried-again root', 'start a', 'root gave up and rests'])
  isBroken = false
  assert.deepEqual(forest.pass(15_000).running, [])
  assert.deepEqual(forest.pass(9_300).running, ['a'])
})

test('an agent whose parent dies stops until it is back, or goes on as an orphan, or goes on and is told', () => {
  const child = (id: string, onDeath: 'stop' | 'continue' | 'tell') => thread(id, { parent: { id: 'p', onDeath } })
  const forest = grown(root([thread('p'), child('s', 'stop'), child('c', 'continue'), child('t', 'tell')]))
  forest.crash('p')
  const fell = ['orphan c', 'orphan t is told', 'restart p', 'stop s']
  assert.deepEqual(forest.news(), fell)
  assert.deepEqual(forest.running, ['c', 't'])
  assert.deepEqual(forest.pass(120).news(), ['start p', 'start s'])
  assert.deepEqual(forest.running.toSorted(), ['c', 'p', 's', 't'])
  assert.equal(forest.restarts.length, 1, 'to be stopped with a parent is no failure')
  assert.ok(
    !forest
      .take({ event: 'close' })
      .pass(300)
      .news()
      .some(line => line.startsWith('orphan')),
  )
})
