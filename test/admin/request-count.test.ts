import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from 'undici'
import { agents, type Metrics } from '../../agents/index.ts'
import { startAdmin } from '../../engine/admin/admin.ts'
import { createSignalbox } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { inflight, startOrigin } from '../proxy/rig.ts'
import { eventually } from '../support/eventually.ts'
import { ask } from './admin-world.ts'

const REQUESTS = 1_000

test('after N requests through the proxy, /metrics has counted N, and the metrics collector knows of N', async t => {
  // One in ten fails; each by itself, so that nobody is ejected and nothing is tried twice.
  const endpoints = []
  for (const id of ['a', 'b']) {
    const origin = await startOrigin(({ url }, response) => void response.writeHead(url === '/bad' ? 500 : 200).end(id))
    t.after(() => origin.close())
    endpoints.push({ id, url: origin.url })
  }
  const service = {
    endpoints,
    retry: { attempts: 0 },
    outlier: { consecutive5xx: 1_000, burst: 0 },
  }
  const config = { listen: '127.0.0.1:0', workers: 2, services: { api: service } }
  const box = await createSignalbox(config, { control: agents })
  t.after(() => box.close())
  const proxy = await startProxy(box)
  t.after(() => proxy.close())
  const admin = await startAdmin(box, {
    ...{ listen: { address: '127.0.0.1', port: 0 }, isReady: () => true, version: '1.2.3' },
    proxy: () => ({ threads: proxy.threads() }),
    requests: () => proxy.requests(),
  })
  t.after(() => admin.close())
  const pool = new Pool(`http://127.0.0.1:${proxy.addresses[0]!.port}`, { connections: 8 })
  t.after(() => pool.destroy())

  const statuses = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, i) => {
      const { statusCode, body } = await pool.request({ path: i % 10 === 0 ? '/bad' : '/', method: 'GET' })
      await body.dump()
      return statusCode
    }),
  )
  const good = statuses.filter(status => status === 200).length
  assert.deepEqual([statuses.length, good], [REQUESTS, REQUESTS - REQUESTS / 10])
  await eventually('all is quiet', () => inflight(box) === 0)

  const { text } = await ask(admin.port, '/metrics')
  /** Of all samples of this name with this label the sum. */
  const sum = (name: string, label: string): number =>
    text
      .split('\n')
      .filter(line => line.startsWith(`${name}{`) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
  const told = (outcome: string): number => sum('signalbox_endpoint_requests_total', `outcome="${outcome}"`)
  assert.deepEqual(['ok', 'error', 'timeout', 'abandoned'].map(told), [good, REQUESTS - good, 0, 0])
  assert.equal(sum('signalbox_endpoint_picks_total', 'service="api"'), REQUESTS)
  assert.equal(sum('signalbox_proxy_responses_total', 'class="2xx"'), good)
  assert.equal(sum('signalbox_proxy_responses_total', 'class="5xx"'), REQUESTS - good)
  assert.equal(sum('signalbox_proxy_request_duration_seconds_count', 'service="api"'), REQUESTS)

  const api = await eventually('the collector has told of all', () => {
    const report = box.control!.report!('metrics-collector') as { localState: Metrics | null } | undefined
    return report?.localState?.services.find(({ last60s }) => last60s.requests === REQUESTS)
  })
  assert.ok(Math.abs(api.last60s.errorShare - 0.1) < 1e-9, `${api.last60s.errorShare}`)
})
