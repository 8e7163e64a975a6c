import assert from 'node:assert/strict'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { after, afterEach, before, describe, it } from 'node:test'
import { Client, Pool, request } from 'undici'
import type { ConfigInput } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'
import { type Origin, type Rig, startOrigin, startRig } from './rig.ts'

const endpointOf = ({ url }: Origin, id: string, more: object = {}) => ({ id, url, ...more })

/** The config of a rig on its port, with these services and routes. */
function configOf(services: Record<string, unknown>, more: Record<string, unknown> = {}): ConfigInput {
  return { listen: '127.0.0.1:0', workers: 1, services, ...more } as ConfigInput
}

describe('reload of a proxy', () => {
  const origins: Origin[] = []
  let rig: Rig
  before(async () => {
    for (const name of ['0', '1', '2']) {
      origins.push(
        await startOrigin((request, response) => {
          request.resume()
          response.setHeader('x-forwarded-seen', String(request.headers['x-forwarded-for']))
          response.setHeader('x-upstream-port', String(request.socket.remotePort))
          const answer = () => response.end(name)
          if (request.url === '/slow') setTimeout(answer, 300)
          else if (request.url !== '/never') answer()
        }),
      )
    }
  })
  after(() => Promise.all(origins.map(origin => origin.close())))
  afterEach(() => rig.close())

  const start = async (config: ConfigInput): Promise<void> => {
    const { listen: _l, workers: _w, services, ...more } = config
    rig = await startRig([], { ...more, ...({ services } as object) })
  }

  it('ten times under load fails no request, and each is answered by a config that was in force during it', async () => {
    /** Which origins answer in which generation: with services, endpoints, weights and routes that change. */
    const answersOf = (generation: number): string[] => [
      String(generation % 3),
      String((generation + (generation % 2)) % 3),
    ]
    const generationOf = (generation: number): ConfigInput => {
      const [first, second] = answersOf(generation)
      const endpoints = [endpointOf(origins[Number(first)]!, `e${first}`, { weight: 1 + (generation % 4) })]
      if (second !== first) endpoints.push(endpointOf(origins[Number(second)]!, `e${second}`))
      const name = `s${generation % 4}`
      return configOf(
        { [name]: { policy: 'round-robin', endpoints }, other: { endpoints: [] } },
        {
          routes: [{ match: { path: '/nowhere' }, service: 'other' }, { service: name }],
          limits: { headers: 100 + generation },
        },
      )
    }
    await start(generationOf(1))
    let asked = 1
    let isOver = false
    const seen = new Set<string>()
    let count = 0
    const checked = (body: string, from: number): void => {
      const allowed = new Set<string>()
      for (let generation = from; generation <= asked; generation++)
        for (const each of answersOf(generation)) allowed.add(each)
      assert.ok(allowed.has(body), `${body} is not of configs ${from} to ${asked}`)
      seen.add(body)
      count++
    }
    const pool = new Pool(rig.url, { connections: 4 })
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 2 })
    const viaUndici = async (): Promise<void> => {
      while (!isOver) {
        const from = rig.box.configStatus().generation
        const { statusCode, body } = await pool.request({ path: '/', method: 'GET' })
        const text = await body.text()
        assert.equal(statusCode, 200, text)
        // The tables lead, the threads follow: between the two the generation before still answers.
        checked(text, from - 1)
      }
    }
    const viaHttp = async (): Promise<void> => {
      while (!isOver) {
        const from = rig.box.configStatus().generation
        const text = await new Promise<string>((resolve, reject) => {
          const sent = httpRequest(rig.url, { agent, method: 'POST' }, response => {
            let all = ''
            response.on('data', chunk => (all += chunk))
            response.on('end', () => (response.statusCode === 200 ? resolve(all) : reject(new Error(all))))
            response.on('error', reject)
          })
          sent.on('error', reject)
          sent.end('a body')
        })
        checked(text, from - 1)
      }
    }
    const clients = [...Array.from({ length: 4 }, viaUndici), ...Array.from({ length: 2 }, viaHttp)]
    const failed = Promise.all(clients)
    failed.catch(() => {})
    for (let generation = 2; generation <= 11; generation++) {
      asked = generation
      const { isChanged } = await rig.box.reload(generationOf(generation))
      assert.ok(isChanged)
      const before = count
      await Promise.race([failed, eventually('requests go on', () => count > before + 20)])
    }
    isOver = true
    await failed
    assert.deepEqual([...seen].sort(), ['0', '1', '2'])
    assert.equal(rig.box.configStatus().generation, 11)
    await pool.close()
    agent.destroy()
  })

  it('a kept-alive connection follows routes, limits and trusted proxies from its next request on', async () => {
    const services = {
      a: { endpoints: [endpointOf(origins[0]!, 'a')] },
      b: { endpoints: [endpointOf(origins[1]!, 'b')] },
    }
    await start(configOf(services, { routes: [{ service: 'a' }] }))
    const client = new Client(rig.url)
    const get = async (headers: Record<string, string> = {}) => {
      const { statusCode, headers: got, body } = await client.request({ path: '/', method: 'GET', headers })
      return {
        status: statusCode,
        body: await body.text(),
        forwarded: got['x-forwarded-seen'],
        reason: got['x-signalbox-reason'],
      }
    }
    const claim = { 'x-forwarded-for': '192.0.2.1' }
    const first = await get(claim)
    assert.deepEqual([first.body, first.forwarded], ['0', '127.0.0.1'])
    const opened = rig.proxy.threads()[0]!.openConnections
    await rig.box.reload(configOf(services, { routes: [{ service: 'b' }], trustedProxies: ['127.0.0.0/8'] }))
    const second = await get(claim)
    assert.deepEqual([second.body, second.forwarded], ['1', '192.0.2.1, 127.0.0.1'])
    await rig.box.reload(
      configOf(services, { routes: [{ match: { path: '/x' }, service: 'b' }], limits: { headers: 1 } }),
    )
    assert.equal((await get(claim)).reason, 'too-many-headers')
    assert.equal(rig.proxy.threads()[0]!.openConnections, opened, 'all on one connection')
    await rig.box.reload(configOf(services, { routes: [{ match: { path: '/x' }, service: 'b' }] }))
    assert.equal((await get()).reason, 'no-route')
    await client.close()
  })

  it('what the parser allows counts for new connections, and idle times for all', async () => {
    const services = { a: { endpoints: [endpointOf(origins[0]!, 'a')] } }
    await start(configOf(services, { limits: { headerBytes: '1KiB', urlBytes: '1KiB' } }))
    const long = { 'x-long': 'x'.repeat(10_000) }
    const get = async (headers: Record<string, string>) => {
      const client = new Client(rig.url)
      const { statusCode, headers: got, body } = await client.request({ path: '/', method: 'GET', headers })
      await body.dump()
      await client.close()
      return { status: statusCode, keepAlive: got['keep-alive'] }
    }
    assert.equal((await get(long)).status, 431)
    await rig.box.reload(
      configOf(services, { limits: { headerBytes: '64KiB', urlBytes: '1KiB', keepAliveIdle: '7s' } }),
    )
    assert.deepEqual(await get(long), { status: 200, keepAlive: 'timeout=7' })
  })

  it('a request in flight ends by the config it began with', async () => {
    const slow = (request: string) =>
      configOf({ a: { endpoints: [endpointOf(origins[0]!, 'a')], timeouts: { request } } })
    await start(slow('10s'))
    const first = request(`${rig.url}/slow`)
    await eventually('it is in flight', () => rig.box.explain('a').inflight === 1)
    await rig.box.reload(slow('50ms'))
    const second = await request(`${rig.url}/slow`)
    assert.equal(second.headers['x-signalbox-reason'], 'request-timeout')
    await second.body.dump()
    const { statusCode, body } = await first
    assert.deepEqual([statusCode, await body.text()], [200, '0'])
  })

  it('keeps connections to endpoints that stay, and makes new ones where their times changed', async () => {
    const service = (more: object) => configOf({ a: { endpoints: [endpointOf(origins[0]!, 'a')], ...more } })
    await start(service({}))
    const port = async (): Promise<unknown> => {
      const { headers, body } = await request(rig.url)
      await body.dump()
      return headers['x-upstream-port']
    }
    const before = await port()
    await rig.box.reload(service({ retry: { attempts: 0 }, panicThreshold: '20%' }))
    assert.equal(await port(), before)
    await rig.box.reload(service({ timeouts: { firstByte: '200ms' } }))
    assert.notEqual(await port(), before)
    const { headers, body } = await request(`${rig.url}/never`)
    await body.dump()
    assert.equal(headers['x-signalbox-reason'], 'first-byte-timeout')
    await eventually('the old ones are given back', () => rig.box.explain('a').connections === 0)
  })

  it('a thread that dies comes back with the newest config', async () => {
    const services = {
      a: { endpoints: [endpointOf(origins[0]!, 'a')] },
      b: { endpoints: [endpointOf(origins[1]!, 'b')] },
    }
    await start(configOf(services, { routes: [{ service: 'a' }] }))
    await rig.box.reload(configOf(services, { routes: [{ service: 'b' }] }))
    await rig.proxy.kill(0)
    // While there is no thread there is nobody to tell: the next one starts with it.
    await rig.box.reload(configOf(services, { routes: [{ service: 'b' }], limits: { headers: 99 } }))
    const text = await eventually('it serves again', async () => (await request(rig.url)).body.text())
    assert.equal(text, '1')
  })

  it('access lines begin and end with a reload', async () => {
    const services = { a: { endpoints: [endpointOf(origins[0]!, 'a')] } }
    const lines: string[] = []
    rig = await startRig([], {
      ...({ services } as object),
      log: { access: false },
      options: { onAccessLines: bytes => lines.push(...Buffer.from(bytes).toString().trim().split('\n')) },
    })
    const get = async (path: string): Promise<void> =>
      (await request(`${rig.url}${path}`)).body.dump() as Promise<never>
    await get('/1')
    await rig.box.reload(configOf(services, { log: { access: true } }))
    await get('/2')
    await rig.box.reload(configOf(services, { log: { access: false } }))
    await get('/3')
    await rig.proxy.drain(1000)
    assert.deepEqual(
      lines.map(line => JSON.parse(line).path),
      ['/2'],
    )
  })

  it('addresses and threads stay, and a config that wants others is refused whole', async () => {
    const services = { a: { endpoints: [endpointOf(origins[0]!, 'a')] } }
    await start(configOf(services))
    const next = configOf({ b: services.a }, { listen: '127.0.0.1:1', workers: 3 })
    await assert.rejects(rig.box.reload(next), {
      code: 'SBX_CONFIG_FIXED',
      message: /2 changes .*\nlisten: the proxy keeps the addresses.*\nworkers: the proxy keeps its threads.*restart/,
    })
    assert.equal(await (await request(rig.url)).body.text(), '0')
    assert.deepEqual(
      rig.box.services().map(({ service }) => service),
      ['a'],
    )
  })
})
