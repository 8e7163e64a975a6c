import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Piscina } from 'piscina'
import { type Box, createSignalbox } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'
import { RouterThread } from '../support/router-thread.ts'

const CONFIG = {
  services: { api: { endpoints: ['a', 'b'].map(id => ({ id, url: `http://${id}.test` })) } },
}

function inflight(box: Box): number {
  return box.explain('api').endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
}

test('a thread attaches by workerData', async () => {
  const box = await createSignalbox(CONFIG)
  const thread = await RouterThread.start(box.handle)
  assert.deepEqual(new Set(await thread.picks(100)), new Set(['a', 'b']))
  await thread.end('return')
  await box.close()
})

test('a thread attaches without wiring, by its environment data', async () => {
  const box = await createSignalbox(CONFIG)
  const thread = await RouterThread.start()
  assert.deepEqual(new Set(await thread.picks(100)), new Set(['a', 'b']))
  await thread.end('return')
  await box.close()
})

test('every thread sees what all have in flight', async () => {
  const box = await createSignalbox(CONFIG)
  const threads = await Promise.all([RouterThread.start(box.handle), RouterThread.start(box.handle)])
  await threads[0].hold(3)
  await threads[1].hold(4)
  box.router('api').pick()
  // Least request over one view: eight requests, four on each, whoever sent them.
  assert.deepEqual(
    box.explain('api').endpoints.map(endpoint => endpoint.inflight),
    [4, 4],
  )
  for (const thread of threads) await thread.end('return')
  await box.close()
})

for (const how of ['return', 'exit', 'throw'] as const) {
  test(`a thread that ends by ${how} gives back what it has in flight, unwatched`, async () => {
    const box = await createSignalbox(CONFIG, { capacity: { seats: 2 } })
    const thread = await RouterThread.start(box.handle)
    await thread.hold(5)
    assert.equal(inflight(box), 5)
    await thread.end(how)
    assert.equal(inflight(box), 0)
    const next = await RouterThread.start(box.handle)
    assert.equal((await next.picks(1)).length, 1, 'its seat is free again')
    await next.end('return')
    await box.close()
  })
}

test('box.watch() gives back what a terminated thread has in flight, and its seat', async () => {
  const box = await createSignalbox(CONFIG, { capacity: { seats: 2 } })
  const thread = await RouterThread.start(box.handle)
  box.watch(thread.worker)
  await thread.hold(5)
  assert.equal(inflight(box), 5)
  await thread.end('terminate')
  await eventually('it is given back', () => inflight(box) === 0)
  const next = await RouterThread.start(box.handle)
  await next.end('return')
  await box.close()
})

test('box.watch() of a thread that ended leaves the others what they have', async () => {
  const box = await createSignalbox(CONFIG)
  const [gone, stays] = await Promise.all([RouterThread.start(box.handle), RouterThread.start(box.handle)])
  box.watch(gone.worker)
  await stays.hold(2)
  await gone.hold(3)
  await gone.end('terminate')
  await eventually('it is given back', () => inflight(box) === 2)
  await stays.end('return')
  await box.close()
})

test('threads go on routing by the last tables after the box was closed', async () => {
  const box = await createSignalbox(CONFIG)
  const thread = await RouterThread.start(box.handle)
  await box.close()
  assert.deepEqual(new Set(await thread.picks(100)), new Set(['a', 'b']))
  await thread.end('return')
})

test('a thread that finds every seat taken is told so', async () => {
  const box = await createSignalbox(CONFIG, { capacity: { seats: 1 } })
  await assert.rejects(RouterThread.start(box.handle), { code: 'SBX_REGION_SEATS_TAKEN' })
  await box.close()
})

test('a Piscina worker attaches by the environment and by a handle in each task, in one seat', async () => {
  const box = await createSignalbox(CONFIG, { capacity: { seats: 3 } })
  const filename = new URL('../support/routing-task.js', import.meta.url).href
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 })
  pool.on('error', error => assert.fail(String(error)))
  assert.deepEqual(new Set(await pool.run({ times: 50 })), new Set(['a', 'b']))
  for (let task = 0; task < 5; task++) {
    assert.equal((await pool.run({ handle: box.handle, times: 10 })).length, 10)
  }
  box.service('api').quarantine('a')
  assert.deepEqual(new Set(await pool.run({ handle: box.handle, times: 50 })), new Set(['b']))
  await pool.destroy()
  await box.close()
})
