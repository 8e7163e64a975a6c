import assert from 'node:assert/strict'
import { it } from 'node:test'
import { backOffMs } from '../../engine/proxy/threads/parent.ts'

it('backOffMs() is nothing after the first death, then doubles up to five seconds, half of it left to chance', () => {
  const [least, most] = [1, 0].map(die => Array.from({ length: 9 }, (_, deaths) => backOffMs(deaths, die)))
  assert.deepEqual(most, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
  assert.deepEqual(
    least,
    most!.map(ms => ms / 2),
  )
  assert.equal(backOffMs(1_000_000, 0), 5000)
})
