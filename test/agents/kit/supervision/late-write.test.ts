import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createSignalbox } from '../../../../engine/index.ts'
import { attach, createHeartbeats } from '../../../../engine/writer.ts'
import { eventually } from '../../../support/eventually.ts'

test('a thread that was declared dead and still runs writes no more: each try is refused and counted', async t => {
  const box = await createSignalbox({ services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } })
  const heartbeats = createHeartbeats(1)
  heartbeats.begin(0, 0, 1)
  const workerData = { handle: box.handle, heartbeats: heartbeats.buffer }
  const thread = new Worker(new URL('./late-write.thread.js', import.meta.url), { workerData })
  t.after(async () => {
    await thread.terminate()
    await box.close()
  })
  await once(thread, 'message')
  const plane = attach(box.handle)
  const { endpoints } = plane
  const [row] = plane.serviceTexts()[0]!.rows as [number]

  // The test has eyes: while the thread may write, what others write does not last.
  endpoints.setFactor(row, 1)
  await eventually('it overwrites what is not its own', () => endpoints.factor(row) === 0.5)
  assert.equal(heartbeats.refused(0), 0)

  heartbeats.revoke(0)
  await eventually('its tries are refused', () => heartbeats.refused(0) > 0)
  endpoints.setFactor(row, 1)
  const before = heartbeats.refused(0)
  await eventually('it has tried a thousand times more', () => heartbeats.refused(0) > before + 1_000)
  assert.equal(endpoints.factor(row), 1, 'and the table is as the others left it')

  // Whoever follows it may write, as the next incarnation.
  assert.equal(heartbeats.mayWrite(0, 2), true)
})
