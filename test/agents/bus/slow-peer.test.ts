import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { LANE_BYTES } from '../../../agents/bus/lane.ts'
import { LINK_SIGNALS, LocalBus } from '../../../agents/bus/local.ts'
import { eventually } from '../../support/eventually.ts'
import { BLOCK, BLOCKED, FACTS, MEASURED, READINGS, TOLD } from './peer-thread.ts'

const ROUNDS = 30
const FACTS_A_ROUND = 100
const READINGS_A_ROUND = 50
/** Every signal carries so much that 1,500 readings are more than the ring takes. */
const TEXT = 'x'.repeat(500)

function peer(t: TestContext, bus: LocalBus, name: string): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(64))
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./peer-thread.js', import.meta.url), {
    workerData: { port: port2, words },
    transferList: [port2],
  })
  t.after(() => worker.terminate())
  bus.link(name, port1)
  return words
}

/** Sends to two peers of which one stands in a loop; says what both heard, and what the sender dropped. */
async function story(t: TestContext, room?: number) {
  const bus = new LocalBus([], () => {}, room)
  t.after(() => bus.close())
  const send = (type: string, isTelemetry = false): void => {
    const data = { text: TEXT }
    bus.send({ id: '1', specversion: '1.0', type, source: '/test', time: '', data }, isTelemetry)
  }
  const slow = peer(t, bus, 'slow')
  send(BLOCKED)
  await eventually('one peer stands in a loop', () => Atomics.load(slow, BLOCK) === 1)
  const other = peer(t, bus, 'other')
  await eventually('the other one hears readings through its ring', () => {
    send(MEASURED, true)
    return Atomics.load(other, READINGS) > 0
  })
  for (let round = 1; round <= ROUNDS; round++) {
    const before = Atomics.load(other, READINGS)
    for (let i = 0; i < FACTS_A_ROUND; i++) send(TOLD)
    for (let i = 0; i < READINGS_A_ROUND; i++) send(MEASURED, true)
    await eventually('the other peer has heard the round', () => {
      const heard = Atomics.load(other, READINGS) - before
      return Atomics.load(other, FACTS) === round * FACTS_A_ROUND && heard >= READINGS_A_ROUND
    })
  }
  assert.equal(Atomics.load(slow, BLOCK), 1, 'all the while the slow one has heard nothing')
  assert.equal(Atomics.load(slow, FACTS) + Atomics.load(slow, READINGS), 0)
  Atomics.store(slow, BLOCK, 2)
  const sentFacts = ROUNDS * FACTS_A_ROUND
  const dropped = bus.dropped
  // A fact is the last thing that had room, or else there is room for one now.
  let heard = -1
  await eventually('the slow one has heard what waited for it', async () => {
    const now = Atomics.load(slow, FACTS) + Atomics.load(slow, READINGS)
    const isQuiet = now === heard && now > 0
    heard = now
    await new Promise(resolve => setTimeout(resolve, 100))
    return isQuiet
  })
  return { facts: Atomics.load(slow, FACTS), readings: Atomics.load(slow, READINGS), sentFacts, dropped }
}

test('a peer that stands in a loop keeps nobody waiting, and what waits for it is bounded', async t => {
  const { facts, readings, sentFacts, dropped } = await story(t)
  // The order to block is one of the signals on their way, until it is taken.
  assert.ok(facts > 0 && facts <= LINK_SIGNALS, `${facts} facts waited`)
  assert.ok(
    readings > 0 && readings * TEXT.length < LANE_BYTES + LINK_SIGNALS * TEXT.length,
    `${readings} readings waited`,
  )
  assert.ok(dropped >= sentFacts - facts, `${dropped} were dropped`)
})

test('… and would not be, without a bound on what is on its way', async t => {
  const { facts, sentFacts } = await story(t, Number.POSITIVE_INFINITY)
  assert.equal(facts, sentFacts)
  assert.ok(facts > LINK_SIGNALS)
})
