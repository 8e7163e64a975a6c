import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineLine, measure, type Row } from '../../native-bench/harness.ts'

test('a figure comes with its samples and spread, under a line that names machine, cores and Node (D40)', async () => {
  const once = () => new Promise<void>(resolve => setImmediate(resolve))
  let waits = 0
  const journey = {
    name: 'turn of the event loop',
    times: 20,
    start: async () => ({ once, ready: async () => void waits++, stop: async () => {} }),
  }
  let closed = 0
  const nothing = { name: 'nothing', begin: async () => ({ batch: () => {}, close: async () => void closed++ }) }
  const rows: Row[] = []
  await measure([nothing], [journey], row => void rows.push(row))
  assert.deepEqual(
    rows.map(({ name, samples }) => [name, samples]),
    [
      ['nothing', 200],
      ['turn of the event loop', 20],
    ],
  )
  for (const { nsMedian, nsP99, spreadPercent } of rows) {
    assert.ok(nsMedian >= 0 && nsP99 >= nsMedian && spreadPercent >= 0)
  }
  const [batched, timed] = rows
  assert.ok(batched!.single !== undefined && batched!.bytes !== undefined)
  assert.ok(timed!.single === undefined && timed!.bytes === undefined, 'others allocate while a journey waits')
  assert.equal(closed, 1)
  assert.equal(waits, 25, 'before each, the untimed ones too')
  assert.match(machineLine(), /, \d+ cores, Node v\d+\.\d+\.\d+, \w+ \w+$/)
})
