import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Bridge } from '../../../agents/bridge/bridge.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { RegionClock } from '../../../agents/kit/clock.ts'
import { chance } from '../../../agents/kit/dice.ts'
import { Runner } from '../../../agents/kit/run/runner.ts'
import { nodeDiscovery } from '../../../agents/node-discovery/agent.ts'
import { type ConfigInput, createSignalbox } from '../../../engine/index.ts'
import { planeOf } from '../../../engine/plane/plane.ts'
import { dnsServer } from '../../support/dns-server.ts'
import { folderOf, listening, put } from './endpoints-world.ts'

const RUNS = 100
const PATIENCE_MS = 20_000

/** From the start of an agent that knows nothing to the moment at which all endpoints are in the tables, in ms. */
async function coldMs(config: ConfigInput, bridge: Bridge, wanted: number): Promise<number> {
  const box = await createSignalbox(config)
  const attachment = planeOf(box.attachment)
  const fault: Error[] = []
  const runner = new Runner(nodeDiscovery, {
    ...{ clock: new RegionClock(box.attachment), dice: chance, edge: { attachment, place: undefined, bridge } },
    ...{ send: () => 0, write() {}, report() {}, listen() {}, fault: error => void fault.push(error) },
  })
  const since = performance.now()
  runner.start({ config: box.config, configVersion: 1, bootMs: 0, incarnation: 1 })
  try {
    while (box.explain('api').endpoints.length < wanted) {
      assert.deepEqual(fault, [])
      assert.ok(
        performance.now() - since < PATIENCE_MS,
        `${box.explain('api').endpoints.length} of ${wanted} were found`,
      )
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    return performance.now() - since
  } finally {
    runner.close()
    await box.close()
  }
}

async function sourcesOf(t: TestContext) {
  const servers = await Promise.all(Array.from({ length: 10 }, () => listening(t)))
  const [file, named, registered, written] = [
    servers.slice(0, 3),
    servers.slice(3, 6),
    servers.slice(6, 8),
    servers.slice(8),
  ]
  const path = put(
    folderOf(t),
    'api.json',
    file.map(({ url }) => url),
  )
  const { server } = await dnsServer(t, ({ name, type }) => {
    if (type === 'SRV') {
      return named.map(({ port }) => ({ name, ttlS: 60, type, target: 'x.test', port, priority: 0, weight: 0 }))
    }
    return type === 'A' ? [{ name, ttlS: 60, type, address: '127.0.0.1' }] : []
  })
  const store = new InlineSequencer()
  const bridge = new Bridge(store.open(), { agent: 'test', incarnation: 1 })
  const serving = registered.map(({ url }, i) =>
    new Bridge(store.open(), { agent: `serving-${i}`, incarnation: 1 }).register({
      ...{ role: 'api', capabilities: [], health: 'healthy', meta: { url } },
    }),
  )
  t.after(async () => {
    await Promise.all(serving.map(each => each.end()))
    await bridge.close()
  })
  const discover = [{ file: path }, { dns: 'api.test', server }, { registry: 'api' }]
  const endpoints = written.map(({ url }) => ({ url }))
  return { config: { services: { api: { endpoints, discover } } }, bridge }
}

test('ten endpoints by four strategies are found, connected to and in the tables, from cold', async t => {
  const { config, bridge } = await sourcesOf(t)
  const tookMs: number[] = []
  await coldMs(config, bridge, 10)
  for (let run = 0; run < RUNS; run++) tookMs.push(await coldMs(config, bridge, 10))
  tookMs.sort((a, b) => a - b)
  const at = (share: number): string => tookMs[Math.min(RUNS - 1, Math.floor(share * RUNS))]!.toFixed(1)
  t.diagnostic(`${RUNS} cold starts: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
})
