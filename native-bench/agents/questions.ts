import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agents } from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import type { Begun, Journey } from '../harness.ts'

/** How long agents in threads of their own take to answer: each question with all that it takes, over real sockets on this machine. */
export function questionJourneys(): Journey[] {
  const journey = (name: string, type: string, data: object): Journey => {
    return { name, times: 200, start: () => startAsking(type, data) }
  }
  const endpoint = { service: 'api', id: 'e0' }
  return [
    journey('discover/10 endpoints by two strategies', 'signalbox.discovery.request', { strategies: [] }),
    journey('check/basic', 'signalbox.endpoint.check', { ...endpoint, kind: 'basic' }),
    journey('check/comprehensive', 'signalbox.endpoint.check', { ...endpoint, kind: 'comprehensive' }),
    journey('route/explained', 'signalbox.service.route', { service: 'api', hash: 0, requestClass: 'critical' }),
  ]
}

const ANSWER_MS = 30_000
const READY_MS = 100

/** Ten endpoints that answer: five of the config, five of a file. */
async function startAsking(type: string, data: object): Promise<Begun> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  const servers = await Promise.all(Array.from({ length: 10 }, serve))
  const urls = servers.map(server => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const file = join(folder, 'endpoints.json')
  writeFileSync(file, JSON.stringify(urls.slice(5)))
  const endpoints = urls.slice(0, 5).map((url, i) => ({ id: `e${i}`, url }))
  const healthCheck = { path: '/', interval: '1h', timeout: '5s' }
  const box = await createSignalbox(
    { services: { api: { endpoints, discover: [{ file }], healthCheck } } },
    { control: agents },
  )
  while (box.explain('api').endpoints.filter(({ isPickable }) => isPickable).length < urls.length) {
    await new Promise(resolve => setTimeout(resolve, READY_MS))
  }
  return {
    async once() {
      const { data: answer } = await box.control!.ask!({ type, data }, { timeoutMs: ANSWER_MS })
      const { error = null } = answer as { error?: string | null }
      if (error !== null) throw new Error(`Cannot measure: ${type} was answered with ${error}`)
    },
    async stop() {
      await box.close()
      for (const server of servers) server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function serve(): Promise<Server> {
  const server = createServer((_, response) => response.end('{"status":"ok","cpu":0.2,"memory":0.3}'))
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}
