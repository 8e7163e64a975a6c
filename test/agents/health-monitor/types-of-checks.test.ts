import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { type CheckParams, checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { type Sighting, sightingsAt } from '../../../agents/health-monitor/sightings.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { edgeOf, http, nowhere, raw } from './servers.ts'

/** Checks once; what came to light besides the verdict is in `seen`, which may still grow. */
async function check(params: Partial<CheckParams> & { url: string }) {
  const edge = edgeOf()
  const names = { row: 3, generation: 5, round: 0, service: 'api', id: 'a' }
  const { verdict, reason } = await checkEndpoint.run({ path: '/up', timeoutMs: 2_000, ...names, ...params }, edge)
  const all: Sighting[] = []
  const seen = (): readonly Sighting[] => {
    all.push(...sightingsAt(edge.attachment).take('test'))
    return all
  }
  return { verdict, reason, seen }
}

test('a check of type tcp passes where a connection is taken, and fails where none is', async t => {
  const url = await raw(t, () => {})
  const { verdict, reason, seen } = await check({ url, type: 'tcp' })
  assert.deepEqual([verdict, reason], ['passed', 'connected'])
  const { check: whole, connects, id } = seen()[0]!
  assert.ok(whole?.hasPassed && whole.tookUs > 0 && id === 'a')
  assert.ok(connects!.length === 1 && connects![0]! > 0)
  const gone = await check({ url: await nowhere(), type: 'tcp' })
  assert.deepEqual([gone.verdict, gone.reason, gone.seen()[0]?.connects], ['failed', 'ECONNREFUSED', [null]])
})

test('a check of type tls passes with a certificate that is trusted, and fails with another, and where no TLS is spoken', async t => {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  const { cert, key } = folder.make('endpoint', 'IP:127.0.0.1')
  const { readFileSync } = await import('node:fs')
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, socket =>
    socket.on('error', () => {}),
  )
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  // By whatever scheme: the type says what is spoken.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tls = { verify: true, minVersion: 'TLSv1.2', ca: cert } as const
  const trusted = await check({ url, type: 'tls', upstream: { tls } })
  assert.deepEqual([trusted.verdict, trusted.reason], ['passed', 'TLS'])
  const stranger = await check({ url, type: 'tls' })
  assert.deepEqual([stranger.verdict, stranger.reason], ['failed', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
  assert.equal(stranger.seen()[0]?.tls?.isTrusted, false)
  const plain = await raw(t, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  assert.equal((await check({ url: plain, type: 'tls' })).verdict, 'failed')
})

test('expect says which statuses pass', async t => {
  const url = await http(t, (_, response) => response.writeHead(401).end())
  assert.equal((await check({ url, expect: { statuses: [200, 401] } })).verdict, 'passed')
  assert.equal((await check({ url, expect: { statuses: [200] } })).verdict, 'failed')
})

test('expect says what the body must have in it, and then the body is waited for', async t => {
  const url = await http(t, ({ url: path }, response) => {
    response.write('sta')
    setTimeout(() => response.end(path === '/up' ? 'tus: ready' : 'tus: no'), 20)
  })
  assert.deepEqual((await check({ url, expect: { body: 'status: ready' } })).verdict, 'passed')
  const { verdict, reason } = await check({ url, path: '/other', expect: { body: 'status: ready' } })
  assert.deepEqual([verdict, reason], ['failed', 'its body does not have "status: ready" in it'])
})

test('a basic check sees the load that an endpoint reports, in its header at once and in its body when that has come (SE-23)', async t => {
  const url = await http(t, (_, response) => {
    response.writeHead(200, {
      'content-type': 'application/health+json; charset=utf-8',
      'endpoint-load-metrics': 'TEXT cpu_utilization=0.3, mem_utilization=0.7',
    })
    response.end(JSON.stringify({ status: 'pass', uptime: 12, resources: { cpu: 0.4 } }))
  })
  const { verdict, seen } = await check({ url })
  assert.equal(verdict, 'passed')
  const { load, status } = seen()[0]!
  assert.deepEqual({ load, status }, { load: { by: 'header', shares: { cpu: 0.3, memory: 0.7 } }, status: 200 })
  const body = await eventually('the body is there', () => seen().find(each => each.body))
  assert.deepEqual(
    [body.load, body.body?.uptimeS, body.body?.says],
    [{ by: 'health-body', shares: { cpu: 0.4 } }, 12, 'passed'],
  )
})
