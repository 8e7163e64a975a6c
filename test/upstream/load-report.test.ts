import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLoadReport } from '../../engine/upstream/load-report.ts'

const of = (cpu?: number, memory?: number, utilisation?: number) => ({ cpu, memory, utilisation })

test('readLoadReport() reads both forms of ORCA, and pairs alone', () => {
  assert.deepEqual(readLoadReport('TEXT cpu_utilization=0.3, mem_utilization=0.8'), of(0.3, 0.8))
  assert.deepEqual(
    readLoadReport('JSON {"cpu_utilization": 0.3, "application_utilization": 0.5}'),
    of(0.3, undefined, 0.5),
  )
  assert.deepEqual(readLoadReport('cpu_utilization=0.3,named_metrics.queue=4'), of(0.3))
  assert.deepEqual(readLoadReport('TEXT cpu_utilization=1.7'), of(1))
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
