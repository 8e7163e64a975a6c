import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft, Signal } from '../../../../agents/kit/grammar/signal.ts'
import { tablesSeen } from '../../../../agents/kit/tables.ts'
import { capacityReported, type Prediction, predictionWithdrawn, troublePredicted } from '../../../../agents/signals.ts'
import type { Evidence } from '../../../../agents/skills/forecasts/evidence.ts'
import { type FailurePrediction, failurePrediction } from '../../../../agents/skills/forecasts/failure-prediction.ts'
import { validateConfig } from '../../../../engine/config/load.ts'

/** Failure prediction called as the function that it is, of so many endpoints: their ids are their rows. */
class Watched {
  now = 0
  readonly told: Prediction[] = []
  readonly withdrawn: string[] = []
  #state: FailurePrediction
  readonly #second: Draft
  readonly #tables: Draft

  constructor(endpoints: number) {
    const config = validateConfig({ services: { api: {} } })
    const setup = { config, configVersion: 1, now: 0, bootMs: 0, incarnation: 1, seed: 1 }
    const { state, directives } = failurePrediction.mount('trouble', undefined).start(setup)
    this.#state = state as FailurePrediction
    this.#second = directives.flatMap(each => (each.kind === 'schedule' ? [each.draft] : []))[0]!
    const rows = Array.from({ length: endpoints }, (_, row) => ({ row, generation: 1, id: `${row}`, inflight: 0 }))
    this.#tables = tablesSeen.of({ services: [{ name: 'api', endpoints: rows }] } as never)
    this.#hear(this.#tables)
  }

  evidence(row: number): Evidence {
    return this.#state.evidence.get(row)!
  }

  get unfitted(): number {
    return this.#state.unfitted.size
  }

  report(row: number, memory: number): void {
    const nothing = { cpu: null, network: null, utilisation: null, maxConnections: null }
    const ref = { row, generation: 1, service: 'api', id: `${row}` }
    this.#hear(capacityReported.of({ by: 'health-body', rows: [{ ...ref, ...nothing, memory }] }))
  }

  seconds(count: number): void {
    for (let i = 0; i < count; i++) {
      this.now += 1_000
      this.#hear(this.#second)
    }
  }

  #hear(draft: Draft): void {
    const signal = { id: '1', specversion: '1.0', source: '/test', time: '', ...draft } as Signal
    const { state, directives } = failurePrediction.mount('trouble', undefined).decide(this.#state, signal, this.now)
    this.#state = state as FailurePrediction
    for (const each of directives) {
      if (each.kind !== 'emit') continue
      const { draft: said } = each
      if (said.type === troublePredicted.type) this.told.push(said.data as Prediction)
      if (said.type !== predictionWithdrawn.type) continue
      const { id, what, because } = said.data as { id: string; what: string; because: string }
      this.withdrawn.push(`${id} ${what} ${because}`)
    }
  }
}

test('failure prediction lays lines anew where reports came, of a hundred endpoints a second, each in its turn', () => {
  const world = new Watched(250)
  for (let i = 0; i < 12; i++) {
    for (let row = 0; row < 250; row++) world.report(row, 0.2 + 0.01 * i)
    world.seconds(5)
  }
  assert.equal(world.unfitted, 0)
  const before = world.evidence(7).usage.memory.growth
  assert.ok(before !== undefined)
  world.seconds(5)
  assert.equal(world.evidence(7).usage.memory.growth, before, 'without a report the line is the same one')
  for (let row = 0; row < 250; row++) world.report(row, 0.32)
  assert.equal(world.unfitted, 250)
  const left = [1, 2, 3].map(() => {
    world.seconds(1)
    return world.unfitted
  })
  assert.deepEqual(left, [150, 50, 0])
})

test('endpoints whose reports stand still or waver are calm: no line is laid, and nothing is thought of them', () => {
  const world = new Watched(50)
  for (let i = 0; i < 60; i++) {
    for (let row = 0; row < 50; row++) world.report(row, row < 25 ? 0.5 : 0.3 + 0.05 * ((i * 7) % 5))
    // Two reports that happen to rise are a line, which the next ones end.
    assert.ok(world.unfitted === 0 || i < 5, `${world.unfitted} after ${i} reports`)
    world.seconds(5)
  }
  assert.ok(Array.from({ length: 50 }, (_, row) => world.evidence(row).claim).every(claim => claim === undefined))
  assert.deepEqual(world.told, [])
})

test('an endpoint that reports no more is soon expected to run out of nothing, and that teaches nothing about the others', () => {
  const world = new Watched(2)
  for (let i = 0; i <= 20; i++) {
    world.report(0, 0.3 + 0.01 * i)
    world.seconds(10)
  }
  assert.deepEqual(
    world.told.map(({ id, what }) => `${id} ${what}`),
    ['0 exhaustion'],
  )
  world.seconds(3_600)
  assert.equal(world.told.length, 1)
  assert.deepEqual(world.withdrawn, ['0 exhaustion did-not-come'])
  for (let i = 0; i <= 40; i++) {
    world.report(1, 0.3 + 0.015 * i)
    world.seconds(10)
  }
  assert.deepEqual(
    world.told.map(({ id, what }) => `${id} ${what}`),
    ['0 exhaustion', '1 exhaustion'],
  )
})

/** The first four endpoints rise for ten minutes at a time, and fall back each time. */
function sawtooth(world: Watched, times: number): void {
  for (let time = 0; time < times; time++) {
    for (let i = 0; i < 80; i++) {
      for (const row of [0, 1, 2, 3]) world.report(row, i < 60 ? 0.1 + 0.012 * i : 0.1)
      world.seconds(10)
    }
  }
}

test('claims that never come are told less and less, followed in silence, and trusted again after some hours', () => {
  const world = new Watched(5)
  sawtooth(world, 6)
  const told = world.told.length
  assert.ok(told > 4 && told < 20, `${told} of 24`)
  sawtooth(world, 1)
  assert.equal(world.told.length, told, 'such claims are not told any more')
  assert.equal(world.withdrawn.length, told, 'and what was not told is not withdrawn')
  world.seconds(6 * 3_600)
  for (let i = 0; i < 60; i++) {
    world.report(4, 0.3 + 0.01 * i)
    world.seconds(10)
  }
  assert.deepEqual([world.told.length, world.told.at(-1)!.id], [told + 1, '4'])
})

test('an anomaly that was not told again is forgotten after a minute', () => {
  const world = new Watched(1)
  world.evidence(0).anomaly = 2
  world.evidence(0).anomalyMs = world.now
  world.seconds(59)
  assert.equal(world.evidence(0).anomaly, 2)
  world.seconds(1)
  assert.equal(world.evidence(0).anomaly, 0)
})
