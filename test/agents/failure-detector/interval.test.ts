import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EJECTED, UNHEALTHY } from '../../../engine/writer.ts'
import { ejections, isEjected, OUTLIER, stage } from './courtroom.ts'

const FIVE = [...'abcde']
const INTERVAL_MS = 10_000

/** Good and bad in turns, so that no row of failures ever gets long. */
const mixed = (ok: number, bad: number, letter = 'e'): string =>
  Array.from({ length: Math.max(ok, bad) }, (_, i) => (i < ok ? 'o' : '') + (i < bad ? letter : '')).join('')

/** Five endpoints, four of them good, and what becomes of the fifth when an interval is over. */
async function fifth(outcomes: string, outlier: object, latencyUs = 1000, good = 'o'.repeat(200)) {
  const { world, settle } = stage(FIVE, { outlier: { ...OUTLIER, consecutive5xx: 0, ...outlier } })
  for (const id of 'abcd') settle(id, good)
  settle('e', outcomes, latencyUs)
  await world.advance(INTERVAL_MS + 200, 10)
  return ejections(world)
}

test('failure detector ejects by success rate when the interval is over: 50 % beside four of 100 % is below 52 %', async () => {
  const { world, settle } = stage(FIVE)
  for (const id of 'abcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(200, 200))
  await world.advance(INTERVAL_MS - 10, 10)
  assert.deepEqual(ejections(world), [])
  await world.advance(20, 10)
  assert.deepEqual(ejections(world), ['e success-rate 50/52'])
  assert.equal(isEjected(world, 'e'), true)
})

test('failure detector begins each interval with nothing', async () => {
  const { world, settle } = stage(FIVE)
  for (const id of 'abcd') settle(id, 'o'.repeat(60))
  settle('e', mixed(30, 30))
  await world.advance(INTERVAL_MS + 100, 10)
  for (const id of 'abcd') settle(id, 'o'.repeat(60))
  settle('e', mixed(30, 30))
  await world.advance(INTERVAL_MS, 10)
  assert.deepEqual(ejections(world), [], '60 requests twice are not 100 once')
})

test('failure detector leaves who is ejected out of the comparison', async () => {
  const { world, settle } = stage([...'abcdef'], { outlier: { ...OUTLIER, maxEjected: '100%' } })
  world.row('f').bars = EJECTED
  world.row('f').ejectedUntilMs = (world.clock.now() + 60_000) | 0
  world.start()
  for (const id of 'abcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(200, 200))
  settle('f', `eo${'e'.repeat(199)}`)
  await world.advance(INTERVAL_MS + 100, 10)
  // With f, at 0.5 %, the mean would be 75 and σ 38: e, at 50 %, would be well above the threshold.
  assert.deepEqual(ejections(world), ['e success-rate 50/52'])
})

test('failure detector takes an interval together, however often it looks at the tables meanwhile', async () => {
  const { world, settle } = stage(FIVE)
  await world.advance(INTERVAL_MS + 500, 10)
  for (let i = 0; i < 9; i++) {
    for (const id of 'abcd') settle(id, 'o'.repeat(30))
    settle('e', mixed(15, 15))
    await world.advance(1_000, 10)
  }
  assert.deepEqual(ejections(world), [])
  await world.advance(1_000, 10)
  assert.deepEqual(ejections(world), ['e success-rate 50/52'], '270 requests, 30 a second')
})

test('failure detector compares an endpoint only by what its own tenant of the row did', async () => {
  const { world, settle } = stage(FIVE)
  for (const id of 'abcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(200, 200))
  await world.advance(100, 10)
  world.row('e').generation += 100
  await world.advance(INTERVAL_MS, 10)
  assert.deepEqual(ejections(world), [])
})

test('failure detector ejects no more by rate than maxEjected allows, and the worst first', async () => {
  const twenty = Array.from({ length: 20 }, (_, i) => `e${i}`)
  const { world, settle } = stage(twenty, { outlier: { ...OUTLIER, successRateStdev: 1 } })
  for (const id of twenty.slice(3)) settle(id, 'o'.repeat(200))
  settle('e0', mixed(200, 150))
  settle('e1', mixed(200, 190))
  settle('e2', mixed(200, 170))
  await world.advance(INTERVAL_MS + 100, 10)
  // A tenth of twenty are two.
  assert.deepEqual(
    twenty.filter(id => isEjected(world, id)),
    ['e1', 'e2'],
  )
})

test('failure detector never ejects by rate the last that can be picked', async () => {
  const { world, settle } = stage(FIVE)
  for (const id of 'abcd') world.row(id).bars = UNHEALTHY
  for (const id of 'abcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(200, 200))
  await world.advance(INTERVAL_MS + 100, 10)
  assert.deepEqual(ejections(world), [])
})

test('failure detector counts a timeout, a gateway failure and an unreachable endpoint as failures of the rate', async () => {
  for (const letter of 'tgu')
    assert.deepEqual(await fifth(mixed(200, 200, letter), {}), ['e success-rate 50/52'], letter)
  assert.deepEqual(await fifth(mixed(200, 200, 'a'), {}), [], 'what was abandoned says nothing')
})

test('failure detector with splitLocalOrigin compares answers with answers, and reaching with reaching', async () => {
  const split = { splitLocalOrigin: true, consecutiveLocalOrigin: 0 }
  assert.deepEqual(await fifth(mixed(200, 200, 'e'), split), ['e success-rate 50/52'])
  assert.deepEqual(await fifth(mixed(200, 200, 'u'), split), ['e success-rate-local-origin 50/52'])
  // 150 of 250 answers are good, 60 %: mean 92, σ 16, threshold 61.6. It answered 250 of 400 times, 62.5 %.
  const both = mixed(150, 100, 'e') + mixed(0, 150, 'u')
  assert.deepEqual(
    (await fifth(both, split)).map(said => said.split(' ')[1]),
    ['success-rate'],
  )
  // Of 70 answers 30 failed, 43 %; 30 of 100 were no answers, 30 %; only together they would be 60 %.
  const half = { successRateStdev: 0, failurePercentage: '50%' }
  const third = mixed(40, 30, 'e') + mixed(0, 30, 'u')
  assert.deepEqual(await fifth(third, { ...split, ...half }), [])
  assert.equal((await fifth(third, half)).length, 1)
  const rates = { ...split, successRateStdev: 0, failurePercentage: '35%' }
  assert.deepEqual(await fifth(mixed(200, 200, 'u'), rates), ['e failure-percentage-local-origin 50/35'])
})

test('failure detector ejects by failure percentage', async () => {
  const off = { successRateStdev: 0 }
  assert.deepEqual(await fifth(mixed(20, 80), { ...off, failurePercentage: '80%' }), ['e failure-percentage 80/80'])
  assert.deepEqual(await fifth(mixed(21, 79), { ...off, failurePercentage: '80%' }), [])
})

test('failure detector ejects by latency, timeouts included', async () => {
  const rule = { latencyQuantile: '50%', successRateStdev: 0 }
  // 1,000 and 3,100 µs fall into the buckets that end at 1,023 and 3,327: above three times 1,023.
  assert.deepEqual(await fifth('o'.repeat(100), rule, 3100), ['e latency 3327/3069'])
  assert.deepEqual(await fifth('o'.repeat(100), rule, 2800), [], '2,815 at most')
  assert.deepEqual(await fifth('t'.repeat(100), rule, 3100), ['e latency 3327/3069'])
  assert.deepEqual(await fifth('e'.repeat(100), rule, 3100), [], 'a failure does not say how long an answer takes')
})

/** A key, a value of it that spares the fifth endpoint, one that does not, and a case in which the two differ. */
const KEYS: [key: string, spares: unknown, ejects: unknown, outcomes: string, rest?: object, latencyUs?: number][] = [
  ['consecutive5xx', 6, 5, 'eeeee'],
  ['consecutiveGateway', 4, 3, 'ggg'],
  ['consecutiveGateway', 3, 2, 'ggegg'],
  ['splitLocalOrigin', false, true, 'eutueut', { consecutiveLocalOrigin: 3 }],
  ['splitLocalOrigin', true, false, 'ggug', { consecutiveGateway: 4, consecutiveLocalOrigin: 2 }],
  ['consecutiveLocalOrigin', 4, 3, 'tut', { splitLocalOrigin: true }],
  ['interval', '11s', '10s', mixed(200, 200)],
  ['successRateStdev', 2, 1.9, mixed(200, 200)],
  ['successRateMinHosts', 6, 5, mixed(200, 200)],
  ['successRateVolume', 201, 200, mixed(100, 100)],
  ['failurePercentage', '51%', '50%', mixed(50, 50), { successRateStdev: 0 }],
  ['failurePercentageMinHosts', 6, 5, mixed(50, 50), { successRateStdev: 0, failurePercentage: '50%' }],
  ['failurePercentageVolume', 101, 100, mixed(50, 50), { successRateStdev: 0, failurePercentage: '50%' }],
  ['latencyQuantile', 0, '90%', 'o'.repeat(200), {}, 5000],
  ['latencyFactor', 4, 3, 'o'.repeat(200), { latencyQuantile: '90%' }, 3500],
  ['latencyVolume', 101, 100, 'o'.repeat(100), { latencyQuantile: '90%' }, 5000],
]

for (const [key, spares, ejects, outcomes, rest = {}, latencyUs] of KEYS) {
  test(`outlier.${key} decides: ${spares} spares an endpoint that ${ejects} ejects`, async () => {
    assert.equal((await fifth(outcomes, { ...rest, [key]: spares }, latencyUs)).length, 0)
    assert.equal((await fifth(outcomes, { ...rest, [key]: ejects }, latencyUs)).length, 1)
  })
}

test('outlier.maxEjected, baseEjection, maxEjection and ejectionJitter decide how many are out and for how long', async () => {
  const out = async (outlier: object): Promise<number[]> => {
    const { world, settle } = stage([...'abcdefghij'], { outlier: { ...OUTLIER, ejectionJitter: 0, ...outlier } })
    for (const id of 'ab') settle(id, 'eeeee')
    await world.advance(50)
    return world.sent.flatMap(({ data }) => (data as { forMs?: number }).forMs ?? [])
  }
  assert.deepEqual(await out({}), [30_000])
  assert.deepEqual(await out({ maxEjected: '20%' }), [30_000, 30_000])
  assert.deepEqual(await out({ baseEjection: '5s' }), [5_000])
  assert.deepEqual(await out({ baseEjection: '5s', maxEjection: '5s' }), [5_000])
  const [jittered] = await out({ ejectionJitter: '100%' })
  assert.ok(jittered! > 30_000 && jittered! <= 60_000, `${jittered}`)
})

test('failure detector goes on with another config: who is ejected stays so, and the interval under way goes on', async () => {
  const { world, settle } = stage(FIVE)
  settle('a', 'eeeee')
  await world.advance(200, 10)
  assert.equal(isEjected(world, 'a'), true)
  for (const id of 'bcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(20, 180))
  await world.advance(5_000, 10)
  world.reload({ outlier: { ...OUTLIER, maxEjected: '100%', successRateMinHosts: 3, successRateStdev: 1 } })
  assert.equal(isEjected(world, 'a'), true)
  await world.advance(INTERVAL_MS - 5_200 + 100, 10)
  assert.equal(
    isEjected(world, 'e'),
    true,
    'by what was counted before, at the end of the same interval, under the new settings',
  )
  await world.advance(25_000, 10)
  assert.equal(isEjected(world, 'a'), false, 'after 30 s')
})

test('failure detector begins intervals of another length at once, and ends those of a service that is gone', async () => {
  const hour = { ...OUTLIER, interval: '1h' }
  const { world, settle } = stage(FIVE, { outlier: hour })
  await world.advance(100, 10)
  world.reload({ outlier: { ...OUTLIER, interval: '1s' } })
  for (const id of 'abcd') settle(id, 'o'.repeat(200))
  settle('e', mixed(200, 200))
  await world.advance(1_200, 10)
  assert.deepEqual(ejections(world), ['e success-rate 50/52'])
  world.reload(undefined)
  await world.advance(5_000, 10)
  world.reload({ outlier: hour })
  await world.advance(5_000, 10)
  assert.deepEqual(ejections(world), ['e success-rate 50/52'], 'no interval of a second is left over')
})
