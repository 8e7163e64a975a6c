import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { checkEndpoint } from '../../agents/health-monitor/actions.ts'
import { RoutedDispatcher } from '../../engine/undici.ts'
import { makeAuthority } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { inflight, type Rig, startOrigin, startRig } from './rig.ts'

const authority = makeAuthority()
const stranger = makeAuthority()
const here = authority.sign('here', 'IP:127.0.0.1,DNS:api.internal')
const elsewhere = authority.sign('elsewhere', 'DNS:elsewhere.internal')
const client = authority.sign('client', 'DNS:client')
after(() => {
  authority.remove()
  stranger.remove()
})

interface Seen {
  names: (string | false | undefined)[]
  resumed: boolean[]
  hosts: (string | undefined)[]
}

/** An https origin; `seen` says what its downstream said of itself. */
async function startTls(
  t: TestContext,
  options: ServerOptions,
  answer: (response: ServerResponse) => void = response => response.end('over TLS'),
): Promise<{ url: string; port: number; seen: Seen }> {
  const seen: Seen = { names: [], resumed: [], hosts: [] }
  const server = createServer(options, (request, response) => {
    seen.hosts.push(request.headers.host)
    request.resume()
    answer(response)
  })
  server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) => {
    seen.names.push(socket.servername)
    seen.resumed.push(socket.isSessionReused())
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}`, port, seen }
}

async function rigOf(t: TestContext, urls: string[], service: Record<string, unknown>): Promise<Rig> {
  const rig = await startRig(urls, { service })
  t.after(() => rig.close())
  return rig
}

/** Status and reason of a GET. */
async function ask(rig: Rig, init: RequestInit = {}): Promise<[number, string | null, string]> {
  const answer = await fetch(rig.url, init)
  return [answer.status, answer.headers.get('x-signalbox-reason'), await answer.text()]
}

const refused = (answer: [number, string | null, string]): void =>
  assert.deepEqual(answer.slice(0, 2), [502, 'upstream-tls'])

describe('an https endpoint', () => {
  it('is believed by the authority the service names, by its address', async t => {
    const { url, seen } = await startTls(t, here)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca } })
    assert.deepEqual(await ask(rig), [200, null, 'over TLS'])
    // An address is no name for SNI; the Host of the downstream is not one either.
    assert.deepEqual(seen.names, [false])
    assert.deepEqual(seen.hosts, [`127.0.0.1:${rig.port}`])
  })

  it('keeps its connection whatever hosts are asked for', async t => {
    const { url, seen } = await startTls(t, here)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca } })
    for (const host of ['a.example', 'b.example', 'a.example']) {
      assert.equal((await ask(rig, { headers: { 'x-forwarded-host': host } }))[0], 200)
    }
    assert.equal(seen.names.length, 1)
  })

  it('is not believed without one, by a strange one, or with another name: 502 upstream-tls', async t => {
    const { url } = await startTls(t, here)
    const { url: other } = await startTls(t, elsewhere)
    refused(await ask(await rigOf(t, [url], {})))
    refused(await ask(await rigOf(t, [url], { tls: { ca: stranger.ca } })))
    const rig = await rigOf(t, [other], { tls: { ca: authority.ca } })
    refused(await ask(rig, { method: 'POST', body: 'x' }))
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    assert.ok(rig.box.explain('api').endpoints[0].totals.error > 0)
  })

  it('that is not believed is passed over for another one, even by a POST', async t => {
    const { url: bad } = await startTls(t, elsewhere)
    const { url: good } = await startTls(t, here)
    const rig = await rigOf(t, [bad, good], {
      tls: { ca: authority.ca },
      retry: { budget: '100%', budgetMin: 100 },
      outlier: { consecutive5xx: 0, burst: 0 },
    })
    for (let i = 0; i < 4; i++) assert.equal((await ask(rig, { method: 'POST', body: 'all of it' }))[0], 200)
  })

  it('is asked for by the name the service gives, and checked against it', async t => {
    const { url, seen } = await startTls(t, elsewhere)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca, serverName: 'elsewhere.internal' } })
    assert.equal((await ask(rig))[0], 200)
    assert.deepEqual(seen.names, ['elsewhere.internal'])
    refused(await ask(await rigOf(t, [url], { tls: { ca: authority.ca, serverName: 'wrong.internal' } })))
  })

  it('is believed blindly where verify is false, and the log says so', async t => {
    const { url } = await startTls(t, elsewhere)
    const rig = await rigOf(t, [url], { tls: { verify: false } })
    assert.equal((await ask(rig))[0], 200)
    assert.ok(rig.log.some(line => line.startsWith('warn service does not verify its endpoints')))
  })

  it('is shown the certificate of the service, and refuses without', async t => {
    const asking = { ...here, ca: readFileSync(authority.ca), requestCert: true, rejectUnauthorized: true }
    const { url } = await startTls(t, asking)
    const { certFile: cert, keyFile: key } = client
    assert.equal((await ask(await rigOf(t, [url], { tls: { ca: authority.ca, cert, key } })))[0], 200)
    // TLS 1.3 lets us send before it says no, and the connection may be reset before that is read.
    const [status, reason] = await ask(await rigOf(t, [url], { tls: { ca: authority.ca }, retry: { attempts: 0 } }))
    assert.equal(status, 502)
    assert.ok(reason === 'upstream-tls' || reason === 'upstream-broke', `${reason}`)
  })

  it('that speaks an older TLS than asked for, or none, is none', async t => {
    const { url } = await startTls(t, { ...here, maxVersion: 'TLSv1.2' })
    refused(await ask(await rigOf(t, [url], { tls: { ca: authority.ca, minVersion: 'TLSv1.3' } })))
    const plain = await startOrigin((_, response) => response.end())
    t.after(() => plain.close())
    refused(await ask(await rigOf(t, [plain.url.replace('http:', 'https:')], {})))
  })

  it('takes up the session of the connection before', async t => {
    const { url, seen } = await startTls(t, here)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca }, connections: { maxAge: '1ms' } })
    await eventually('a session was taken up', async () => {
      assert.equal((await ask(rig))[0], 200)
      return seen.resumed.includes(true)
    })
    assert.equal(seen.resumed[0], false)
  })
})

const HOSTS = ['a.example', 'b.example', 'a.example', 'b.example', 'a.example', 'b.example']

describe('RoutedDispatcher', () => {
  it('reaches an https endpoint by the words of its service, from the handle alone too', async t => {
    const { url, seen } = await startTls(t, here)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca } })
    for (const from of [rig.box, rig.box.handle]) {
      await using dispatcher = new RoutedDispatcher(from, 'api')
      for (const host of HOSTS) {
        const { statusCode, body } = await dispatcher.request({
          origin: `http://${host}`,
          path: '/',
          method: 'GET',
          headers: { host },
        })
        assert.deepEqual([statusCode, await body.text()], [200, 'over TLS'])
      }
    }
    assert.deepEqual(seen.hosts, [...HOSTS, ...HOSTS])
    // undici's pool opens a second connection for the second request; another name would have meant another one each time.
    assert.ok(seen.names.length <= 4, `${seen.names.length} connections`)
    const blind = await rigOf(t, [url], {})
    await using dispatcher = new RoutedDispatcher(blind.box, 'api')
    await assert.rejects(dispatcher.request({ origin: 'http://x', path: '/', method: 'GET' }), {
      code: 'SBX_UPSTREAM_TLS',
    })
  })
})

describe('checkEndpoint', () => {
  const edge = {
    attachment: undefined as never,
    now: () => Math.floor(performance.now()),
    later: () => () => {},
    signal: new AbortController().signal,
  }

  it('asks an https endpoint as requests do, and says why it does not believe one', async t => {
    const { url } = await startTls(t, here)
    const params = { row: 1, generation: 1, round: 0, url, path: '/', timeoutMs: 5000 }
    const tls = { ca: authority.ca, verify: true, minVersion: 'TLSv1.2' } as const
    const { verdict, reason } = await checkEndpoint.run({ ...params, upstream: { tls } }, edge)
    assert.deepEqual([verdict, reason], ['passed', '200'])
    const blind = await checkEndpoint.run(params, edge)
    assert.equal(blind.verdict, 'failed')
    assert.match(blind.reason, /UNABLE_TO|SELF_SIGNED/)
  })
})

describe('a request that waits for a connection', () => {
  /** Passes the first connection on to `port`; all others stand, and nothing comes of them. */
  async function startGate(t: TestContext, port: number): Promise<{ url: string; held: () => number }> {
    const sockets: Socket[] = []
    const gate = createNetServer(socket => {
      socket.on('error', () => {})
      if (sockets.push(socket) > 1) return
      const inner = connect(port, '127.0.0.1')
      inner.on('error', () => {})
      socket.pipe(inner).pipe(socket)
    })
    gate.listen(0, '127.0.0.1')
    await once(gate, 'listening')
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      gate.close()
    })
    return { url: `https://127.0.0.1:${(gate.address() as AddressInfo).port}`, held: () => sockets.length - 1 }
  }

  it('goes out on one that is free sooner, which costs no try', async t => {
    let answer: (() => void) | undefined
    const { port } = await startTls(t, here, response => {
      if (answer === undefined) answer = () => response.end('over TLS')
      else response.end('over TLS')
    })
    const { url, held } = await startGate(t, port)
    const rig = await rigOf(t, [url], { tls: { ca: authority.ca }, timeouts: { connect: '1h' } })
    const first = ask(rig)
    await eventually('the first is under way', () => answer !== undefined)
    const second = ask(rig)
    await eventually('the second waits for a connection', () => held() === 1)
    answer?.()
    assert.equal((await first)[0], 200)
    assert.equal((await second)[0], 200)
    assert.equal(held(), 1)
    assert.equal(rig.proxy.threads()[0].retries, 0)
    await eventually('both are settled', () => inflight(rig.box) === 0)
  })
})
