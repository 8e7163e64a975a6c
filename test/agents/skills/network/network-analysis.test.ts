import assert from 'node:assert/strict'
import { setMaxListeners } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { SensorEdge } from '../../../../agents/kit/grammar/sensor.ts'
import { connectivityMeasured, type EndpointRef, riskChanged } from '../../../../agents/signals.ts'
import { networkAnalysis } from '../../../../agents/skills/network/network-analysis.ts'
import { planeOf } from '../../../../engine/plane/plane.ts'
import { tinyWorld } from '../../../support/tiny-world.ts'
import { sensingBearer } from '../sensing-bearer.ts'

const OPTIONS = { intervalMs: 30_000, timeoutMs: 1_000, riskThreshold: 0.7 }
const A: EndpointRef = { row: 0, generation: 1, service: 'api', id: 'a' }

function scanned(at: string, connectMs: number | null, ref = A) {
  return { at, rows: 1, there: new Set([ref.row]), attempts: [{ ref, connectMs }] }
}

test('endpoints of the tables are connected to, and nothing else, and how long it took is told in ms with fractions (SE-7, ALG-3)', async t => {
  const world = tinyWorld({})
  t.after(() => world.close())
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  world.writer.edit(edit => {
    for (const [id, at] of [
      ['here', port],
      ['gone', 1],
    ] as const)
      edit.add(world.service, { id, url: `http://127.0.0.1:${at}`, zone: '', metadata: {}, weight: 1, priority: 0 })
  })
  const [sensor] = networkAnalysis.mount('network', OPTIONS).sensors
  const edge = {
    attachment: planeOf(world.attachment),
    later: (ms: number, callback: () => void) => {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
    signal: new AbortController().signal,
  } as unknown as SensorEdge
  assert.equal(await sensor!.read(edge), undefined, 'the first look waits')
  const { attempts } = (await sensor!.read(edge)) as { attempts: { ref: EndpointRef; connectMs: number | null }[] }
  assert.deepEqual(
    attempts.map(({ ref, connectMs }) => [ref.id, connectMs === null]),
    [
      ['here', false],
      ['gone', true],
    ],
  )
  const tookMs = attempts[0]!.connectMs!
  assert.ok(tookMs > 0 && tookMs < 1_000 && !Number.isInteger(tookMs), `${tookMs} ms`)
  assert.equal(connections, 1)
})

test('ten thousand endpoints are gone over 64 at a time, in turn', async t => {
  const endpoints = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`e${i}`, {}]))
  const world = tinyWorld(endpoints, { capacity: { rows: 256 } })
  t.after(() => world.close())
  const [sensor] = networkAnalysis.mount('network', OPTIONS).sensors
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  // Nobody waits for them: they are called off at once.
  const edge = {
    attachment: planeOf(world.attachment),
    later: (_ms: number, callback: () => void) => {
      setImmediate(callback)
      return () => {}
    },
    signal,
  } as unknown as SensorEdge
  await sensor!.read(edge)
  const looks: number[][] = []
  for (let i = 0; i < 4; i++) {
    const { attempts } = (await sensor!.read(edge)) as { attempts: { ref: EndpointRef }[] }
    looks.push(attempts.map(({ ref }) => ref.row))
  }
  assert.deepEqual(
    looks.map(({ length }) => length),
    [64, 64, 22, 64],
  )
  assert.equal(new Set(looks.slice(0, 3).flat()).size, 150)
  assert.deepEqual(looks[3], looks[0])
  // 10,000 ÷ 64 looks in 30 s would be one in 0.2 s: it is one a second, and all of them take 157 s.
  const perceived = sensor!.perceive(null, { at: 'network', rows: 10_000, there: null, attempts: [] }, 0)
  assert.equal(perceived.nextMs, 1_000)
  assert.equal(sensor!.perceive(null, { at: 'network', rows: 4, there: null, attempts: [] }, 0).nextMs, 30_000)
})

test('an endpoint at risk is told, and called off when it is reached again or gone (D22, SK-5)', async () => {
  let seen: unknown = scanned('network', 5)
  const mounted = networkAnalysis.mount('network', OPTIONS)
  const bearer = sensingBearer(
    [mounted],
    ({ name }) =>
      async () =>
        name === 'network-scan' ? seen : new Map(),
  )
  const risks = () => bearer.sent.filter(riskChanged.is).map(({ data: { isAtRisk, risk } }) => [isAtRisk, risk])
  await bearer.advance(31_000)
  assert.deepEqual(risks(), [])
  const [first] = bearer.sent.filter(connectivityMeasured.is)
  assert.deepEqual(first!.data.rows[0], { ...A, connectMs: 5, loss: 0, bandwidthMbit: null, measurements: 1 })

  seen = scanned('network', null)
  await bearer.advance(240_000)
  assert.equal(risks().length > 0 && risks()[0]![0], true)
  assert.equal(bearer.slice(mounted).atRisk.size, 1)
  seen = scanned('network', 5)
  await bearer.advance(31_000)
  assert.equal(risks().at(-1)![0], false)
  assert.equal(bearer.slice(mounted).atRisk.size, 0)

  seen = scanned('network', null)
  await bearer.advance(240_000)
  assert.equal(risks().at(-1)![0], true)
  seen = { at: 'network', rows: 0, there: new Set(), attempts: [] }
  await bearer.advance(31_000)
  assert.deepEqual([risks().at(-1)![0], bearer.slice(mounted).endpoints.size], [false, 0])
})

test('two mounts of network-analysis keep two states, and one that is unmounted hears nothing more (SK-5)', async () => {
  const [first, second] = [networkAnalysis.mount('first', OPTIONS), networkAnalysis.mount('second', OPTIONS)]
  let looks = 0
  const bearer = sensingBearer([first, second], sensor => async () => {
    if (sensor.name !== 'network-scan') return new Map()
    const isFirst = first.sensors.includes(sensor)
    if (isFirst) looks++
    return scanned(isFirst ? 'first' : 'second', isFirst ? 5 : null)
  })
  await bearer.advance(1_000)
  assert.deepEqual(
    [first, second].map(each => bearer.slice(each).endpoints.get(0)?.connectMs),
    [5, null],
  )
  bearer.unmount(first)
  const before = looks
  const told = bearer.slice(second).endpoints.get(0)!.measurements
  await bearer.advance(61_000)
  assert.equal(looks, before)
  assert.throws(() => bearer.slice(first), { code: 'SBX_AGENT_INVALID' })
  assert.ok(bearer.slice(second).endpoints.get(0)!.measurements > told)
})
