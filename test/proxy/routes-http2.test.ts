import assert from 'node:assert/strict'
import { createSecureServer } from 'node:http2'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../engine/index.ts'
import { type CertificateFolder, certificateFolder, makeAuthority } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { listen, startH2c } from './http2-origin.ts'
import { ask, connect } from './http2-rig.ts'
import { startOrigin, startRig } from './rig.ts'

let folder: CertificateFolder
const authority = makeAuthority()
const here = authority.sign('here', 'IP:127.0.0.1')
before(() => {
  folder = certificateFolder()
  folder.make('a', 'a.example')
})
after(() => {
  folder.remove()
  authority.remove()
})

/** What an endpoint was asked for: method, target, authority, one field. */
type Asked = [method: string, path: string, authority: string, edge: unknown]

/** Endpoints by HTTP/2 in plain text, by HTTP/2 over TLS, and by HTTP/1.1; each says its name and keeps what it was asked. */
async function startEndpoints(t: TestContext) {
  const asked: Record<string, Asked[]> = { plain: [], secure: [], old: [] }
  const answerOf =
    (name: string) =>
    (stream: Parameters<Parameters<typeof startH2c>[1]>[0], headers: Record<string, unknown>): void => {
      asked[name].push([
        String(headers[':method']),
        String(headers[':path']),
        String(headers[':authority']),
        headers['x-edge'],
      ])
      stream.respond({ ':status': 200, server: 'secret', 'x-name': name })
      stream.end(name)
    }
  const plain = await startH2c(t, answerOf('plain'))
  const secure = await listen(t, createSecureServer(here), 'https', answerOf('secure'))
  const old = await startOrigin((request, response) => {
    asked.old.push([
      String(request.method),
      String(request.url),
      String(request.headers.host),
      request.headers['x-edge'],
    ])
    response.setHeader('server', 'secret')
    response.setHeader('x-name', 'old')
    response.end('old')
  })
  t.after(() => old.close())
  const services = {
    plain: { protocol: 'http2', endpoints: [{ url: plain.url }] },
    secure: { protocol: 'http2', tls: { ca: authority.ca }, endpoints: [{ url: secure.url }] },
    old: { endpoints: [{ url: old.url }] },
  }
  return { asked, services }
}

const tls = () => ({
  listen: { address: '127.0.0.1:0', tls: { cert: folder.path('a.pem'), key: folder.path('a.key') } },
})

describe('routes over HTTP/2 and TLS', () => {
  it('redirect, respond, rewrite, edit headers, whatever the endpoint speaks', async t => {
    const { asked, services } = await startEndpoints(t)
    const edits = {
      requestHeaders: { set: { 'x-edge': 'z1' } },
      responseHeaders: { add: { 'x-added': 'yes' }, remove: ['server'] },
    }
    const rig = await startRig([], {
      ...tls(),
      services,
      routes: [
        { match: { path: '/moved/' }, redirect: { prefix: '/new/', status: 301 } },
        { match: { path: '/plain/', scheme: 'http' }, redirect: { scheme: 'https' } },
        { match: { exactPath: '/status' }, respond: { body: 'grün\n', headers: { 'X-Own': 'yes' } } },
        { match: { exactPath: '/empty' }, respond: { status: 204 } },
        ...['plain', 'secure', 'old'].map(service => ({
          match: { path: `/${service}/` },
          service,
          rewrite: { prefix: '/v2/', host: 'inner.example' },
          ...edits,
        })),
      ],
    } as unknown as Parameters<typeof startRig>[1])
    t.after(() => rig.close())
    const session = connect(t, rig)
    const get = (path: string, method = 'GET') =>
      ask(session, { ':path': path, ':method': method, ':authority': 'a.example' })

    const moved = await get('/moved/x?y=1')
    assert.deepEqual([moved.status, moved.headers.location, moved.code], [301, '/new/x?y=1', 0])
    const own = await get('/status')
    assert.deepEqual([own.status, own.body, own.headers['x-own']], [200, 'grün\n', 'yes'])
    const head = await get('/status', 'HEAD')
    assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', own.headers['content-length']])
    const empty = await get('/empty')
    assert.deepEqual([empty.status, empty.body, empty.code], [204, '', 0])
    const none = await get('/nowhere')
    assert.deepEqual([none.status, none.headers['x-signalbox-reason']], [404, 'no-route'])
    for (const name of ['plain', 'secure', 'old']) {
      const { status, body, headers } = await get(`/${name}/a%20b?c=d`)
      assert.deepEqual([status, body, headers['x-added'], headers.server], [200, name, 'yes', undefined])
      assert.deepEqual(asked[name], [['GET', '/v2/a%20b?c=d', 'inner.example', 'z1']])
    }
  })

  it('mirror and split go on across ten reloads under load, and no request fails', async t => {
    const { asked, services } = await startEndpoints(t)
    const configOf = (generation: number): ConfigInput =>
      ({
        ...tls(),
        workers: 1,
        services: { ...services, shadow: services.secure },
        routes: [
          {
            // In each generation one side alone has the whole weight of the first, so that both are seen to follow.
            split: generation % 2 === 0 ? { plain: 100, old: 0 } : { plain: 0, old: 100 },
            requestHeaders: { set: { 'x-edge': `g${generation}` } },
            mirror: { service: 'shadow' },
          },
        ],
      }) as unknown as ConfigInput
    const rig = await startRig([], configOf(0) as Parameters<typeof startRig>[1])
    t.after(() => rig.close())
    const session = connect(t, rig)
    let isOver = false
    let count = 0
    const clients = Array.from({ length: 6 }, async () => {
      while (!isOver) {
        const { status, code } = await ask(session, { ':path': '/x' })
        assert.deepEqual([status, code], [200, 0])
        count++
      }
    })
    const failed = Promise.all(clients)
    failed.catch(() => {})
    for (let generation = 1; generation <= 10; generation++) {
      const { isChanged } = await rig.box.reload(configOf(generation))
      assert.ok(isChanged)
      const before = count
      const side = generation % 2 === 0 ? 'plain' : 'old'
      const isFollowed = (list: Asked[]): boolean => list.some(([, , , edge]) => edge === `g${generation}`)
      await Promise.race([
        failed,
        eventually('both follow', () => count > before + 12 && isFollowed(asked[side]) && isFollowed(asked.secure)),
      ])
    }
    isOver = true
    await failed
    await eventually('no copy is under way', () => rig.box.explain('shadow').endpoints[0].inflight === 0)
    const [{ mirrored, mirrorsFailed, mirrorsSkipped, responses }] = rig.proxy.threads()
    assert.equal(responses['2xx'], count)
    assert.equal(mirrorsFailed, 0)
    assert.equal(mirrored + mirrorsSkipped, count)
    assert.equal(asked.secure.length, mirrored)
    assert.equal(asked.plain.length + asked.old.length, count)
    for (const service of ['plain', 'old']) assert.equal(rig.box.explain(service).endpoints[0].inflight, 0)
  })
})
