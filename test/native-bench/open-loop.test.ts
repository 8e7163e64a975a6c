import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gapsMs } from '../../native-bench/load/arrivals.ts'
import { askOpen } from '../../native-bench/load/ask-open.ts'
import { type OpenLoad, runOpenLoop } from '../../native-bench/load/open-loop.ts'
import { freePorts } from '../../native-bench/load/programs.ts'

const LOAD: Omit<OpenLoad, 'port'> = {
  ...{ path: '/{id}', arrivals: 'even', perSecond: 200, seed: 1 },
  ...{ warmSeconds: 0, seconds: 1, connections: 16, opened: 4 },
}

async function serverOf(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const MS = 1e6

test('who stalls once for half a second is told by every request that was due meanwhile, not by one', async t => {
  const STALL_MS = 500
  let answered = 0
  const port = await serverOf(t, (_, response) => {
    answered++
    if (answered === 100) setTimeout(() => response.end('x'), STALL_MS)
    else response.end('x')
  })
  // One connection, as a client has that waits for its answer before it asks again.
  const { requests, errors, latency, sinceSent } = await runOpenLoop({ ...LOAD, port, seconds: 3, connections: 1 })
  assert.deepEqual([requests, errors, latency.count, sinceSent.count], [600, 0, 600, 600])
  // Due in the stall: one each 5 ms, which wait 500, 495, 490 … ms. The 99th of a hundred is the sixth of 600, after 470 ms.
  assert.ok(latency.p99 > 450 * MS, `${latency.p99 / MS} ms`)
  assert.ok(latency.mean > 35 * MS, `100 × 250 ms ÷ 600 = 42 ms, but ${latency.mean / MS}`)
  // What a naive client would tell: one slow request of 600, which is beyond its 99th percentile.
  assert.ok(sinceSent.most > 450 * MS, `${sinceSent.most / MS} ms`)
  assert.ok(sinceSent.p99 < latency.p99 / 2, `${sinceSent.p99 / MS} ms`)
})

test('what fails is told by what: a status, a size, a connection that breaks off; nothing is asked twice', async t => {
  const paths: string[] = []
  const port = await serverOf(t, (request, response) => {
    paths.push(request.url!)
    const id = Number(request.url!.slice(1))
    if (id % 20 === 1) response.writeHead(503).end('no')
    else if (id % 20 === 2) response.end('longer')
    else if (id % 20 === 3) request.socket.destroy()
    else if (id % 20 === 4) response.writeHead(200, { connection: 'close' }).end('ok')
    else if (id % 20 === 5) response.write('o', () => response.end('k'))
    else response.end('ok')
  })
  const { requests, errors, failures } = await runOpenLoop({ ...LOAD, port, answerBytes: 2 })
  assert.equal(requests, 200)
  assert.equal(errors, 30)
  const { 503: refused, '6 bytes': longer, ...broken } = failures
  assert.deepEqual([refused, longer], [10, 10])
  assert.deepEqual(Object.values(broken), [10])
  assert.equal(new Set(paths).size, 200)
})

test('where nobody listens each request fails, and it ends', async () => {
  const [port] = (await freePorts(1)) as [number]
  const { requests, failures } = await runOpenLoop({ ...LOAD, port, seconds: 0.2 })
  assert.deepEqual([requests, failures], [40, { ECONNREFUSED: 40 }])
})

test('in a process of its own it hears the same, and what only warms does not count', async t => {
  const port = await serverOf(t, (_, response) => void response.end('ok'))
  const load: OpenLoad = { ...LOAD, port, arrivals: 'poisson', perSecond: 500, warmSeconds: 0.5, isExact: true }
  const { requests, errors, latency, late } = await askOpen(load)
  // Of 750 and 500, five times the root of each.
  assert.ok(Math.abs(requests - 750) < 140 && Math.abs(latency.count - 500) < 115, `${requests}, ${latency.count}`)
  assert.equal(errors, 0)
  assert.ok(late.p50 <= latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.most)
})

test('the same seed has the same arrivals, at the rate they should have', () => {
  const gaps = (seed: number): number[] => {
    const next = gapsMs('poisson', 1000, seed)
    return Array.from({ length: 10_000 }, next)
  }
  const [a, b, c] = [gaps(1), gaps(1), gaps(2)]
  assert.deepEqual(a, b)
  assert.notDeepEqual(a, c)
  const mean = a.reduce((sum, gap) => sum + gap, 0) / a.length
  // An exponential deviates by its mean: 1 ms ÷ √10,000, five times.
  assert.ok(Math.abs(mean - 1) < 0.05, `${mean} ms`)
  const longer = a.filter(gap => gap > 1).length / a.length
  assert.ok(Math.abs(longer - Math.exp(-1)) < 0.025, `e^−1 = 0.368 of them are longer than the mean, but ${longer}`)
})
