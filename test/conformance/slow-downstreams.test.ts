import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { inflight, type Origin, type Rig, startOrigin, startRig } from '../proxy/rig.ts'
import { eventually } from '../support/eventually.ts'

/** Downstreams that take their time, by the hundred, beside one that does not. */

const HEADERS = 200
const BODIES = 200
const READERS = 100
const DRIPPERS = 20
/** Short, so that the test sees them end, and long beside what a busy machine delays. */
const LIMITS = { headerTimeout: '5s', bodyIdle: '5s', bodyRate: '10KiB' }
const IDLE = '5s'
/** More than what the kernel holds between two sockets, so that it does not all lie there. */
const LONG_BODY_BYTES = 8 << 20
/** Of all 500 together, generously: what is not bounded would hold 100 × 8 MiB of answers alone, twice. */
const GROWTH_MIB_MAX = 400
const NORMAL_REQUESTS = 200

interface Slow {
  readonly socket: net.Socket
  text: string
  isGone: boolean
}

function connect(port: number, bytes: string): Slow {
  const socket = net.connect({ host: '127.0.0.1', port })
  const slow: Slow = { socket, text: '', isGone: false }
  socket.on('connect', () => socket.write(bytes))
  socket.on('error', () => {})
  socket.on('close', () => {
    slow.isGone = true
  })
  return slow
}

function readOn(slow: Slow): Slow {
  slow.socket.on('data', bytes => {
    slow.text += bytes.toString('latin1')
  })
  return slow
}

/** One request after the other; the time of each in ms, in rising order. */
async function ask(url: string, requests: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < requests; i++) {
    const begun = performance.now()
    const answer = await fetch(`${url}/quick`)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'ok')
    times.push(performance.now() - begun)
  }
  return times.sort((a, b) => a - b)
}

const p99 = (times: readonly number[]): string => `${times[Math.floor(times.length * 0.99)]!.toFixed(1)} ms`
const rssMib = (): number => process.memoryUsage.rss() / 2 ** 20

describe('slow downstreams', () => {
  let origin: Origin
  let rig: Rig
  let asked = 0
  const body = Buffer.alloc(LONG_BODY_BYTES, 'x')

  before(async () => {
    origin = await startOrigin((request, response) => {
      if (request.url !== '/quick') asked++
      if (request.url === '/long') response.end(body)
      else request.resume().on('end', () => response.end('ok'))
    })
    rig = await startRig([origin.url], { limits: LIMITS, service: { timeouts: { idle: IDLE } } })
  })
  after(async () => {
    await rig.close()
    await origin.close()
  })

  it('disturb nobody, hold bounded memory, and are cut at their deadlines with their reasons', async t => {
    // The first ones find cold code, and would make the quiet time look bad.
    await ask(rig.url, NORMAL_REQUESTS)
    const quiet = await ask(rig.url, NORMAL_REQUESTS)
    const before = rssMib()
    const post = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome of it'
    const times = (count: number, bytes: string): Slow[] =>
      Array.from({ length: count }, () => connect(rig.port, bytes))
    const readers = times(READERS, 'GET /long HTTP/1.1\r\nHost: a\r\n\r\n')
    const bodies = times(BODIES, post).map(readOn)
    const headers = times(HEADERS, 'GET /slow HTTP/1.1\r\nHost: a\r\nX: ').map(readOn)
    await eventually('all have been taken in', () => asked === BODIES + READERS)
    const busy = await ask(rig.url, NORMAL_REQUESTS)
    const grown = rssMib() - before
    t.diagnostic(
      `p99 of a normal downstream: quiet ${p99(quiet)}, beside ${HEADERS + BODIES + READERS} slow ones ${p99(busy)}`,
    )
    t.diagnostic(`this process grew by ${grown.toFixed(0)} MiB, origin and downstreams included`)
    assert.ok(grown < GROWTH_MIB_MAX, `grew by ${grown.toFixed(0)} MiB`)
    const all = [...headers, ...bodies]
    await eventually('those that do not send are cut', () => all.every(({ isGone }) => isGone), 60_000)
    const reasons = (slow: readonly Slow[]): string[] => [
      ...new Set(slow.map(({ text }) => /\r\nx-signalbox-reason: (\S+)/.exec(text)?.[1] ?? text)),
    ]
    assert.deepEqual(reasons(headers), ['header-timeout'])
    assert.deepEqual(reasons(bodies), ['body-timeout'])
    // Only what they have not read tells these that they were cut, so they are looked for where they were open.
    await eventually('those that do not read are cut', () => rig.proxy.threads()[0].openConnections < 20, 60_000)
    for (const { socket } of readers) socket.destroy()
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
    assert.equal((await ask(rig.url, 1)).length, 1)
  })

  it('that send a byte in each pause they may make are too slow', async () => {
    const post = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'
    const drippers = Array.from({ length: DRIPPERS }, () => readOn(connect(rig.port, post)))
    // Far below bodyIdle, and far below 10 KiB a second.
    const drip = setInterval(() => {
      for (const { socket, text } of drippers) if (text === '') socket.write('x')
    }, 200)
    await eventually('they are cut', () => drippers.every(({ isGone }) => isGone), 60_000)
    clearInterval(drip)
    for (const { text } of drippers) assert.match(text, /^HTTP\/1\.1 408 [\s\S]*x-signalbox-reason: body-too-slow\r\n/)
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
  })
})
