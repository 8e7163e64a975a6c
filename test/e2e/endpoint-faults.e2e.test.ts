import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Agent, request } from 'undici'
import { agents } from '../../agents/index.ts'
import { type Box, createSignalbox, type EndpointReport } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { eventually } from '../support/eventually.ts'

/** An endpoint in a process of its own: it answers after so many ms as it was last told. */
async function startProcess(): Promise<{ child: ChildProcess; url: string }> {
  const code = `let ms = 5
    process.on('message', told => { ms = told })
    require('http').createServer((q, r) => { q.resume(); q.on('end', () => setTimeout(() => r.end('ok'), ms)) })
      .listen(0, '127.0.0.1', function () { process.send(this.address().port) })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [port] = await once(child, 'message')
  return { child, url: `http://127.0.0.1:${port}` }
}

/** A proxy before three of them, under some hundred requests a second by 16 who ask again as soon as they are answered. */
async function underLoad(t: TestContext, policy: string) {
  const origins = await Promise.all([0, 1, 2].map(startProcess))
  t.after(() => origins.forEach(({ child }) => void child.kill('SIGKILL')))
  const endpoints = origins.map(({ url }, i) => ({ id: `e${i}`, url }))
  const config = { listen: '127.0.0.1:0', workers: 1, services: { api: { policy, endpoints } } } as const
  const box = await createSignalbox(config, { control: agents })
  t.after(() => box.close())
  const proxy = await startProxy(box)
  t.after(() => proxy.close())
  const dispatcher = new Agent({ connections: 16 })
  t.after(() => dispatcher.close())
  const statuses = new Map<number, number>()
  let isOver = false
  const load = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const { statusCode, body } = await request(`http://127.0.0.1:${proxy.addresses[0]!.port}/`, { dispatcher })
      await body.dump()
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    }
  })
  const end = async (): Promise<Map<number, number>> => {
    isOver = true
    await Promise.all(load)
    return statuses
  }
  await eventually(
    'all have answered often enough',
    () => reportsOf(box).every(({ totals }) => totals.picked > 200),
    30_000,
  )
  return { box, origins, end }
}

const reportsOf = (box: Box): EndpointReport[] => box.explain('api').endpoints
const picksOf = (box: Box): number[] => reportsOf(box).map(({ totals }) => totals.picked)

test('an endpoint that is killed under load is out of all picks, and nobody downstream has noticed (F1)', async t => {
  const { box, origins, end } = await underLoad(t, 'round-robin')
  const since = performance.now()
  origins[1]!.child.kill('SIGKILL')
  await eventually('it is out', () => !reportsOf(box)[1]!.isPickable)
  const outMs = performance.now() - since
  await eventually('the others go on', () => picksOf(box)[0]! > 1_000, 30_000)
  const statuses = await end()
  const { error, timeout } = reportsOf(box)[1]!.totals
  t.diagnostic(
    `out after ${outMs.toFixed(0)} ms, ${error + timeout} attempts had failed, ${statuses.get(200)} requests`,
  )
  assert.deepEqual([...statuses.keys()], [200])
  // Each of the 16 may have one on its way there, and five in a row is what it takes.
  assert.ok(error + timeout <= 32, `${error + timeout} attempts failed`)
})

test('an endpoint that becomes ten times slower gets less than a fifth of what it would, and stays (F2)', async t => {
  const { box, origins, end } = await underLoad(t, 'adaptive')
  origins[1]!.child.send(50)
  const slowMs = performance.now()
  let before = picksOf(box)
  const share = await eventually('it gets less than a fifth of its part', async () => {
    await new Promise(resolve => setTimeout(resolve, 500))
    const after = picksOf(box)
    const picked = after.map((picks, i) => picks - before[i]!)
    before = after
    const part = picked[1]! / (picked.reduce((sum, each) => sum + each, 0) / 3)
    return part < 0.2 ? { part } : undefined
  })
  t.diagnostic(`${(share.part * 100).toFixed(0)} % of its part after ${(performance.now() - slowMs).toFixed(0)} ms`)
  assert.equal(reportsOf(box)[1]!.isPickable, true)
  assert.deepEqual([...(await end()).keys()], [200])
})
