import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../agents/kit/grammar/signal.ts'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import { predictor } from '../../../agents/predictor/agent.ts'
import {
  anomalyFound,
  capacityReported,
  endpointEjected,
  healthChanged,
  latenciesCounted,
  type Prediction,
  predictionGiven,
  predictionRequested,
  predictionWithdrawn,
  riskChanged,
  settledBatch,
  troublePredicted,
} from '../../../agents/signals.ts'
import { Stage } from '../stage.ts'

/** What a test says of an endpoint in a second: requests that went well and that failed, and their latency in µs. */
interface Said {
  readonly ok?: number
  readonly error?: number
  readonly us?: number
}

class Predicting {
  readonly stage = new Stage(predictor, {}, ['a', 'b']).start()

  constructor() {
    this.stage.service.policy = 'adaptive'
  }

  async second(said: Readonly<Record<string, Said>>): Promise<void> {
    const rows = Object.entries(said).map(([id, { ok = 0, error = 0, us = 10_000 }]) => {
      const { row, generation } = this.stage.row(id)
      const [latencyUsSum, latencyUsMax] = [ok * us, us]
      return { row, generation, ok, error, timeout: 0, abandoned: 0, latencyUsSum, latencyUsMax }
    })
    this.stage.hear(settledBatch.of({ rows }))
    const counts = Object.entries(said).flatMap(([id, { ok = 0, us = 10_000 }]) => {
      const { row, generation } = this.stage.row(id)
      // A spread, so that there is something by which chance is judged.
      return ok === 0
        ? []
        : [0.5, 0.8, 1, 1.3, 2].map(x => ({ row, generation, bucket: bucketOf(Math.round(us * x)), count: ok / 5 }))
    })
    if (counts.length > 0) this.stage.hear(latenciesCounted.of({ rows: counts }))
    await this.stage.advance(1000, 100)
  }

  ref(id: string) {
    const { row, generation } = this.stage.row(id)
    return { row, generation, service: 'api', id }
  }

  hear(draft: Draft): void {
    this.stage.hear(draft)
  }

  get told(): Prediction[] {
    return this.stage.sent.filter(signal => troublePredicted.is(signal)).map(({ data }) => data as Prediction)
  }

  get withdrawn(): string[] {
    return this.stage.sent
      .filter(signal => predictionWithdrawn.is(signal))
      .map(({ data }) => {
        const { id, what, because } = data as { id: string; what: string; because: string }
        return `${id} ${what} ${because}`
      })
  }

  async ask(id: string) {
    this.hear(predictionRequested.of({ service: 'api', id }))
    await this.stage.advance(1)
    const given = this.stage.sent.filter(signal => predictionGiven.is(signal)).at(-1)!
    return given.data as { predictions: readonly Prediction[]; confidence: number; because: string | null }
  }
}

const calm = { ok: 100 }

test('an endpoint that grows slow is told of before it is, and the prediction is withdrawn when it has come (AC-25, ALG-19)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 60; i++) await world.second({ a: calm, b: calm })
  assert.equal(world.told.length, 0)
  for (let i = 1; world.told.length === 0 && i < 10; i++)
    await world.second({ a: { ok: 100, us: 10_000 * (1 + 0.1 * i) }, b: calm })
  const [told] = world.told
  assert.deepEqual([told!.id, told!.what], ['a', 'degradation'])
  assert.ok(told!.probability >= 0.6 && told!.etaMs! > 0 && told!.etaMs! < 60_000, JSON.stringify(told))
  assert.match(told!.reasons[0]!, /^latency grows by [\d.]+ % a second since \d+ s/)
  for (let i = 0; i < 10; i++) await world.second({ a: { ok: 100, us: 25_000 }, b: calm })
  assert.deepEqual(world.withdrawn, ['a degradation came-true'])
})

test('a prediction that does not come is withdrawn, and does not stand for ever (D22)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 60; i++) await world.second({ a: calm, b: calm })
  for (let i = 1; world.told.length === 0 && i < 10; i++)
    await world.second({ a: { ok: 100, us: 10_000 * (1 + 0.1 * i) }, b: calm })
  assert.equal(world.told.length, 1)
  for (let i = 0; i < 40; i++) await world.second({ a: calm, b: calm })
  assert.deepEqual(world.withdrawn, ['a degradation did-not-come'])
})

test('what was expected of an endpoint that is gone is withdrawn (D22)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 60; i++) await world.second({ a: calm, b: calm })
  for (let i = 1; world.told.length === 0 && i < 10; i++)
    await world.second({ a: { ok: 100, us: 10_000 * (1 + 0.1 * i) }, b: calm })
  world.stage.remove('a')
  for (let i = 0; i < 10; i++) await world.second({ b: calm })
  assert.deepEqual(world.withdrawn, ['a degradation gone'])
})

test('what is expected is withdrawn when trouble is not to be predicted any more, and the rest goes on (D22)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 60; i++) await world.second({ a: calm, b: calm })
  for (let i = 1; world.told.length === 0 && i < 10; i++)
    await world.second({ a: { ok: 100, us: 10_000 * (1 + 0.1 * i) }, b: calm })
  assert.equal(world.told.length, 1)
  world.stage.reload({}, { predictor: { trouble: false } })
  assert.deepEqual(world.withdrawn, ['a degradation unwatched'])
  assert.match((await world.ask('a')).because!, /trouble is not predicted/)
  for (let i = 0; i < 5; i++) await world.second({ a: calm, b: calm })
  assert.ok(world.stage.row('a').forecastUs > 0)
  world.stage.reload({}, { predictor: { trouble: true } })
  for (let i = 0; i < 12; i++) await world.second({ a: calm, b: calm })
  assert.equal((await world.ask('a')).because, null)
})

test('an endpoint whose failures grow is expected to fail, and the prediction comes true when it is ejected (AC-25)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 30; i++) await world.second({ a: calm, b: calm })
  for (let i = 1; world.told.length === 0 && i < 10; i++)
    await world.second({ a: { ok: 100 - 10 * i, error: 10 * i }, b: calm })
  assert.deepEqual(
    world.told.map(({ id, what }) => [id, what]),
    [['a', 'failure']],
  )
  assert.match(world.told[0]!.reasons[0]!, /^failures grew by/)
  const ejected = { because: 'success-rate', failures: 9, found: 9, limit: 9, ejections: 1, forMs: 1 } as const
  world.hear(endpointEjected.of({ ...world.ref('a'), ...ejected }))
  await world.stage.advance(10)
  assert.deepEqual(world.withdrawn, ['a failure came-true'])
})

test('risk that node discovery tells, and anomalies the health monitor finds, make a failure likelier; a verdict settles it', async () => {
  const world = new Predicting()
  for (let i = 0; i < 12; i++) await world.second({ a: calm, b: calm })
  const before = (await world.ask('a')).predictions.find(({ what }) => what === 'failure')!
  world.hear(riskChanged.of({ ...world.ref('a'), risk: 0.9, isAtRisk: true, factors: ['loss'], etaMs: null }))
  world.hear(anomalyFound.of({ ...world.ref('a'), severity: 'critical', score: 2, anomalies: [], inCommon: [] }))
  await world.second({ a: calm, b: calm })
  assert.deepEqual(
    world.told.map(({ id, what }) => [id, what]),
    [['a', 'failure']],
  )
  assert.ok(world.told[0]!.probability > before.probability + 0.5)
  world.hear(healthChanged.of({ ...world.ref('a'), from: 'healthy', to: 'unhealthy', reason: '503' }))
  await world.stage.advance(10)
  assert.deepEqual(world.withdrawn, ['a failure came-true'])
})

test('memory that fills up is told of with the time that is left (ALG-19)', async () => {
  const world = new Predicting()
  await world.stage.advance(10, 10)
  const nothing = { cpu: null, network: null, utilisation: null, maxConnections: null }
  for (let i = 0; i < 20; i++) {
    // Two percent every ten seconds: from 50 % to the brim in 250 s.
    world.hear(
      capacityReported.of({ by: 'health-body', rows: [{ ...world.ref('b'), ...nothing, memory: 0.5 + 0.02 * i }] }),
    )
    await world.stage.advance(10_000, 1000)
  }
  const [told] = world.told
  assert.deepEqual([told!.id, told!.what], ['b', 'exhaustion'])
  assert.ok(told!.etaMs! < 250_000 && told!.etaMs! > 50_000, `${told!.etaMs}`)
  assert.match(told!.reasons[0]!, /^memory grows by 12\.0 % a minute/)
})

test('who asks is told what is expected, likely or not, and with too few readings that these are too few (ALG-20)', async () => {
  const world = new Predicting()
  for (let i = 0; i < 5; i++) await world.second({ a: calm, b: calm })
  assert.deepEqual(await world.ask('a'), {
    service: 'api',
    id: 'a',
    predictions: [],
    confidence: 0,
    because: 'insufficient history',
  })
  assert.match((await world.ask('nobody')).because!, /no endpoint api\/nobody/)
  for (let i = 0; i < 10; i++) await world.second({ a: calm, b: calm })
  const { predictions, confidence, because } = await world.ask('a')
  assert.deepEqual([predictions.map(({ what }) => what), because], [['failure'], null])
  assert.equal(confidence, predictions[0]!.confidence, 'of one alone there is no disagreement')
})

test('it forecasts what requests will take, writes that down, and says how far it is to be believed (SK-13)', async () => {
  const world = new Predicting()
  await world.stage.advance(10, 10)
  for (let i = 0; i < 20; i++) await world.second({ a: { ok: 100, us: 10_000 }, b: { ok: 100, us: 50_000 } })
  const [a, b] = [world.stage.row('a').forecastUs, world.stage.row('b').forecastUs]
  assert.ok(Math.abs(a - 10_000) < 500 && Math.abs(b - 50_000) < 2500, `${a} ${b}`)
  const trusts = world.stage.writes.filter(({ column }) => column === 'trust').map(({ value }) => value)
  assert.ok(trusts.length > 0 && trusts.every(value => value >= 0 && value <= 0.95), trusts.join())
})

test('an endpoint that fails is forecast to take as long as it takes until a request has gone well (ALG-8)', async () => {
  const world = new Predicting()
  await world.stage.advance(10, 10)
  for (let i = 0; i < 10; i++) await world.second({ a: calm, b: calm })
  for (let i = 0; i < 5; i++) await world.second({ a: { ok: 50, error: 50 }, b: calm })
  const [a, b] = [world.stage.row('a').forecastUs, world.stage.row('b').forecastUs]
  assert.ok(a > 1.8 * b && a < 2.3 * b, `${a} ${b}`)
})

test('without traffic it says nothing and writes nothing', async () => {
  const world = new Predicting()
  await world.stage.advance(120_000, 1000)
  assert.deepEqual(world.stage.sent, [])
  assert.deepEqual(
    world.stage.writes.filter(({ column }) => column !== 'trust'),
    [],
  )
})
