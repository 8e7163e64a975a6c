import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSignalbox } from '../../engine/index.ts'
import { RoutedDispatcher } from '../../engine/undici.ts'
import { startOrigin } from './rig.ts'

for (const style of ['fetch', 'request'] as const) {
  for (const header of [true, false]) {
    test(`RoutedDispatcher ${header ? 'hears' : 'is not asked to hear'} what answers tell of their endpoint's load, by ${style}`, async t => {
      const say = (inflight: number) => {
        return startOrigin((_, response) => {
          response.setHeader('Endpoint-Load-Metrics', `named_metrics.inflight=${inflight}`).end('ok')
        })
      }
      const origins = [await say(40), await say(1)]
      const endpoints = origins.map(({ url }, i) => ({ id: `e${i}`, url }))
      const box = await createSignalbox({
        services: { api: { policy: 'least-request', capacity: { header }, endpoints } },
      })
      const dispatcher = new RoutedDispatcher(box, 'api')
      t.after(async () => {
        await dispatcher.destroy()
        await box.close()
        for (const origin of origins) await origin.close()
      })
      for (let i = 0; i < 30; i++) {
        if (style === 'fetch') {
          await (await fetch('http://api/', { dispatcher } as unknown as RequestInit)).text()
        } else {
          await (await dispatcher.request({ method: 'GET', path: '/', origin: 'http://api' })).body.text()
        }
      }
      const [busy, idle] = box.explain('api').endpoints
      assert.deepEqual([busy!.elsewhere, idle!.elsewhere], header ? [39, 0] : [0, 0])
      assert.ok(header ? busy!.totals.picked <= 4 : busy!.totals.picked >= 5, `${busy!.totals.picked} of 30`)
    })
  }
}
