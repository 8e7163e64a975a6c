import assert from 'node:assert/strict'
import { it } from 'node:test'
import { attach } from '../../engine/router/attachment.ts'
import { reportedLoad } from '../../engine/writer.ts'
import { startH2c } from './http2-origin.ts'
import { startOrigin, startRig } from './rig.ts'

const SAID = 'TEXT cpu_utilization=0.4, mem_utilization=0.2'

it('what an answer says of the load of its endpoint is noted where its service asks for it (SE-17)', async t => {
  const plain = await startOrigin((_, response) => response.setHeader('Endpoint-Load-Metrics', SAID).end('ok'))
  t.after(() => plain.close())
  const h2c = await startH2c(t, stream => {
    stream.respond({ ':status': 200, 'endpoint-load-metrics': SAID })
    stream.end('ok')
  })
  for (const [url, protocol] of [
    [plain.url, 'http1'],
    [h2c.url, 'http2'],
  ] as const) {
    for (const header of [true, false]) {
      const rig = await startRig([url], { service: { protocol, capacity: { header } } })
      assert.equal(await (await fetch(rig.url)).text(), 'ok')
      const { region } = attach(rig.box.handle)
      const { row } = rig.box.explain('api').endpoints[0]!
      const load = reportedLoad(region, row)
      assert.deepEqual([load?.cpu, load?.memory], header ? [0.4, 0.2] : [undefined, undefined], `${protocol} ${header}`)
      await rig.close()
    }
  }
})

it('an endpoint that tells of requests from elsewhere is asked less, by the proxy that hears it', async t => {
  const said: Record<string, number> = { a: 0, b: 0 }
  const say = (name: string, inflight: number) => {
    return startOrigin((_, response) => {
      said[name]!++
      response.setHeader('endpoint-load-metrics', `JSON {"named_metrics":{"inflight":${inflight}}}`).end(name)
    })
  }
  const [busy, idle] = [await say('a', 40), await say('b', 1)]
  t.after(() => Promise.all([busy.close(), idle.close()]))
  const rig = await startRig([busy.url, idle.url], { service: { policy: 'least-request', capacity: { header: true } } })
  t.after(() => rig.close())
  for (let i = 0; i < 40; i++) await (await fetch(rig.url)).text()
  assert.ok(said.a! <= 4, JSON.stringify(said))
  const elsewhere = rig.box.explain('api').endpoints.map(endpoint => endpoint.elsewhere)
  assert.deepEqual(elsewhere, [39, 0])
})
