import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { agents } from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { eventually } from '../support/eventually.ts'

/** An origin in a process of its own, so that it can be frozen. */
async function startProcess(): Promise<{ child: ChildProcess; url: string }> {
  const code =
    "const s=require('http').createServer((q,r)=>{q.resume();q.on('end',()=>r.end('ok'))}).listen(0,'127.0.0.1',()=>console.log(s.address().port))"
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, url: `http://127.0.0.1:${String(port).trim()}` }
}

test('an endpoint that is frozen is out soon, its requests are answered elsewhere, and it is back when it answers', async t => {
  const origins = await Promise.all([0, 1, 2, 3].map(startProcess))
  t.after(() => origins.forEach(({ child }) => void child.kill('SIGKILL')))
  const box = await createSignalbox(
    {
      listen: '127.0.0.1:0',
      workers: 1,
      services: { api: { policy: 'round-robin', endpoints: origins.map(({ url }, i) => ({ id: `e${i}`, url })) } },
    },
    { control: agents },
  )
  t.after(() => box.close())
  const proxy = await startProxy(box)
  t.after(() => proxy.close())
  const url = `http://127.0.0.1:${proxy.addresses[0].port}/`

  let isOver = false
  const statuses = new Map<number, number>()
  const load = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const answer = await fetch(url)
      await answer.text()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    }
  })
  const picked = (): number => box.explain('api').endpoints[1].totals.picked
  await eventually('all have answered often enough', () => picked() > 50)

  const [, frozen] = origins
  frozen.child.kill('SIGSTOP')
  // As patient as five times what answers took of late: where this machine was slow at the start, that is long.
  const sinceMs = performance.now()
  await eventually('it is out', () => /ejected/.test(box.explain('api').endpoints[1].why), 60_000)
  t.diagnostic(`out after ${Math.round(performance.now() - sinceMs)} ms`)
  // With none of its requests left to wait, all eight go on: the rest answer.
  const before = box.explain('api').endpoints[0].totals.ok
  await eventually('the others answer', () => box.explain('api').endpoints[0].totals.ok > before + 50)
  frozen.child.kill('SIGCONT')
  const seen = picked()
  await eventually('it is back', () => picked() > seen + 50)
  isOver = true
  await Promise.all(load)
  assert.deepEqual([...statuses.keys()], [200])
})
