import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'

/** What is wrong with one service, each with its place and what is wished. */
function problemsOf(service: string): string[] {
  const result = parseConfig(`services: {a: {${service}}}`, { env: {} })
  if (!('problems' in result)) return []
  return result.problems.map(({ path, message }) => `${path.replace('services.a.', '')}: ${message}`)
}

/** One mistake each: the service, and what it must be told. */
const MISTAKES: [service: string, problem: string][] = [
  [
    'adaptiveConcurrency: {initial: 2}',
    'adaptiveConcurrency.initial: 2 is not from min to max; write a whole number from 3 to 200',
  ],
  [
    'adaptiveConcurrency: {min: 30}',
    'adaptiveConcurrency.initial: 20 is not from min to max; write a whole number from 30 to 200',
  ],
  ['adaptiveConcurrency: {min: 30, max: 20}', 'adaptiveConcurrency.max: 20 is less than min, 30; write 30 or more'],
  [
    'adaptiveConcurrency: {tolerance: 0.5}',
    'adaptiveConcurrency.tolerance: 0.5 is out of range; write a number from 1 to 100',
  ],
  ['outlier: {latencyQuantile: 0.95}', 'outlier.latencyQuantile: 0.95 has no unit; write a percentage such as 95%'],
  // Envoy writes its factor in thousandths.
  ['outlier: {successRateStdev: 1900}', 'outlier.successRateStdev: 1900 is out of range; write a number from 0 to 100'],
  ['outlier: {consecutiveGatway: 5}', 'outlier.consecutiveGatway: unknown key; did you mean "consecutiveGateway"?'],
  ['outlier: {ejectionJitter: 5s}', 'outlier.ejectionJitter: "5s" is not a ratio; write a percentage such as 20%'],
]

for (const [service, problem] of MISTAKES) {
  test(`a config with "${service}" is told what is wrong with it`, () =>
    assert.deepEqual(problemsOf(service), [problem]))
}

test('a mistake of a service does not hide that its limits do not fit each other', () => {
  assert.deepEqual(problemsOf('adaptiveConcurrency: {initial: 1}, outlier: {maxEjected: 11}'), [
    'adaptiveConcurrency.initial: 1 is not from min to max; write a whole number from 3 to 200',
    'outlier.maxEjected: 11 has no unit; write a percentage such as 11%',
  ])
})

test('adaptive concurrency is off unless it is written, and {} takes its defaults', () => {
  const of = (service: string) => {
    const result = parseConfig(`services: {a: {${service}}}`, { env: {} })
    assert.ok('config' in result)
    return result.config.services.a!.adaptiveConcurrency
  }
  assert.equal(of(''), undefined)
  assert.deepEqual(of('adaptiveConcurrency: {}'), {
    initial: 20,
    min: 3,
    max: 200,
    queue: 4,
    tolerance: 1.5,
    smoothing: 0.2,
    longWindow: 600,
  })
})
