import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TreeOrder } from '../../../../agents/kit/supervision/supervision.ts'
import { TreeRunner } from '../../../../agents/kit/supervision/tree-runner.ts'
import { root, thread } from './forest.ts'

test('a restart that falls due between a step and the wait for the next is made', () => {
  const orders: TreeOrder[] = []
  const waits: number[] = []
  let now = 0
  // Time goes on while orders are performed and the clock is read: here by a millisecond each.
  const tree = new TreeRunner(root([thread('a')], { backOffMsMax: 1 }), {
    nowMs: () => now++,
    dice: () => 0.5,
    later: delayMs => {
      waits.push(delayMs)
      return () => {}
    },
    perform: order => void orders.push(order),
  })
  tree.take({ event: 'boot' })
  tree.take({ event: 'started', id: 'a' })
  const crash = { event: 'ended', id: 'a', isFault: true, reason: 'it crashed' } as const
  tree.take(crash)
  tree.take({ event: 'started', id: 'a' })
  waits.length = 0
  // The second restart in a row waits for a millisecond, which is over when it is asked what to wait for.
  tree.take(crash)
  assert.deepEqual(waits, [0])
  const before = orders.length
  tree.take({ event: 'due' })
  assert.deepEqual(orders[before], { order: 'start', id: 'a' })
})
