import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { agents } from '../../agents/index.ts'
import { type Box, createSignalbox, type EndpointReport, type Log } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'

const INTERVAL_MS = 50
const HEALTH_CHECK = { path: '/up', interval: `${INTERVAL_MS}ms`, timeout: '1s', unhealthyAfter: 3, healthyAfter: 2 }

/** A real endpoint whose health path answers what `status` says. */
async function endpoint(t: TestContext) {
  const answer = { status: 200 }
  const server = createServer((_, response) => response.writeHead(answer.status).end()).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return { answer, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function boxOf(t: TestContext, service: object): Promise<{ box: Box; lines: string[] }> {
  const lines: string[] = []
  const log: Log = (level, message) => lines.push(`${level} ${message}`)
  const box = await createSignalbox({ services: { api: service } }, { control: agents, log })
  t.after(() => box.close())
  return { box, lines }
}

const report = (box: Box, id: string): EndpointReport => box.explain('api').endpoints.find(each => each.id === id)!

/** One request to each of some picks; those on `id` end as told, all others are ok. */
function settle(box: Box, id: string, outcome: 'ok' | 'error', picks: number): void {
  const router = box.router('api')
  for (let i = 0; i < picks; i++) {
    const ticket = router.pick()
    router.settle(ticket, router.endpoint(ticket).id === id ? outcome : 'ok', 1_000)
  }
}

test('an endpoint whose health path fails is barred, and comes back when it passes again', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  const endpoints = [
    { id: 'a', url: a.url },
    { id: 'b', url: b.url },
  ]
  const { box, lines } = await boxOf(t, { endpoints, healthCheck: HEALTH_CHECK })
  await eventually('both are known to be healthy', () =>
    box.explain('api').endpoints.every(each => each.health === 'healthy'),
  )
  a.answer.status = 503
  const since = performance.now()
  await eventually('it is barred', () => report(box, 'a').bars.includes('unhealthy'))
  t.diagnostic(`barred after ${(performance.now() - since).toFixed(0)} ms; three checks take ${3 * INTERVAL_MS}`)
  assert.equal(report(box, 'a').isPickable, false)
  assert.equal(report(box, 'b').isPickable, true)
  a.answer.status = 204
  await eventually('it is back', () => report(box, 'a').isPickable)
  assert.equal(report(box, 'a').health, 'healthy')
  await eventually(
    'the log tells of it',
    () => lines.filter(line => line === 'info endpoint health-changed: api/a').length === 3,
  )
})

test('an endpoint added while the agents run is checked too', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  b.answer.status = 500
  const { box } = await boxOf(t, { endpoints: [{ id: 'a', url: a.url }], healthCheck: HEALTH_CHECK })
  box.service('api').add({ id: 'b', url: b.url })
  await eventually('the newcomer is barred', () => report(box, 'b').bars.includes('unhealthy'))
})

test('when all endpoints fail their checks, panic mode routes to them nevertheless', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  for (const { answer } of [a, b]) answer.status = 500
  const endpoints = [
    { id: 'a', url: a.url },
    { id: 'b', url: b.url },
  ]
  const { box } = await boxOf(t, { endpoints, healthCheck: HEALTH_CHECK })
  await eventually('panic is called', () => box.explain('api').hasPanic)
  assert.ok(box.router('api').pick() >= 0)
  for (const { answer } of [a, b]) answer.status = 200
  await eventually('it is over', () => !box.explain('api').hasPanic)
  assert.equal(box.explain('api').panics, 1)
})

const TWO = [
  { id: 'a', url: 'http://127.0.0.1:1' },
  { id: 'b', url: 'http://127.0.0.1:2' },
]

test('an endpoint that fails request after request is ejected, and the last one never', async t => {
  const { box } = await boxOf(t, { endpoints: TWO, policy: 'round-robin' })
  settle(box, 'a', 'error', 10)
  const since = performance.now()
  await eventually('a is ejected', () => report(box, 'a').bars.includes('ejected'))
  t.diagnostic(`ejected after ${(performance.now() - since).toFixed(0)} ms`)
  assert.ok(report(box, 'a').ejectedForMs > 0)
  settle(box, 'b', 'error', 100)
  await eventually('the failures of b are counted', () => report(box, 'b').totals.error === 100)
  // An hour later would be as good: it is a rule, not a race. Half a second is five looks of the failure detector.
  const until = performance.now() + 500
  while (performance.now() < until) {
    assert.deepEqual(report(box, 'b').bars, [])
    await new Promise(resolve => setTimeout(resolve, 20))
  }
})

test('an ejected endpoint returns when its time is over', async t => {
  const outlier = { baseEjection: '200ms', maxEjection: '400ms' }
  const { box } = await boxOf(t, { endpoints: TWO, policy: 'round-robin', outlier })
  settle(box, 'a', 'error', 10)
  await eventually('a is ejected', () => report(box, 'a').bars.includes('ejected'))
  await eventually('a is back', () => report(box, 'a').isPickable)
})

test('the latency of settled requests is smoothed into the table', async t => {
  const { box } = await boxOf(t, { endpoints: TWO, policy: 'round-robin' })
  settle(box, 'a', 'ok', 10)
  await eventually('both are known', () => report(box, 'a').latencyUs === 1_000 && report(box, 'b').latencyUs === 1_000)
})

test('the failure detector that was killed is back, drains again, and returns whom it had ejected', async t => {
  const outlier = { baseEjection: '1s', maxEjection: '1s' }
  const { box } = await boxOf(t, { endpoints: TWO, policy: 'round-robin', outlier })
  const running = (incarnation: number) => (): boolean => {
    const status = box.control!.status().find(({ name }) => name === 'failure-detector')!
    return status.state === 'running' && status.incarnation === incarnation
  }
  settle(box, 'a', 'error', 10)
  await eventually('a is ejected', () => report(box, 'a').bars.includes('ejected'))
  await box.control!.kill('failure-detector')
  await eventually('it runs again', running(2))
  await eventually('a is back', () => report(box, 'a').isPickable)
  await eventually('it ejects again', () => {
    settle(box, 'b', 'error', 10)
    return report(box, 'b').bars.includes('ejected')
  })
})

test('the health monitor that was killed is back with another incarnation, and no pick fails meanwhile', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  const endpoints = [
    { id: 'a', url: a.url },
    { id: 'b', url: b.url },
  ]
  const { box } = await boxOf(t, { endpoints, healthCheck: HEALTH_CHECK })
  const status = () => box.control!.status().find(({ name }) => name === 'health-monitor')!
  a.answer.status = 503
  await eventually('a is barred', () => report(box, 'a').bars.includes('unhealthy'))
  const router = box.router('api')
  let failed = 0
  const picking = setInterval(() => {
    const ticket = router.pick()
    if (ticket < 0 || router.endpoint(ticket).id === 'a') failed++
    if (ticket >= 0) router.settle(ticket, 'ok', 100)
  }, 1)
  const since = performance.now()
  await box.control!.kill('health-monitor')
  await eventually('it runs again', () => status().state === 'running' && status().incarnation === 2)
  t.diagnostic(`back after ${(performance.now() - since).toFixed(0)} ms`)
  clearInterval(picking)
  assert.equal(failed, 0, 'no pick failed, and none took the barred endpoint')
  a.answer.status = 200
  await eventually('a is back', () => report(box, 'a').isPickable)
})

test('agents reach each other although the thread that made the box is busy', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  const endpoints = [
    { id: 'a', url: a.url },
    { id: 'b', url: b.url },
  ]
  const { box } = await boxOf(t, { endpoints, policy: 'round-robin', panicThreshold: '0%' })
  settle(box, 'a', 'error', 10)
  // Not a turn of the event loop from here on: what happens is done by the agents alone.
  const words = box.attachment.endpoints
  const until = performance.now() + 5_000
  while (performance.now() < until && (words.bars(0) === 0 || words.latencyUs(1) === 0));
  assert.notEqual(words.bars(0), 0, 'the failure detector has ejected a')
  assert.equal(words.latencyUs(1), 1_000, 'and told the load balancer of the requests on b')
})

/** Runs a script with the box's doors imported; says how it ended. */
async function script(t: TestContext, body: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [engine, control] = ['../../engine/index.js', '../../agents/index.js'].map(
    path => new URL(path, import.meta.url).href,
  )
  const source = `
    import { createSignalbox } from ${JSON.stringify(engine)}
    import { agents } from ${JSON.stringify(control)}
    const services = { api: { endpoints: [{ url: 'http://127.0.0.1:1' }], healthCheck: {} } }
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => (texts.stdout += chunk))
  child.stderr.on('data', chunk => (texts.stderr += chunk))
  const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(deadline)
  return { code, ...texts }
}

test('a process that closes its box ends by itself, and nothing was printed', async t => {
  const ended = await script(
    t,
    'const box = await createSignalbox({ services }, { control: agents }); await box.close()',
  )
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
})

test('a process that never closes its box ends by itself too', async t => {
  const ended = await script(t, 'await createSignalbox({ services }, { control: agents })')
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
})

test('a process that awaits nothing but the end of a killed agent gets to see it', async t => {
  const ended = await script(
    t,
    `const box = await createSignalbox({ services }, { control: agents })
     await box.control.kill('health-monitor')
     console.log(box.control.status()[0].lastError)
     await box.close()
     console.log('closed')`,
  )
  assert.deepEqual(ended, { code: 0, stdout: 'it was killed\nclosed\n', stderr: '' })
})

test('when all agents have stopped, routing goes on with what they wrote last', async t => {
  const [a, b] = [await endpoint(t), await endpoint(t)]
  a.answer.status = 500
  const endpoints = [
    { id: 'a', url: a.url },
    { id: 'b', url: b.url },
  ]
  const { box } = await boxOf(t, { endpoints, healthCheck: HEALTH_CHECK })
  await eventually('the failing one is barred', () => report(box, 'a').bars.includes('unhealthy'))
  await box.control?.close()
  assert.ok(box.control?.status().every(({ state }) => state === 'stopped'))
  const router = box.router('api')
  for (let i = 0; i < 1000; i++) {
    const ticket = router.pick()
    assert.equal(router.endpoint(ticket).id, 'b')
    router.settle(ticket, 'ok', 1_000)
  }
  box.service('api').setWeight('b', 0)
  assert.equal(router.endpoint(router.pick()).id, 'a', 'an operator still rules: of the two the barred one is left')
})
