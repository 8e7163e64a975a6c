import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Alarm } from '../../engine/proxy/upstreams/alarm.ts'

/** An alarm, and when it rang, in ms from now. */
function startAlarm(): { alarm: Alarm; rangAt: number[] } {
  const startedAt = performance.now()
  const rangAt: number[] = []
  return { alarm: new Alarm(() => rangAt.push(performance.now() - startedAt)), rangAt }
}

/** Keeps this thread busy. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('Alarm', () => {
  it('rings once, and not before its time', async () => {
    const { alarm, rangAt } = startAlarm()
    alarm.set(30)
    await pause(120)
    assert.equal(rangAt.length, 1)
    assert.ok(rangAt[0] >= 30, `${rangAt[0]} ms`)
  })

  it('is moved on by every step, and back by one', async () => {
    const { alarm, rangAt } = startAlarm()
    alarm.set(20)
    alarm.set(200)
    await pause(60)
    assert.equal(rangAt.length, 0)
    alarm.set(10)
    await pause(80)
    assert.equal(rangAt.length, 1)
    assert.ok(rangAt[0] >= 70 && rangAt[0] < 190, `${rangAt[0]} ms`)
  })

  it('never rings when it was stopped, ended, or set to no time at all', async () => {
    const { alarm, rangAt } = startAlarm()
    alarm.set(10)
    alarm.stop()
    await pause(40)
    alarm.set(10)
    alarm.set(0)
    await pause(40)
    alarm.set(10)
    alarm.end()
    await pause(40)
    assert.deepEqual(rangAt, [])
  })

  it('does not ring where what it waits for had come while the thread was busy', async () => {
    const { alarm, rangAt } = startAlarm()
    alarm.set(10)
    // As a socket is read: behind the timers of the same turn, before its immediates.
    setTimeout(() => setImmediate(() => alarm.stop()), 5)
    block(50)
    await pause(40)
    assert.deepEqual(rangAt, [])
  })
})
