import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJson, readHealthBody } from '../../../agents/health-monitor/health-body.ts'
import { readLoadHeader } from '../../../agents/health-monitor/load-report.ts'

for (const [written, load] of [
  ['TEXT cpu_utilization=0.3,mem_utilization=0.8', { cpu: 0.3, memory: 0.8 }],
  ['TEXT cpu_utilization=0.3, named_metrics.disk=0.2 ,rps_fractional=10.5', { cpu: 0.3, disk: 0.2 }],
  ['cpu_utilization=0.3', { cpu: 0.3 }],
  ['JSON {"cpu_utilization": 0.3, "mem_utilization": 0.8, "eps": 2}', { cpu: 0.3, memory: 0.8 }],
  ['JSON {"cpuUtilization": 0.3, "applicationUtilization": 0.6}', { cpu: 0.3, utilisation: 0.6 }],
  ['{"cpu_utilization": 0.3, "named_metrics": {"network": 0.1}}', { cpu: 0.3, network: 0.1 }],
  // It has lent more than it was given: all of it is in use. Twice as much is no share.
  ['TEXT cpu_utilization=1.4', { cpu: 1 }],
  ['TEXT cpu_utilization=55', {}],
  ['TEXT cpu_utilization=-1', {}],
  ['TEXT cpu_utilization=', {}],
  ['TEXT cpu_utilization', {}],
  ['JSON {"cpu_utilization": "0.3"}', {}],
  ['JSON {cpu', {}],
  ['BIN CgA=', {}],
  ['', {}],
  [`TEXT cpu_utilization=0.3,x=${'9'.repeat(5_000)}`, {}],
] as const) {
  test(`a load report of ${written.length > 60 ? 'five thousand characters' : JSON.stringify(written)} is read for what it says`, () => {
    assert.deepEqual(readLoadHeader(written), load)
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
