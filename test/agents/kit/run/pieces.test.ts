import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { rollDie } from '../../../../agents/kit/dice.ts'
import { defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import { Stamp } from '../../../../agents/kit/run/stamp.ts'
import { PROFILES, type Profile } from '../../../../agents/kit/supervision/profile.ts'
import { backoffMs, countRestart, restMs } from '../../../../agents/kit/supervision/restart.ts'
import { threadOfKernel, waitedMs } from '../../../../agents/kit/supervision/run-queue.ts'
import { beginWatch, isFull, isHung, lagAfter, look, weigh } from '../../../../agents/kit/supervision/watch.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const signal = (id: string, type = 'signalbox.test.told'): Signal => {
  return { id, specversion: '1.0', type, source: '/test', time: '', data: null }
}

test('Stamp gives ids that grow and differ, within one millisecond and when the wall clock is set back', () => {
  const clock = new VirtualClock(1_000)
  const stamp = new Stamp('health-monitor', clock, () => 0.5)
  const ids: string[] = []
  for (let i = 0; i < 5_000; i++) ids.push(stamp.signal({ type: 'signalbox.test.told', data: i }, undefined).id)
  clock.advance(10)
  ids.push(stamp.signal({ type: 'signalbox.test.told', data: 0 }, undefined).id)
  clock.advance(-500)
  ids.push(stamp.signal({ type: 'signalbox.test.told', data: 0 }, undefined).id)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids.toSorted(), ids)
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('Stamp makes a CloudEvent that names its cause', () => {
  const stamp = new Stamp('health-monitor', new VirtualClock(0), () => 0)
  const { id: _, ...rest } = stamp.signal({ type: 'signalbox.a.told', subject: 'api/a', data: 1 }, signal('cause'))
  assert.deepEqual(rest, {
    specversion: '1.0',
    type: 'signalbox.a.told',
    source: '/signalbox/agents/health-monitor',
    subject: 'api/a',
    time: '2023-11-14T22:13:20.000Z',
    data: 1,
    causationid: 'cause',
  })
})

test('Stamp carries a trace on: what follows is another span of it', () => {
  const cause = { ...signal('cause'), traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
  const next = (dice: () => number) => {
    const stamp = new Stamp('health-monitor', new VirtualClock(), dice)
    return stamp.signal({ type: 'signalbox.a.told', data: 1 }, cause).traceparent
  }
  assert.equal(
    next(() => 0.5),
    '00-4bf92f3577b34da6a3ce929d0e0e4736-8000000080000000-01',
  )
  // All zeroes would be no span.
  assert.equal(
    next(() => 0),
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01',
  )
})

test('defineSignal() refuses a type that is not dotted lower case', () => {
  for (const type of ['ejected', 'signalbox.ejected', 'Signalbox.endpoint.ejected', 'signalbox.endpoint.', 'a.b c.d']) {
    assert.throws(() => defineSignal(type), { code: 'SBX_AGENT_INVALID' }, type)
  }
})

test('rollDie() throws evenly, and the same again from the same seed', () => {
  let seed = 1
  let sum = 0
  for (let i = 0; i < 10_000; i++) {
    const die = rollDie(seed)
    assert.ok(die.value >= 0 && die.value < 1)
    sum += die.value
    seed = die.seed
  }
  // Mean of 10,000 uniform throws: 0.5 ± 5 × 0.2887 ÷ 100.
  assert.ok(Math.abs(sum / 10_000 - 0.5) < 0.0145, `${sum / 10_000}`)
  assert.deepEqual(rollDie(42), rollDie(42))
})

test('backoffMs() is up to 20 ms, then doubles from 50 ms to 10 s, ± 20 %', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 20].map(n => backoffMs(n, 0.5)),
    [10, 50, 100, 200, 400, 10_000],
  )
  assert.equal(backoffMs(1, 0), 40)
  assert.equal(backoffMs(1, 1), 60)
})

test('restMs() doubles from 10 s to 5 min, ± 20 %', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 20].map(n => restMs(n, 0.5)),
    [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000],
  )
  assert.equal(restMs(0, 0), 8_000)
})

test('countRestart() counts three within five seconds, and the fourth is one too many', () => {
  assert.deepEqual(countRestart([0, 1_000], 2_000), [0, 1_000, 2_000])
  assert.equal(countRestart([0, 1_000, 2_000], 4_999), undefined)
  assert.deepEqual(countRestart([0, 1_000, 2_000], 5_000), [1_000, 2_000, 5_000])
  assert.equal(countRestart([], 0, 0), undefined, 'with none allowed the first is one too many')
})

/** Looks at a heartbeat that stands still, `gaps` ms apart; says at which look it is found to hang, from 1, or 0. */
function convictedAt(
  gaps: readonly number[],
  beats: (look: number) => number = () => 1,
  profile: Profile = PROFILES.default,
): number {
  let watch = beginWatch(1)
  let lagMs = 0
  for (const [i, gap] of gaps.entries()) {
    lagMs = lagAfter(lagMs, gap, profile)
    watch = look(watch, beats(i), gap, profile)
    if (isHung(watch, lagMs, profile)) return i + 1
  }
  return 0
}

test('isHung() finds a thread that stands still after 50 ms of looks with the fast profile', () => {
  assert.equal(convictedAt(Array(30).fill(10), undefined, PROFILES.fast), 5)
})

/** Looks and beats that are each late by up to so many ms, all by chance; says how many looks there were before a conviction, or 0. */
function starved(profile: Profile, lateMsMax: number, seed: number): number {
  const roll = (): number => {
    const die = rollDie(seed)
    seed = die.seed
    return die.value
  }
  const lateMs = (): number => roll() ** 4 * lateMsMax
  const gaps: number[] = []
  const seen: number[] = []
  let [now, beatMs, beats] = [0, 0, 1]
  while (now < 60_000) {
    const gap = profile.lookMs + lateMs()
    now += gap
    for (; beatMs <= now; beats++) beatMs += profile.beatMs + lateMs()
    gaps.push(gap)
    seen.push(beats)
  }
  return convictedAt(gaps, i => seen[i]!, profile)
}

test('isHung() convicts nobody for a minute on a machine that starves looks and beats alike', () => {
  for (let seed = 1; seed <= 20; seed++) {
    assert.equal(starved(PROFILES.default, 3_000, seed), 0, `default, seed ${seed}`)
    assert.equal(starved(PROFILES.fast, 300, seed), 0, `fast, seed ${seed}`)
  }
  // The test has eyes: where the deadline does not stretch with the lag, the innocent are convicted.
  assert.ok([1, 2, 3].some(seed => starved({ ...PROFILES.default, stretchMax: 1 }, 3_000, seed) > 0))
  assert.ok([1, 2, 3].some(seed => starved({ ...PROFILES.fast, stretchMax: 1 }, 300, seed) > 0))
})

test('isHung() does not count the time a thread had no core, up to the longest deadline there is', () => {
  const silent = { ...beginWatch(1), looks: 20, silentMs: 1_500 }
  assert.equal(isHung(silent, 0), true)
  assert.equal(isHung(silent, 0, PROFILES.default, 501), false)
  assert.equal(isHung({ ...silent, silentMs: 8_000 }, 0, PROFILES.default, 7_999), true)
})

test('waitedMs() tells how long a thread had no core while others had them', {
  skip: existsSync('/proc/self/schedstat') ? false : 'the kernel does not tell',
}, async () => {
  const thread = threadOfKernel()
  assert.ok(thread > 0)
  // Twice as many as there are cores, each busy for a moment: this one is kept waiting.
  const eaters = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ['--eval', 'const until = Date.now() + 400; while (Date.now() < until);']),
  )
  const before = waitedMs(thread)
  const until = performance.now() + 500
  while (performance.now() < until);
  const starvedMs = waitedMs(thread) - before
  await Promise.all(eaters.map(eater => eater.exitCode ?? once(eater, 'exit')))
  assert.ok(starvedMs > 20 && starvedMs < 1_000, `${starvedMs} ms`)
  assert.equal(waitedMs(0), 0)
})

test('isFull() takes two looks in a row at 70 % of the limit, and none before the limit is known', () => {
  const seen = (...kib: number[]): boolean =>
    isFull(kib.reduce((watch, each) => weigh(watch, each, 100), beginWatch(0)))
  assert.deepEqual([seen(70), seen(70, 70), seen(70, 69, 70), seen(69, 69, 69)], [false, true, false, false])
  assert.equal(isFull(weigh(weigh(beginWatch(0), 9e9, 0), 9e9, 0)), false)
  assert.equal(isFull(look(weigh(weigh(beginWatch(0), 80, 100), 80, 100), 5, 10)), true, 'a beat does not undo it')
})

test('isHung() finds a thread that stands still after a second of looks', () => {
  assert.equal(convictedAt(Array(30).fill(100)), 10)
})

test('isHung() convicts nobody who beats, however seldom', () => {
  assert.equal(
    convictedAt(Array(100).fill(100), i => Math.floor(i / 9)),
    0,
  )
})

test('isHung() convicts nobody for a pause of our own: frozen for ten seconds, then five quick looks', () => {
  assert.equal(convictedAt([100, 10_000, 100, 100, 100, 100]), 0)
})

test('isHung() is slower to convict where we are late ourselves', () => {
  // Looks 150 ms apart are 50 ms late: the deadline doubles to 2 s, which is 14 looks of 150 ms.
  assert.equal(convictedAt(Array(30).fill(150)), 14)
})
