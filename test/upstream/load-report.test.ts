import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLoadReport } from '../../engine/upstream/load-report.ts'

const of = (cpu?: number, memory?: number, utilisation?: number, inflight?: number) => ({
  ...{ cpu, memory, utilisation, inflight },
})

test('readLoadReport() reads both forms of ORCA, and pairs alone', () => {
  assert.deepEqual(readLoadReport('TEXT cpu_utilization=0.3, mem_utilization=0.8'), of(0.3, 0.8))
  assert.deepEqual(
    readLoadReport('JSON {"cpu_utilization": 0.3, "application_utilization": 0.5}'),
    of(0.3, undefined, 0.5),
  )
  assert.deepEqual(readLoadReport('cpu_utilization=0.3,named_metrics.queue=4'), of(0.3))
  assert.deepEqual(readLoadReport('TEXT cpu_utilization=1.7'), of(1))
})

test('readLoadReport() reads how many requests an endpoint has, in both forms', () => {
  const inflight = (count: number) => of(undefined, undefined, undefined, count)
  assert.deepEqual(readLoadReport('named_metrics.inflight=12'), inflight(12))
  assert.deepEqual(
    readLoadReport('TEXT cpu_utilization=0.3, named_metrics.inflight=0'),
    of(0.3, undefined, undefined, 0),
  )
  assert.deepEqual(readLoadReport('JSON {"named_metrics": {"inflight": 7, "queue": 2}}'), inflight(7))
  for (const text of [
    'named_metrics.inflight=-1',
    'named_metrics.inflight=many',
    'named_metrics.inflight=1e12',
    'JSON {"named_metrics": 7}',
    'JSON {"named_metrics": {"inflight": "7"}}',
    'JSON {"inflight": 7}',
  ]) {
    assert.equal(readLoadReport(text), undefined, text)
  }
})

test('readLoadReport() makes nothing of what is no report', () => {
  for (const text of [
    '',
    'TEXT',
    'TEXT cpu_utilization=',
    'TEXT cpu_utilization=much',
    'TEXT cpu_utilization=-1',
    'JSON {"cpu_utilization": "0.3"}',
    'JSON {"cpu_utilization": ',
    'JSON null',
    'JSON 7',
    'BIN CgAA',
    'named_metrics.queue=4',
    `TEXT cpu_utilization=0.3${' '.repeat(5_000)}`,
  ]) {
    assert.equal(readLoadReport(text), undefined, text.slice(0, 40))
  }
})
