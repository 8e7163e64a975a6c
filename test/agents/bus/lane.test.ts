import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { LANE_BYTES } from '../../../agents/bus/lane.ts'
import { LocalBus } from '../../../agents/bus/local.ts'
import type { Signal } from '../../../agents/kit/grammar/signal.ts'
import { eventually } from '../../support/eventually.ts'

const TOLD = 'signalbox.test.told'
const MEASURED = 'signalbox.test.measured'

const signal = (data: unknown, type = MEASURED): Signal => {
  return { id: '1', specversion: '1.0', type, source: '/test', time: '', data }
}

/** Two buses that have met; `posted` are the parcels that went from left to right since. */
async function pair(t: TestContext) {
  const heard: unknown[] = []
  const left = new LocalBus([TOLD], () => {})
  const right = new LocalBus([TOLD, MEASURED], ({ data }) => heard.push(data))
  const { port1, port2 } = new MessageChannel()
  const posted: unknown[] = []
  const post = port1.postMessage.bind(port1)
  port1.postMessage = (parcel: unknown) => {
    posted.push(parcel)
    post(parcel)
  }
  left.link('right', port1)
  right.link('left', port2)
  t.after(() => {
    left.close()
    right.close()
  })
  // Who has said what it listens to is spared the rest.
  await eventually('they have met', () => {
    posted.length = 0
    left.send(signal('in vain', 'signalbox.test.ignored'), false)
    return posted.length === 0
  })
  left.send(signal('first'), true)
  await eventually('the lane is in use', () => heard.includes('first'))
  heard.length = posted.length = 0
  return { left, right, heard, posted }
}

const numbers = (length: number): unknown[] => Array.from({ length }, (_, i) => i)

test('telemetry is heard in order, and a burst of it costs one nudge', async t => {
  const { left, heard, posted } = await pair(t)
  for (const i of numbers(1_000)) left.send(signal(i), true)
  await eventually('all are heard', () => heard.length === 1_000)
  assert.deepEqual(heard, numbers(1_000))
  assert.deepEqual([posted, left.dropped], [[0], 0])
  left.send(signal('again'), true)
  await eventually('it is heard', () => heard.includes('again'))
  assert.equal(posted.length, 2, 'who dozes again is nudged again')
})

test('telemetry that was sent before a fact is heard before it', async t => {
  const { left, heard } = await pair(t)
  for (let i = 0; i < 100; i++) left.send(signal(i, i % 10 === 9 ? TOLD : MEASURED), i % 10 !== 9)
  await eventually('all are heard', () => heard.length === 100)
  for (let fact = 9; fact < 100; fact += 10) {
    const before = new Set(heard.slice(0, heard.indexOf(fact)))
    assert.ok(
      numbers(fact).every(each => before.has(each)),
      `${heard}`,
    )
  }
})

test('telemetry that finds the ring full is lost and counted, and the ring takes more when it was read', async t => {
  const { left, heard } = await pair(t)
  const text = 'x'.repeat(1_000)
  for (const i of numbers(1_000)) left.send(signal({ i, text }), true)
  const dropped = left.dropped
  assert.ok(dropped > 400 && dropped < 1_000, `${dropped}`)
  await eventually('what had room is heard', () => heard.length === 1_000 - dropped)
  assert.ok(heard.length * 1_000 < LANE_BYTES)
  left.send(signal('again'), true)
  await eventually('there is room again', () => heard.includes('again'))
  assert.equal(left.dropped, dropped)
})

test('telemetry that is not plain, or too long for the ring, goes by port', async t => {
  const { left, heard } = await pair(t)
  left.send(signal(new Map([[1, 2]])), true)
  left.send(signal('x'.repeat(100_000)), true)
  await eventually('both are heard', () => heard.length === 2)
  assert.deepEqual(heard[0], new Map([[1, 2]]))
})

test('what a peer wrote before it ended is heard, though it sent no word of it', async t => {
  const { left, heard, posted } = await pair(t)
  left.send(signal('nudged'), true)
  left.send(signal('last'), true)
  // The nudge is lost with the port, as when a thread dies.
  assert.equal(posted.length, 1)
  left.close()
  await eventually('both are heard', () => heard.length === 2)
})
