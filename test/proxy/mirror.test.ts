import assert from 'node:assert/strict'
import type net from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { deadUrl, exchangeRaw, head, type Rig, startRawOrigin, startRig } from './rig.ts'

/** As many as may be under way in one thread. */
const UNDER_WAY_MAX = 64

/** Origins that are closed after the test, however it ends. */
const rawOrigin = async (t: TestContext, answer?: Parameters<typeof startRawOrigin>[0]) => {
  const origin = await startRawOrigin(answer)
  t.after(() => origin.close())
  return origin
}

async function startMirrored(
  t: TestContext,
  main: string,
  shadow: string,
  { mirror = {}, route = {}, shadowService = {} }: Record<string, object> = {},
): Promise<Rig> {
  const rig = await startRig([], {
    services: {
      api: { endpoints: [{ url: main }] },
      shadow: { endpoints: [{ url: shadow }], ...shadowService },
    },
    routes: [{ service: 'api', mirror: { service: 'shadow', ...mirror }, ...route }],
  } as Parameters<typeof startRig>[1])
  t.after(() => rig.close())
  return rig
}

const counts = (rig: Rig) => {
  const [{ mirrored, mirrorsFailed, mirrorsSkipped }] = rig.proxy.threads()
  return { mirrored, mirrorsFailed, mirrorsSkipped }
}

/** Copies under way. */
const shadowed = (rig: Rig): number =>
  rig.box.explain('shadow').endpoints.reduce((sum, { inflight }) => sum + inflight, 0)

/** GETs sent at once; many more than these and the endpoint's queue of connections overflows on a busy machine. */
const AT_ONCE = 100

/** So many GETs, AT_ONCE of them on one connection each time; how many were answered with which status. */
async function getMany(rig: Rig, count: number): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {}
  for (let left = count; left > 0; left -= AT_ONCE) {
    const bytes = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(Math.min(left, AT_ONCE) - 1) + head('/')
    const text = await exchangeRaw(rig.port, bytes, { timeoutMs: 30_000 })
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d+)/g)) statuses[status] = (statuses[status] ?? 0) + 1
  }
  return statuses
}

describe('a mirror', () => {
  it('gets a request as its service gets it, once', async t => {
    const [main, shadow] = await Promise.all([rawOrigin(t), rawOrigin(t)])
    const rig = await startMirrored(t, main.url, shadow.url, {
      route: { rewrite: { host: 'inner.example' }, requestHeaders: { set: { 'x-one': '1' } } },
    })
    const answer = await exchangeRaw(rig.port, head('/a%2Fb?x', 'X-Two: 2'))
    assert.match(answer, /\r\n\r\nok$/)
    await eventually('the copy has come', () => shadow.received() !== '')
    assert.equal(shadow.received(), main.received())
    assert.match(
      shadow.received(),
      /^GET \/a%2Fb\?x HTTP\/1\.1\r\nHost: inner\.example\r\n[\s\S]*\r\nx-one: 1\r\n\r\n$/,
    )
    await eventually('the copy is settled', () => shadowed(rig) === 0)
    assert.deepEqual(counts(rig), { mirrored: 1, mirrorsFailed: 0, mirrorsSkipped: 0 })
    assert.equal(rig.box.explain('shadow').endpoints[0].totals.ok, 1)
  })

  it('gets no request that has a body or goes on in another protocol', async t => {
    const [main, shadow] = await Promise.all([rawOrigin(t), rawOrigin(t)])
    const rig = await startMirrored(t, main.url, shadow.url)
    await exchangeRaw(rig.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi')
    const upgrade = ['Upgrade: websocket', 'Connection: upgrade']
    await exchangeRaw(rig.port, `GET / HTTP/1.1\r\nHost: a\r\n${upgrade.join('\r\n')}\r\n\r\n`)
    assert.match(main.received(), /\r\nUpgrade: websocket\r\n/)
    await exchangeRaw(rig.port, 'DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    await eventually('the copy has come', () => shadow.received() !== '')
    assert.match(shadow.received(), /^DELETE /)
    assert.equal(counts(rig).mirrored, 1)
  })

  it('gets its share', async t => {
    const [main, shadow] = await Promise.all([rawOrigin(t), rawOrigin(t)])
    const rig = await startMirrored(t, main.url, shadow.url, { mirror: { share: '25%' } })
    const n = 1000
    assert.deepEqual(await getMany(rig, n), { 200: n })
    const { mirrored, mirrorsSkipped } = counts(rig)
    // Five standard deviations of a binomial: 5 × sqrt(1000 × 0.25 × 0.75) = 68.
    assert.ok(Math.abs(mirrored + mirrorsSkipped - 250) <= 68, `${mirrored} of ${n}`)
  })

  it('that hangs delays no request, and has no more than its places under way', async t => {
    const main = await rawOrigin(t)
    const shadow = await rawOrigin(t, () => {})
    const rig = await startMirrored(t, main.url, shadow.url, { shadowService: { timeouts: { firstByte: '300ms' } } })
    // None of the copies is ever answered: that all requests are is the proof that none waits for one.
    assert.deepEqual(await getMany(rig, 300), { 200: 300 })
    await eventually('every copy has timed out', () => shadowed(rig) === 0)
    const { mirrored, mirrorsFailed, mirrorsSkipped } = counts(rig)
    assert.equal(mirrored + mirrorsSkipped, 300)
    assert.equal(mirrorsFailed, mirrored)
    assert.ok(mirrored >= UNDER_WAY_MAX, `${mirrored} copies`)
    assert.equal(rig.box.explain('shadow').endpoints[0].totals.timeout, mirrored)
    assert.deepEqual(await getMany(rig, 2), { 200: 2 })
    assert.ok(counts(rig).mirrored > mirrored, 'its places are free again')
  })

  it('that hangs has just its places under way', async t => {
    const main = await rawOrigin(t)
    const shadow = await rawOrigin(t, () => {})
    const rig = await startMirrored(t, main.url, shadow.url)
    assert.deepEqual(await getMany(rig, 100), { 200: 100 })
    assert.deepEqual(counts(rig), {
      mirrored: UNDER_WAY_MAX,
      mirrorsFailed: 0,
      mirrorsSkipped: 100 - UNDER_WAY_MAX,
    })
    assert.equal(shadowed(rig), UNDER_WAY_MAX)
  })

  it('that refuses, breaks off or has nobody fails alone', async t => {
    const main = await rawOrigin(t)
    const broken = await rawOrigin(t, socket => socket.destroy())
    for (const url of [await deadUrl(), broken.url]) {
      const rig = await startMirrored(t, main.url, url)
      assert.deepEqual(await getMany(rig, 20), { 200: 20 })
      await eventually('every copy is settled', () => shadowed(rig) === 0)
      const { mirrored, mirrorsFailed, mirrorsSkipped } = counts(rig)
      assert.equal(mirrored, mirrorsFailed)
      assert.equal(mirrored + mirrorsSkipped, 20)
    }
    const rig = await startMirrored(t, main.url, broken.url, { shadowService: { endpoints: [] } })
    assert.deepEqual(await getMany(rig, 20), { 200: 20 })
    assert.deepEqual(counts(rig), { mirrored: 0, mirrorsFailed: 0, mirrorsSkipped: 20 })
  })

  it('that floods is cut off', async t => {
    const main = await rawOrigin(t)
    let flooding: net.Socket | undefined
    let written = 0
    const shadow = await rawOrigin(t, socket => {
      flooding = socket
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
      const pour = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(64 * 1024))) written += 64 * 1024
      }
      socket.on('drain', pour)
      pour()
    })
    const rig = await startMirrored(t, main.url, shadow.url)
    assert.deepEqual(await getMany(rig, 1), { 200: 1 })
    await eventually('the flood is cut', () => flooding?.destroyed === true && shadowed(rig) === 0)
    // One MiB is read; the rest is what fits into the sockets between.
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes`)
    assert.deepEqual(await getMany(rig, 5), { 200: 5 })
    assert.equal(rig.box.explain('shadow').endpoints[0].totals.ok >= 1, true)
  })

  it('is given up with the proxy, and holds nothing', async t => {
    const main = await rawOrigin(t)
    const shadow = await rawOrigin(t, () => {})
    const rig = await startMirrored(t, main.url, shadow.url)
    assert.deepEqual(await getMany(rig, 10), { 200: 10 })
    await rig.proxy.drain(5000)
    assert.equal(shadowed(rig), 0)
  })
})
