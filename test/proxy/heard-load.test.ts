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
