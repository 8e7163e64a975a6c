import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { agents } from '../../agents/index.ts'
import { type Box, createSignalbox, type EndpointReport, type Outcome, PICK } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { eventually } from '../support/eventually.ts'

/** Outlier detection over real threads: what a router settles here, the agents in their threads judge. */

const FIVE = [...'abcde'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` }))

async function boxOf(t: TestContext, service: object): Promise<{ box: Box; lines: string[] }> {
  const lines: string[] = []
  const box = await createSignalbox(
    { services: { api: { policy: 'round-robin', endpoints: FIVE, ...service } } },
    { control: agents, log: (level, message) => lines.push(`${level} ${message}`) },
  )
  t.after(() => box.close())
  return { box, lines }
}

const report = (box: Box, id: string): EndpointReport => box.explain('api').endpoints.find(each => each.id === id)!
const isEjected = (box: Box, id: string): boolean => report(box, id).bars.includes('ejected')

/** Five hundred requests in turn; those on e end as `how` says of the n-th, all others are ok after 1 ms. */
function send(box: Box, how: (n: number) => [Outcome, latencyUs: number]): void {
  const router = box.router('api')
  let n = 0
  for (let i = 0; i < 500; i++) {
    const ticket = router.pick()
    const [outcome, latencyUs] = router.endpoint(ticket).id === 'e' ? how(n++) : (['ok', 1000] as const)
    router.settle(ticket, outcome, latencyUs)
  }
}

const OFTEN = { burst: 0, interval: '200ms', baseEjection: '300ms', maxEjection: '300ms' }

test('an endpoint half of whose answers fail is ejected by its success rate, and returns', async t => {
  const { box, lines } = await boxOf(t, { outlier: OFTEN })
  await eventually('it is ejected', () => {
    send(box, n => [n % 2 === 0 ? 'ok' : 'error', 1000])
    return isEjected(box, 'e')
  })
  assert.deepEqual(
    [...'abcd'].filter(id => isEjected(box, id)),
    [],
  )
  await eventually('it is back', () => !isEjected(box, 'e'))
  await eventually('the log tells of it', () => lines.includes('info endpoint ejected: api/e'))
})

test('an endpoint that is ten times as slow as the others is ejected by its latency', async t => {
  const { box } = await boxOf(t, { outlier: { ...OFTEN, latencyQuantile: '90%' } })
  await eventually('it is ejected', () => {
    send(box, () => ['ok', 10_000])
    return isEjected(box, 'e')
  })
})

test('gateway failures in a row eject where as many other failures do not', async t => {
  const { box } = await boxOf(t, {
    outlier: { ...OFTEN, successRateStdev: 0, consecutive5xx: 0, consecutiveGateway: 20 },
  })
  send(box, n => [n % 19 === 18 ? 'error' : 'gateway', 1000])
  await eventually('all of it is counted', () => report(box, 'e').totals.error === 100)
  const until = performance.now() + 300
  while (performance.now() < until) {
    assert.equal(isEjected(box, 'e'), false)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  send(box, n => [n % 2 === 0 ? 'gateway' : 'unreachable', 1000])
  await eventually('it is ejected', () => isEjected(box, 'e'))
})

test('an endpoint that returns from an ejection is eased in', async t => {
  const { box } = await boxOf(t, { outlier: OFTEN, slowStart: { window: '10m' } })
  send(box, () => ['error', 1000])
  await eventually('it is ejected', () => isEjected(box, 'e'))
  await eventually('it is back with a tenth', () => report(box, 'e').isPickable && report(box, 'e').factor < 0.11)
  assert.equal(report(box, 'a').factor, 1)
  await box.control!.kill('load-balancer')
  await eventually('it runs again', () =>
    box
      .control!.status()
      .some(({ name, state, incarnation }) => name === 'load-balancer' && state === 'running' && incarnation === 2),
  )
  // Three ticks of the new one: had it forgotten, the factor would be 1.
  const until = performance.now() + 300
  while (performance.now() < until) {
    assert.ok(report(box, 'e').factor < 0.11, `${report(box, 'e').factor}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
})

test('adaptive concurrency sets a limit, and raises it while it is used and latency is steady', async t => {
  const { box } = await boxOf(t, { adaptiveConcurrency: { initial: 5, queue: 50 } })
  const { row } = report(box, 'a')
  const limit = (): number => box.attachment.endpoints.adaptiveLimit(row)
  await eventually('it is there', () => limit() === 5)
  const router = box.router('api')
  // Three of five in flight at each: more than half, so that the limit is used.
  const held = Array.from({ length: 15 }, () => router.pick())
  await eventually('it grows', () => {
    send(box, () => ['ok', 1000])
    return limit() > 5
  })
  for (const ticket of held) router.settle(ticket, 'ok', 1000)
})

test('adaptive concurrency is heeded by picks', async t => {
  const { box } = await boxOf(t, { adaptiveConcurrency: { initial: 5 } })
  const { row } = report(box, 'e')
  await eventually('the limits are there', () => box.attachment.endpoints.adaptiveLimit(row) === 5)
  const router = box.router('api')
  const tickets = Array.from({ length: 30 }, () => router.pick())
  assert.equal(tickets.filter(ticket => ticket >= 0).length, 25)
  assert.deepEqual(new Set(tickets.slice(25)), new Set([PICK.OVERLOADED]))
  assert.equal(report(box, 'a').why, 'not picked: it has 5 in flight and may have 5')
  for (const ticket of tickets) router.settle(ticket, 'ok', 1000)
})

test('an endpoint that answers 503 through the proxy is ejected for gateway failures, one that answers 500 is not', async t => {
  const status: Record<string, number> = { a: 200, b: 500, e: 503 }
  const endpoints = await Promise.all(
    Object.keys(status).map(async id => {
      const server = createServer((_, response) => response.writeHead(status[id]!).end()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      return { id, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    }),
  )
  const outlier = { burst: 0, consecutive5xx: 0, consecutiveGateway: 5, successRateStdev: 0, maxEjected: '100%' }
  const service = { policy: 'round-robin', endpoints, outlier }
  const config = { listen: '127.0.0.1:0', workers: 1, services: { api: service } }
  const box = await createSignalbox(config, { control: agents })
  t.after(() => box.close())
  const proxy = await startProxy(box)
  t.after(() => proxy.close())
  const get = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${proxy.addresses[0]!.port}/`)
    await answer.arrayBuffer()
    return answer.status
  }
  await eventually('e is ejected', async () => {
    await get()
    return isEjected(box, 'e')
  })
  const statuses = new Set<number>()
  for (let i = 0; i < 60; i++) statuses.add(await get())
  assert.deepEqual([...statuses].sort(), [200, 500])
  assert.equal(isEjected(box, 'b'), false)
})
