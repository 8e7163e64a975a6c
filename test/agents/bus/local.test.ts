import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { LocalBus } from '../../../agents/bus/local.ts'
import type { Signal } from '../../../agents/kit/grammar/signal.ts'
import { eventually } from '../../support/eventually.ts'

const signal = (data: unknown, type = 'signalbox.test.told'): Signal => {
  return { id: '1', specversion: '1.0', type, source: '/test', time: '', data }
}

/** Two buses with a link between them. */
function pair(t: TestContext, listens: string[] = ['signalbox.test.told'], room = 8) {
  const heard: unknown[] = []
  const left = new LocalBus([], () => {}, room)
  const right = new LocalBus(listens, ({ data }) => heard.push(data), room)
  const relink = (): void => {
    const { port1, port2 } = new MessageChannel()
    left.link('right', port1)
    right.link('left', port2)
  }
  relink()
  t.after(() => {
    left.close()
    right.close()
  })
  return { left, right, heard, relink }
}

test('LocalBus carries signals in order', async t => {
  const { left, heard } = pair(t, undefined, 100)
  for (let i = 0; i < 50; i++) left.send(signal(i), false)
  await eventually('all are heard', () => heard.length === 50)
  assert.deepEqual(
    heard,
    Array.from({ length: 50 }, (_, i) => i),
  )
})

test('LocalBus spares a peer what it does not listen to, once it has said so', async t => {
  const { left, heard } = pair(t, ['signalbox.test.told'])
  left.send(signal('sync'), false)
  await eventually('the peers have met', () => heard.length === 1)
  for (let i = 0; i < 100; i++) left.send(signal(i, 'signalbox.test.ignored'), false)
  assert.equal(left.dropped, 0)
})

test('LocalBus never lets more wait for a peer than it has room for, less of telemetry, and counts the rest', async t => {
  const { left, heard } = pair(t)
  // Nothing is taken before this thread comes round to its event loop: the peer hangs, as far as the sender can see.
  for (let i = 0; i < 10; i++) left.send(signal(i), true)
  assert.equal(left.dropped, 6, 'telemetry has half of the room of 8')
  for (let i = 0; i < 10; i++) left.send(signal(`fact ${i}`), false)
  assert.equal(left.dropped, 12, 'facts have the other half')
  await eventually('what had room is heard', () => heard.length === 8)
  await eventually('there is room again', () => {
    const before = left.dropped
    left.send(signal('again'), true)
    return left.dropped === before
  })
})

test('LocalBus sends on a new link after its peer was restarted', async t => {
  const { left, heard, relink } = pair(t)
  for (let i = 0; i < 20; i++) left.send(signal('lost'), false)
  relink()
  left.send(signal('found'), false)
  await eventually('it is heard', () => heard.includes('found'))
  assert.deepEqual(left.peers, ['right'])
})

test('LocalBus forgets a peer whose port is closed', async t => {
  const { left, right } = pair(t)
  right.close()
  await eventually('it is forgotten', () => left.peers.length === 0)
  left.send(signal('into the void'), false)
})
