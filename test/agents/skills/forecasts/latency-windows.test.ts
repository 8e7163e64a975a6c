import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { mount, stay, unmount } from '../../../../agents/kit/grammar/directive.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { bucketOf } from '../../../../agents/kit/run/latency-buckets.ts'
import { latenciesCounted } from '../../../../agents/signals.ts'
import { LatencyLedger, type WindowRow } from '../../../../agents/skills/forecasts/latency-ledger.ts'
import {
  latenciesMeasured,
  latencyTrended,
  latencyWindows,
  type TrendRow,
} from '../../../../agents/skills/forecasts/latency-windows.ts'
import { run, signal } from '../../kit/run/tiny-runner.ts'

const counted = (us: number, count: number, row = 0) => ({ row, generation: 1, bucket: bucketOf(us), count })

test('the ledger keeps the last ten seconds, and forgets the eleventh (SE-9)', () => {
  const ledger = new LatencyLedger()
  ledger.add(counted(1000, 10))
  assert.deepEqual(
    ledger.close().map(({ count, last10s }) => [count, last10s.count]),
    [[10, 10]],
  )
  for (let second = 0; second < 9; second++) {
    ledger.add(counted(2000, 1))
    const [row] = ledger.close()
    assert.equal(row!.last10s.count, 10 + second + 1)
  }
  ledger.add(counted(2000, 1))
  assert.equal(ledger.close()[0]!.last10s.count, 10, 'the ten of the first second are gone')
  for (let second = 0; second < 10; second++) assert.deepEqual(ledger.close(), [])
  assert.equal(ledger.size, 0, 'who had no request for as long is forgotten')
})

test('a later tenant of a row begins with nothing', () => {
  const ledger = new LatencyLedger()
  ledger.add(counted(1000, 10))
  ledger.close()
  ledger.add({ ...counted(5000, 2), generation: 2 })
  assert.deepEqual(
    ledger.close().map(({ generation, last10s }) => [generation, last10s.count]),
    [[2, 2]],
  )
})

/** An agent with the skill, and the readings it hears. */
function world() {
  const dropped = defineSignal('signalbox.test.dropped')
  const rows: WindowRow[] = []
  const trends: TrendRow[] = []
  const agent = defineAgent({
    ...{ name: 'watcher', role: 'watcher', listens: [latenciesMeasured, latencyTrended, dropped] },
    start: () => ({ state: null, directives: [mount(latencyWindows('one')), mount(latencyWindows('two'))] }),
    decide(state, heard) {
      if (latenciesMeasured.is(heard)) rows.push(...heard.data.rows)
      if (latencyTrended.is(heard)) trends.push(...heard.data.rows)
      return dropped.is(heard) ? { state, directives: [unmount('one'), unmount('two')] } : stay(state)
    },
  })
  return { rows, trends, dropped, ...run(agent) }
}

test('each second the latencies of each endpoint are measured, of the last ten seconds too (SE-9)', async () => {
  const { runner, rows, advance } = world()
  for (let second = 0; second < 5; second++) {
    runner.receive(signal(latenciesCounted.type, { rows: [counted(1000, 95), counted(9000, 5)] }))
    await advance(1000)
  }
  const last = rows.at(-1)!
  assert.ok(last.count === 100 && last.last10s.count >= 300, JSON.stringify(last))
  // The bucket of 1,000 µs ends at 1,023; 9,000 is in that which ends at 9,215.
  assert.deepEqual([last.last10s.p50Us, last.last10s.p95Us, last.last10s.p99Us], [1023, 1023, 9215])
})

test('the slope of the last p95s is told, by the line that most of them agree on (SE-25)', async () => {
  const { runner, trends, advance } = world()
  for (let second = 0; second < 26; second++) {
    // Half a millisecond more each second, and one second that is out of all proportion.
    const us = second === 20 ? 900_000 : 10_000 + 500 * second
    runner.receive(signal(latenciesCounted.type, { rows: [counted(us, 100)] }))
    await advance(1000)
  }
  const { windows, line } = trends.at(-1)!
  assert.equal(windows, 20, 'no more than the last twenty')
  assert.ok(Math.abs(line.slope - 500) < 60, `${line.slope}`)
})

test('latency windows mounted twice have two ledgers, and unmounted they hear nothing more', async () => {
  const { runner, rows, dropped, advance } = world()
  assert.notEqual(runner.slice(latencyWindows('one')), runner.slice(latencyWindows('two')))
  runner.receive(signal(dropped.type))
  assert.equal(runner.listensTo(latenciesCounted.type), false)
  await advance(3000)
  assert.deepEqual(rows, [])
})
