import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { agents } from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import { HEALTH_HEALTHY } from '../../engine/writer.ts'
import { eventually } from '../support/eventually.ts'

const ENDPOINTS = 10_000

test(`${ENDPOINTS} endpoints are all found healthy, and no thread of agents is restarted for it`, async t => {
  const server = createServer((_, response) => response.end('ok'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 1024, resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => ({ id: `e${i}`, url: `http://127.0.0.1:${port}` }))
  // So long an interval that each is checked once: a second round would keep the machine busy for nothing.
  const healthCheck = { path: '/healthz', interval: '10m', timeout: '5s' }
  const sinceMs = performance.now()
  const box = await createSignalbox({ services: { api: { endpoints, healthCheck } } }, { control: agents })
  t.after(() => box.close())
  t.diagnostic(`created in ${Math.round(performance.now() - sinceMs)} ms`)
  const { attachment } = box
  const { rows } = attachment.serviceTexts()[0]!
  const healthy = (): number => rows.filter(row => attachment.endpoints.health(row) === HEALTH_HEALTHY).length
  await eventually('all are healthy', () => healthy() === ENDPOINTS, 120_000)
  t.diagnostic(`all healthy after ${Math.round(performance.now() - sinceMs)} ms`)
  for (const { name, restarts, lastError, heapBytes } of box.control!.status()) {
    assert.deepEqual({ name, restarts, lastError }, { name, restarts: 0, lastError: null })
    if (name === 'health-monitor') t.diagnostic(`heap of the health thread: ${Math.round(heapBytes / 2 ** 20)} MiB`)
  }
})
