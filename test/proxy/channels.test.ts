import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RequestEnd, RequestStart } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'
import { frontHere } from './front-here.ts'
import { exchangeRaw, head, startRawOrigin } from './rig.ts'

test('who listens on signalbox:request:start and :end is told of each request, with the same object', async t => {
  const origin = await startRawOrigin()
  t.after(() => origin.close())
  const { port } = await frontHere(t, origin.url)
  const starts: RequestStart[] = []
  const ends: RequestEnd[] = []
  const onStart = (message: unknown): void => void starts.push(message as RequestStart)
  const onEnd = (message: unknown): void => void ends.push(message as RequestEnd)
  subscribe('signalbox:request:start', onStart)
  subscribe('signalbox:request:end', onEnd)
  t.after(() => {
    unsubscribe('signalbox:request:start', onStart)
    unsubscribe('signalbox:request:end', onEnd)
  })
  await exchangeRaw(port, head('/a?b'))
  await exchangeRaw(port, 'GET /x HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n')
  await eventually('both are over', () => ends.length === 2)
  assert.deepEqual(
    starts.map(({ request, remote, client }) => [request.url, remote, client]),
    [
      ['/a?b', '127.0.0.1', '127.0.0.1'],
      ['/x', '127.0.0.1', '127.0.0.1'],
    ],
  )
  assert.deepEqual(
    ends.map(({ status, service, endpoint, reason, path }) => ({ status, service, endpoint, reason, path })),
    [
      { status: 200, service: 'api', endpoint: 'e0', reason: '', path: '/a?b' },
      { status: 400, service: '', endpoint: '', reason: 'bad-host', path: '/x' },
    ],
  )
  starts.forEach((start, i) => {
    assert.equal(start.request, ends[i].request)
    assert.equal(start.requestId, ends[i].requestId)
  })
})

test('what NODE_OPTIONS preloads listens in the threads of the proxy', t => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [preload, main] = ['preload.mjs', 'main.mjs'].map(file => join(folder, file))
  writeFileSync(
    preload,
    `import { subscribe } from 'node:diagnostics_channel'
     import { writeSync } from 'node:fs'
     import { isMainThread } from 'node:worker_threads'
     subscribe('signalbox:request:end', ({ status, reason }) => writeSync(1, [isMainThread, status, reason].join(' ')))`,
  )
  writeFileSync(
    main,
    `import { createSignalbox, startProxy } from '${new URL('../../engine/index.js', import.meta.url)}'
     const box = await createSignalbox({ listen: '127.0.0.1:0', workers: 1, services: { api: {} } })
     const proxy = await startProxy(box)
     await (await fetch('http://127.0.0.1:' + proxy.addresses[0].port)).text()
     await proxy.close()
     await box.close()`,
  )
  const env = { ...process.env, NODE_OPTIONS: `--import ${preload}` }
  const { stdout, stderr } = spawnSync(process.execPath, [main], { encoding: 'utf8', timeout: 30_000, env })
  assert.deepEqual({ stdout, stderr }, { stdout: 'false 503 no-endpoint', stderr: '' })
})
