import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJson, readHealthBody } from '../../../agents/health-monitor/health-body.ts'
import { readLoad } from '../../../agents/health-monitor/load-figures.ts'

for (const [written, load] of [
  [
    { cpu: 0.3, memory: 0.8 },
    { cpu: 0.3, memory: 0.8 },
  ],
  [
    { cpu_utilization: 0.3, mem_utilization: 0.8, eps: 2 },
    { cpu: 0.3, memory: 0.8 },
  ],
  [
    { cpuUtilization: 0.3, applicationUtilization: 0.6 },
    { cpu: 0.3, utilisation: 0.6 },
  ],
  [
    { resources: { cpu: 0.3, disk: 0.2 }, maxConnections: 40 },
    { cpu: 0.3, disk: 0.2, maxConnections: 40 },
  ],
  [
    { cpu_utilization: 0.3, named_metrics: { network: 0.1 } },
    { cpu: 0.3, network: 0.1 },
  ],
  // One level down and no further.
  [{ resources: { load: { cpu: 0.9 } } }, {}],
  // It has lent more than it was given: all of it is in use. Twice as much is no share.
  [{ cpu: 1.4 }, { cpu: 1 }],
  [{ cpu: 55, memory: -1, disk: '0.3', network: null, maxConnections: 0.5 }, {}],
] as const) {
  test(`load figures of ${JSON.stringify(written)} are read for what they say`, () => {
    assert.deepEqual(readLoad(written), load)
  })
}

test('a health body is read in the shapes that are about', () => {
  const draft = readHealthBody(
    '{"status":"warn","checks":{"db:time":[{"status":"pass"},{"status":"fail"}],"cache":[{"status":"pass"}]}}',
  )!
  assert.deepEqual(
    [draft.says, draft.dependencies],
    [
      'degraded',
      [
        { name: 'db:time', status: 'failed' },
        { name: 'cache', status: 'passed' },
      ],
    ],
  )
  const spring = readHealthBody('{"status":"UP","components":{"db":{"status":"DOWN"}}}')!
  assert.deepEqual([spring.says, spring.dependencies], ['passed', [{ name: 'db', status: 'failed' }]])
  const listed = readHealthBody('{"healthy":true,"dependencies":[{"name":"queue","status":"ok"},"ok"],"uptime":5}')!
  assert.deepEqual(
    [listed.says, listed.dependencies, listed.uptimeS],
    [
      'passed',
      [
        { name: 'queue', status: 'passed' },
        { name: '1', status: 'passed' },
      ],
      5,
    ],
  )
  assert.deepEqual(readHealthBody('{"status":"fine, thanks"}')?.says, 'unknown')
  assert.equal(readHealthBody('[]'), undefined)
  assert.equal(readHealthBody('ok'), undefined)
})

test('isJson() knows JSON by its type', () => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/Health+JSON']) {
    assert.ok(isJson(type), type)
  }
  for (const type of [undefined, 'text/html', 'application/jsonp', 'text/json-ish']) assert.ok(!isJson(type), type)
})
