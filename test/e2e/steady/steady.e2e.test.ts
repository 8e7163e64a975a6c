import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Agent, request } from 'undici'
import { freePorts } from '../../../native-bench/load/programs.ts'
import { startSignalbox } from '../../support/command-line.ts'
import { eventually } from '../../support/eventually.ts'
import { parseExposition } from '../../support/exposition.ts'
import { growthOf } from './flat.ts'

/** SIGNALBOX_PROOF=full runs for an hour, and then memory is judged; else it shows in some seconds that everything can be read. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'
const SPAN_MS = IS_FULL ? 3_600_000 : 6_000
const LOOK_MS = IS_FULL ? 5_000 : 250
const PER_SECOND = 200
/** Of what is held after the warm-up: a leak of one record of 100 bytes a request would be 72 MB an hour. */
const GROWTH_MAX = 0.15

const HELD =
  /^(process_resident_memory_bytes|process_heap_bytes|signalbox_agent_heap_bytes|signalbox_proxy_thread_heap_bytes)/

test('growthOf() sees a leak under the swings of a collector, and none where there is none', () => {
  const swing = (at: number): number => ((at * 7919) % 1000) * 4_000
  const flat = Array.from({ length: 720 }, (_, at) => 10e6 + swing(at))
  const leaky = flat.map((bytes, at) => bytes + at * 10_000)
  assert.ok(Math.abs(growthOf(flat)) < 0.01, `${growthOf(flat)}`)
  assert.ok(growthOf(leaky) > GROWTH_MAX, `${growthOf(leaky)}`)
})

test('at steady load what each thread holds and what each agent knows stays as it is', {
  timeout: SPAN_MS + 120_000,
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-steady-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const servers = [2, 4, 8, 16].map(ms => createServer((_, response) => void setTimeout(() => response.end('ok'), ms)))
  t.after(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })
  const urls = await Promise.all(servers.map(urlOf))
  const [port, adminPort] = await freePorts(2)
  const config = join(folder, 'signalbox.json')
  const endpoints = urls.map((url, i) => ({ id: `e${i}`, url, zone: `z${i % 2}` }))
  const healthCheck = { path: '/', interval: '1s', timeout: '5s' }
  writeFileSync(
    config,
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      workers: 2,
      admin: { listen: `127.0.0.1:${adminPort}` },
      log: { level: 'warn', access: false },
      services: { api: { policy: 'adaptive', endpoints, healthCheck } },
    }),
  )
  const running = startSignalbox(['proxy', '--config', config])
  t.after(() => running.end())
  const admin = `http://127.0.0.1:${adminPort}`
  await eventually('it is ready', async () => (await request(`${admin}/readyz`)).statusCode === 200, 30_000)

  const dispatcher = new Agent({ connections: 32 })
  t.after(() => dispatcher.close())
  const statuses = new Map<number, number>()
  const open = new Set<Promise<void>>()
  const send = async (): Promise<void> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { dispatcher })
    await body.dump()
    statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
  }
  const load = setInterval(() => {
    const sent = send().finally(() => open.delete(sent))
    open.add(sent)
  }, 1000 / PER_SECOND)
  t.after(() => clearInterval(load))

  const held = new Map<string, number[]>()
  const known = new Map<string, number[]>()
  const until = performance.now() + SPAN_MS
  while (performance.now() < until) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    const text = await (await request(`${admin}/metrics`)).body.text()
    for (const { name, labels, value } of parseExposition(text)) {
      if (HELD.test(name)) push(held, `${name} ${labels.agent ?? labels.thread ?? ''}`, value)
    }
    const { agents } = (await (await request(`${admin}/api/v1/agents`)).body.json()) as AgentsTold
    for (const { name, report, restarts } of agents) {
      assert.equal(restarts, 0, name)
      push(known, name, JSON.stringify(report).length)
    }
  }
  clearInterval(load)
  await Promise.all(open)

  assert.deepEqual([...statuses.keys()], [200])
  assert.ok(held.size >= 4 && known.size >= 5, `${held.size} memories, ${known.size} agents`)
  const lines = [...held].map(([name, series]) => ({ name, growth: growthOf(series), last: series.at(-1)! }))
  for (const { name, growth, last } of lines) {
    t.diagnostic(`${name} ${(last / 1e6).toFixed(1)} MB, grown by ${(growth * 100).toFixed(1)} %`)
  }
  t.diagnostic(`${statuses.get(200)} requests, all answered with 200`)
  if (!IS_FULL) return
  assert.deepEqual(
    lines.filter(({ growth }) => growth > GROWTH_MAX).map(({ name }) => name),
    [],
    'what has grown',
  )
  for (const [name, series] of known) {
    const growth = growthOf(series)
    t.diagnostic(`${name} tells ${series.at(-1)} characters, grown by ${(growth * 100).toFixed(1)} %`)
    assert.ok(growth < 0.25, `what ${name} tells of itself has grown by ${growth}`)
  }
})

interface AgentsTold {
  readonly agents: readonly { readonly name: string; readonly restarts: number; readonly report: unknown }[]
}

function push(series: Map<string, number[]>, name: string, value: number): void {
  const list = series.get(name)
  if (list === undefined) series.set(name, [value])
  else list.push(value)
}

async function urlOf(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
