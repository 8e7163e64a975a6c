import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trafficOf } from '../../engine/memory/traffic.ts'
import { eventually } from '../support/eventually.ts'
import { startOrigin, startRig } from './rig.ts'

test('the proxy counts bytes of bodies to and from each endpoint, and times answers of 64 KiB and more', async t => {
  const large = Buffer.alloc(512 * 1024, 'x')
  const origin = await startOrigin((request, response) => {
    request.resume().on('end', () => response.end(request.url === '/large' ? large : 'small'))
  })
  const rig = await startRig([origin.url])
  t.after(async () => {
    await rig.close()
    await origin.close()
  })
  const { region } = rig.box.attachment
  const row = rig.box.explain('api').endpoints[0]!.row
  const posted = await fetch(`${rig.url}/small`, { method: 'POST', body: 'y'.repeat(1_000) })
  assert.equal(await posted.text(), 'small')
  const small = await eventually('it is counted', () => {
    const traffic = trafficOf(region, row)
    return traffic.received === 0 ? undefined : traffic
  })
  assert.deepEqual(small, { sent: 1_000, received: 5, timedBytes: 0, timedUs: 0 })
  const since = performance.now()
  assert.equal((await (await fetch(`${rig.url}/large`)).arrayBuffer()).byteLength, large.length)
  const tookUs = (performance.now() - since) * 1_000
  // The last byte may have come before the answer is known to be whole.
  await eventually('it is counted as well', () => trafficOf(region, row).timedUs > 0)
  const { received, timedBytes, timedUs } = trafficOf(region, row)
  assert.deepEqual([received, timedBytes], [5 + large.length, large.length])
  assert.ok(timedUs >= 1_000 && timedUs <= Math.max(1_000, tookUs), `${timedUs} of ${tookUs} µs`)
})
