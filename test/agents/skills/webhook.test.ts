import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import { reachEndpoint } from '../../../agents/skills/incidents/reach.ts'
import { type CallParams, callHook } from '../../../agents/skills/webhook.ts'

/** An edge whose time runs so many times as fast. */
function edgeAt(speed: number): Edge {
  const later = (ms: number, callback: () => void) => {
    const timer = setTimeout(callback, ms / speed)
    return () => clearTimeout(timer)
  }
  return { now: () => 0, later, signal: new AbortController().signal } as unknown as Edge
}

const edge = edgeAt(1)

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?to=ops`
}

const call = (hook: CallParams['hook'], speed = 1) =>
  callHook.run({ hook, body: { what: 'restart', subject: 'api/a' }, about: 'x' }, edgeAt(speed))

test('a hook is told by POST as JSON, and signed with the secret of its file', async t => {
  const heard: { url?: string | undefined; signature: unknown; text: string }[] = []
  const url = await listen(t, async (request, response) => {
    let text = ''
    for await (const piece of request) text += String(piece)
    heard.push({ url: request.url, signature: request.headers['x-signalbox-signature'], text })
    response.writeHead(202).end('an answer that nobody reads')
  })
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-hook-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secretFile = join(folder, 'secret')
  writeFileSync(secretFile, 's3cret\n')
  assert.deepEqual(await call({ url, secretFile }), { about: 'x', isTaken: true, reason: '202' })
  assert.deepEqual(await call({ url }), { about: 'x', isTaken: true, reason: '202' })
  const [signed, unsigned] = heard
  assert.equal(signed!.url, '/hook?to=ops')
  assert.deepEqual(JSON.parse(signed!.text), { what: 'restart', subject: 'api/a' })
  assert.equal(signed!.signature, `sha256=${createHmac('sha256', 's3cret').update(signed!.text).digest('hex')}`)
  assert.equal(unsigned!.signature, undefined)
})

test('a hook that refuses, is not there, is silent, or whose secret cannot be read is an answer like any other', async t => {
  const refusing = await listen(t, (_, response) => response.writeHead(503).end())
  assert.deepEqual(await call({ url: refusing }), { about: 'x', isTaken: false, reason: '503' })
  const gone = createTcpServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  assert.equal((await call({ url: `http://127.0.0.1:${port}/` })).reason, 'ECONNREFUSED')
  const silent = await listen(t, () => {})
  assert.equal((await call({ url: silent }, 50)).reason, 'no answer within 5000 ms')
  assert.match(
    (await call({ url: refusing, secretFile: '/nowhere/secret' })).reason,
    /^its secret cannot be read: ENOENT$/,
  )
})

test('an endpoint is reached by a connection of its own, and says why where it is not', async t => {
  const url = await listen(t, (_, response) => response.end())
  const at = { row: 3, generation: 7, timeoutMs: 5_000 }
  const origin = new URL(url).origin
  assert.deepEqual(await reachEndpoint.run({ ...at, url: origin }, edge), {
    ...{ row: 3, generation: 7, hasPassed: true, reason: 'connected' },
  })
  const notTls = await reachEndpoint.run({ ...at, url: origin.replace('http:', 'https:') }, edge)
  assert.equal(notTls.hasPassed, false)
  assert.notEqual(notTls.reason, 'connected')
})
