import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHealthBody } from '../../../agents/health-monitor/health-body.ts'
import { application } from '../../../agents/health-monitor/sensors/application.ts'
import { availability } from '../../../agents/health-monitor/sensors/availability.ts'
import { healthWords } from '../../../agents/health-monitor/sensors/health-words.ts'
import { network, pathOf } from '../../../agents/health-monitor/sensors/network.ts'
import { resources } from '../../../agents/health-monitor/sensors/resources.ts'
import { security } from '../../../agents/health-monitor/sensors/security.ts'
import { vitals } from '../../../agents/health-monitor/sensors/vitals.ts'
import { type Sighting, Sightings, sightingsAt } from '../../../agents/health-monitor/sightings.ts'
import type { AnySensor } from '../../../agents/kit/grammar/sensor.ts'
import { HEALTH_DEGRADED, HEALTH_HEALTHY, HEALTH_UNHEALTHY } from '../../../engine/writer.ts'

/** A sensor that looks at what `attachment` shows; each look returns what it says, and `nextMs` when it looks again. */
function looking(sensor: AnySensor, attachment: object) {
  let memory = sensor.start({} as never)
  let nextMs: number | undefined
  const look = (): unknown[] => {
    const percept = sensor.perceive(memory, sensor.read({ attachment } as never) as never, 0)
    memory = percept.memory
    nextMs = percept.nextMs ?? sensor.everyMs
    return percept.readings.map(({ data }) => data)
  }
  return { look, nextMs: () => nextMs }
}

const NAMES = { generation: 1, service: 'api' }
const saw = (row: number, seen: object): Sighting => ({ row, id: `e${row}`, ...NAMES, ...seen })

/** A sensor of what checks see. */
function ofChecks(sensor: AnySensor) {
  const attachment = {}
  const { look, nextMs } = looking(sensor, attachment)
  const note = (row: number, seen: object): void => sightingsAt(attachment as never).note(saw(row, seen))
  return { look, nextMs, note }
}

test('sightings go to each sensor once, and none waits for ever', () => {
  const sightings = new Sightings()
  for (const sensor of ['a', 'b']) sightings.take(sensor)
  sightings.note(saw(0, {}))
  assert.deepEqual([sightings.take('a').length, sightings.take('a').length, sightings.take('b').length], [1, 0, 1])
  for (let i = 0; i < 100_000; i++) sightings.note(saw(i, {}))
  const left = sightings.take('a')
  assert.ok(left.length >= 16_384 && left.length < 32_768, `${left.length}`)
  assert.equal(left.at(-1)?.row, 99_999)
})

test('a sensor of checks looks each second, and up to four times less often while they see nothing', () => {
  const { look, nextMs, note } = ofChecks(vitals)
  const paces = Array.from({ length: 4 }, () => {
    look()
    return nextMs()
  })
  assert.deepEqual(paces, [2_000, 4_000, 4_000, 4_000])
  note(0, { check: { hasPassed: true, tookUs: 1 } })
  look()
  assert.equal(nextMs(), 1_000)
})

test('vitals: whether an endpoint lives, for how long, and how often it began anew (SE-20)', () => {
  const { look, note } = ofChecks(vitals)
  const uptime = (seconds: number) => ({ body: readHealthBody(`{"uptime":${seconds}}`) })
  note(0, { check: { hasPassed: true, tookUs: 900 } })
  note(0, uptime(100))
  note(1, { check: { hasPassed: false, tookUs: 500_000 } })
  assert.deepEqual(look(), [
    {
      rows: [
        { row: 0, generation: 1, isAlive: true, tookUs: 900, uptimeS: 100, restarts: 0 },
        { row: 1, generation: 1, isAlive: false, tookUs: 500_000, uptimeS: null, restarts: 0 },
      ],
    },
  ])
  note(0, uptime(3))
  note(0, { check: { hasPassed: true, tookUs: 800 } })
  assert.deepEqual(look(), [{ rows: [{ row: 0, generation: 1, isAlive: true, tookUs: 800, uptimeS: 3, restarts: 1 }] }])
})

test('application: what health answers say, told where it changes (SE-21)', () => {
  const { look, note } = ofChecks(application)
  const well = readHealthBody('{"status":"ok"}')
  note(0, { status: 200 })
  note(0, { body: well })
  assert.deepEqual(look(), [{ rows: [{ row: 0, generation: 1, status: 200, says: 'passed', dependencies: [] }] }])
  note(0, { status: 200 })
  note(0, { body: well })
  assert.deepEqual(look(), [])
  note(0, { status: 503 })
  note(0, { body: readHealthBody('{"status":"fail","checks":{"db":"down"}}') })
  assert.deepEqual(look(), [
    {
      rows: [{ row: 0, generation: 1, status: 503, says: 'failed', dependencies: [{ name: 'db', status: 'failed' }] }],
    },
  ])
})

test('network: latency, jitter and loss of the last hundred connections (SE-22)', () => {
  assert.deepEqual(pathOf([1_000, 3_000, null, 2_000]), { latencyUs: 2_000, jitterUs: 1_500, loss: 0.25 })
  assert.deepEqual(pathOf([]), { latencyUs: 0, jitterUs: 0, loss: 0 })
  const { look, note } = ofChecks(network)
  note(0, { connects: [1_000] })
  note(0, { connects: [3_000, null] })
  const row = { row: 0, generation: 1 }
  // 1,000 and an eighth of the way to 3,000; a sixteenth of the 2,000 between them.
  assert.deepEqual(look(), [
    { rows: [{ ...row, latencyUs: 1_250, jitterUs: 125, loss: 1 / 3, connections: 3, lastUs: 2_000 }] },
  ])
  for (let i = 0; i < 100; i++) note(0, { connects: [null] })
  assert.deepEqual(look(), [
    { rows: [{ ...row, latencyUs: 1_250, jitterUs: 125, loss: 1, connections: 100, lastUs: null }] },
  ])
  for (let i = 0; i < 50; i++) note(0, { connects: [1_250] })
  assert.equal((look() as { rows: { loss: number }[] }[])[0]!.rows[0]!.loss, 0.5)
})

test('resources: what endpoints say of how much they use goes on to whoever weighs capacity, of each its last word (SE-23)', () => {
  const { look, note } = ofChecks(resources)
  note(0, { load: { by: 'header', shares: { cpu: 0.1 } } })
  note(0, { load: { by: 'header', shares: { cpu: 0.3, maxConnections: 50 } } })
  note(1, { load: { by: 'health-body', shares: { memory: 0.9, disk: 0.5 } } })
  const none = { cpu: null, memory: null, network: null, utilisation: null, maxConnections: null }
  assert.deepEqual(look(), [
    { by: 'header', rows: [{ row: 0, id: 'e0', ...NAMES, ...none, cpu: 0.3, maxConnections: 50 }] },
    { by: 'health-body', rows: [{ row: 1, id: 'e1', ...NAMES, ...none, memory: 0.9 }] },
  ])
})

test('security: what certificates are worth, and checks that are turned away, told where it changes (SE-26)', () => {
  const { look, note } = ofChecks(security)
  const row = { row: 0, generation: 1 }
  note(0, { status: 200 })
  assert.deepEqual(look(), [])
  note(0, { tls: { isTrusted: true, daysLeft: 20.5 } })
  assert.deepEqual(look(), [{ rows: [{ ...row, isTrusted: true, daysLeft: 20.5, refusals: 0 }] }])
  note(0, { tls: { isTrusted: true, daysLeft: 20.1 } })
  assert.deepEqual(look(), [], 'it is the same day')
  for (let i = 0; i < 5; i++) note(0, { status: 403 })
  const refused = look() as { rows: { refusals: number }[] }[]
  assert.deepEqual(
    refused[0]!.rows.map(({ refusals }) => refusals),
    [1, 2, 3],
  )
  note(0, { status: 200 })
  assert.deepEqual(look(), [{ rows: [{ ...row, isTrusted: true, daysLeft: 20.1, refusals: 0 }] }])
})

test('health words: which are others than a second before, whoever wrote them (SE-8)', () => {
  const rows = [
    { generation: 1, health: HEALTH_HEALTHY },
    { generation: 1, health: 0 },
  ]
  const attachment = {
    serviceTexts: () => [{ rows: [0, 1] }],
    endpoints: { generation: (row: number) => rows[row]!.generation, health: (row: number) => rows[row]!.health },
  }
  const { look, nextMs } = looking(healthWords, attachment)
  assert.deepEqual(look(), [{ rows: [{ row: 0, generation: 1, from: 0, to: HEALTH_HEALTHY }] }])
  assert.equal(nextMs(), 1_000)
  assert.deepEqual(look(), [])
  rows[0] = { generation: 1, health: HEALTH_DEGRADED }
  // Another tenant: it was unknown before.
  rows[1] = { generation: 2, health: HEALTH_UNHEALTHY }
  assert.deepEqual(look(), [
    {
      rows: [
        { row: 0, generation: 1, from: HEALTH_HEALTHY, to: HEALTH_DEGRADED },
        { row: 1, generation: 2, from: 0, to: HEALTH_UNHEALTHY },
      ],
    },
  ])
})

test('availability: the part of the requests that went well in one, five and fifteen minutes, and how fast failures use up the goal (SE-24)', () => {
  const totals = { ok: 0, error: 0, timeout: 0 }
  const attachment = {
    serviceTexts: () => [{ text: { name: 'api' }, rows: [0, 1] }],
    endpoints: { generation: () => 1 },
    tally: { totals: (row: number) => (row === 0 ? totals : { ok: 0, error: 0, timeout: 0 }) },
  }
  const { look, nextMs } = looking(availability, attachment)
  type Said = {
    endpoints: { row: number; last1m: number; last5m: number; last15m: number; burn: number }[]
    services: object[]
  }
  // So many looks, half a minute apart; in each so many requests, so many of which fail.
  const pass = (looks: number, requests: number, failing: number): Said => {
    let said: unknown[] = []
    for (let i = 0; i < looks; i++) {
      totals.ok += requests - failing
      totals.error += failing
      said = look()
    }
    return said[0] as Said
  }
  assert.deepEqual([look(), nextMs()], [[], 30_000])
  const well = pass(30, 100, 0)
  assert.deepEqual(well.endpoints, [
    { row: 0, generation: 1, last1m: 1, last5m: 1, last15m: 1, requests1m: 200, requests15m: 3_000, burn: 0 },
  ])
  const ill = pass(2, 100, 50).endpoints[0]!
  // A hundred of 200, of 1,000 and of 3,000.
  assert.deepEqual([ill.last1m, ill.last5m, ill.last15m], [0.5, 0.9, 1 - 100 / 3_000])
  assert.ok(Math.abs(ill.burn - 100 / 3_000 / 0.001) < 1e-6)
  // The counters of a thread that is gone are gone with it: that is no four billion failures.
  totals.error = 0
  const gone = pass(1, 100, 0).endpoints[0]!
  assert.ok(gone.last15m <= 1 && gone.last15m > 0.9)
})
