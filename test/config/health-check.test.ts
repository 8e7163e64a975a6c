import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'

function read(healthCheck: string) {
  return parseConfig(`services: { api: { healthCheck: ${healthCheck} } }\n`, { env: {} })
}

function kept(healthCheck: string) {
  const result = read(healthCheck)
  return 'config' in result ? result.config.services.api!.healthCheck : assert.fail(formatProblems('', result.problems))
}

test('healthCheck has closer looks where they are written, each with its defaults', () => {
  assert.deepEqual(kept('{ comprehensive: {}, predictive: {}, deep: {} }'), {
    ...{ type: 'http', path: '/healthz', interval: 1_000, adaptiveInterval: false, timeout: 500 },
    ...{ unhealthyAfter: 2, healthyAfter: 2 },
    comprehensive: { interval: 300_000, timeout: 30_000 },
    predictive: { interval: 600_000, timeout: 60_000 },
    deep: { timeout: 60_000 },
  })
  const { comprehensive, predictive, deep } = kept('{}') ?? {}
  assert.deepEqual([comprehensive, predictive, deep], [undefined, undefined, undefined])
})

test('healthCheck says how endpoints are asked, and what passes', () => {
  assert.equal(kept('{ type: grpc, grpcService: helloworld.Greeter }')?.grpcService, 'helloworld.Greeter')
  assert.deepEqual(kept('{ expect: { statuses: [200, 401], body: ready } }')?.expect, {
    statuses: [200, 401],
    body: 'ready',
  })
})

for (const [written, problem] of [
  ['{ type: ping }', /healthCheck.type: "ping" is not a type of check/],
  ['{ type: grpc, grpcService: "a/b" }', /grpcService: is not the name of a gRPC service/],
  ['{ expect: { statuses: [] } }', /statuses: names no status/],
  ['{ expect: { statuses: [99] } }', /statuses\[?\.?0\]?: 99 is out of range/],
  ['{ expect: { body: "" } }', /body: is 0 characters long/],
  ['{ comprehensive: { interval: 10ms } }', /interval: 10ms is too little; write 1s or more/],
  ['{ deep: { path: here } }', /path: "here" is not a path/],
] as const) {
  test(`healthCheck refuses ${written}`, () => {
    const result = read(written)
    assert.ok('problems' in result)
    assert.match(formatProblems('', result.problems), problem)
  })
}

test('the health monitor has knobs for what is not well', () => {
  const result = parseConfig(
    'services: { api: {} }\nagents: { health-monitor: { thresholds: { cpu: 70% }, availability: 99%, certificateDays: { warn: 30 } } }\n',
    { env: {} },
  )
  assert.ok('config' in result)
  const { thresholds, availability, certificateDays } = result.config.agents['health-monitor']
  assert.deepEqual(
    { thresholds, availability, certificateDays },
    {
      thresholds: { cpu: 0.7, memory: 0.85, disk: 0.85, network: 0.85 },
      availability: 0.99,
      certificateDays: { warn: 30, critical: 3 },
    },
  )
})
