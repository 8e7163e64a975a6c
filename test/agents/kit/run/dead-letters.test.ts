import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import { DeadLetters } from '../../../../agents/kit/run/dead-letters.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const FACT = defineSignal('signalbox.test.told')
const READING = defineSignal('signalbox.test.measured', { telemetry: true })

const signal = (id: string, type: string = FACT.type): Signal => {
  return { id, specversion: '1.0', type, source: '/test', time: '', data: null }
}

test('DeadLetters keeps the signal, the reason, the fault, the time and the attempts', () => {
  const clock = new VirtualClock(0)
  const letters = new DeadLetters(clock)
  letters.add(signal('a'), FACT, 'invalid', 'row: expected number')
  clock.advance(1_000)
  letters.add(signal('b'), undefined, 'undeliverable')
  assert.deepEqual(letters.report(), {
    letters: [
      {
        signal: signal('a'),
        reason: 'invalid',
        fault: 'row: expected number',
        time: '2023-11-14T22:13:20.000Z',
        attempts: 1,
      },
      { signal: signal('b'), reason: 'undeliverable', time: '2023-11-14T22:13:21.000Z', attempts: 1 },
    ],
    died: { overflow: 0, rejected: 0, invalid: 1, undeliverable: 1 },
    telemetry: 0,
  })
})

test('DeadLetters keeps the last hundred, and counts telemetry without keeping it', () => {
  const letters = new DeadLetters(new VirtualClock())
  for (let i = 0; i < 150; i++) letters.add(signal(`${i}`), FACT, 'overflow')
  for (let i = 0; i < 1_000; i++) letters.add(signal(`${i}`, READING.type), READING, 'overflow')
  const report = letters.report()
  assert.deepEqual([report.letters.length, report.letters[0]!.signal.id], [100, '50'])
  assert.deepEqual([report.died.overflow, report.telemetry], [1_150, 1_000])
})

test('DeadLetters gives back in order what the filter wants, and keeps the rest', () => {
  const letters = new DeadLetters(new VirtualClock())
  for (const id of 'abcd') letters.add(signal(id), FACT, id === 'b' ? 'rejected' : 'overflow')
  const ids = (signals: Signal[]): string[] => signals.map(({ id }) => id)
  assert.deepEqual(ids(letters.redrive(({ reason }) => reason === 'overflow')), ['a', 'c', 'd'])
  assert.deepEqual(ids(letters.redrive()), ['b'])
  assert.equal(letters.length, 0)
})

test('DeadLetters gives a signal back four times; after its fifth death it stays', () => {
  const letters = new DeadLetters(new VirtualClock())
  letters.add(signal('a'), FACT, 'overflow')
  for (let attempts = 1; attempts < 5; attempts++) {
    assert.equal(letters.report().letters[0]!.attempts, attempts)
    assert.deepEqual(letters.redrive(), [signal('a')])
    letters.add(signal('a'), FACT, 'overflow')
  }
  assert.equal(letters.report().letters[0]!.attempts, 5)
  assert.deepEqual(letters.redrive(), [])
  assert.equal(letters.length, 1)
})

test('DeadLetters remembers no more signals that it gave back than it has room for', () => {
  const letters = new DeadLetters(new VirtualClock(), 2)
  for (const id of 'ab') letters.add(signal(id), FACT, 'overflow')
  letters.redrive()
  letters.add(signal('c'), FACT, 'overflow')
  letters.redrive()
  // a was forgotten for c: it begins again. b was not.
  for (const id of 'ab') letters.add(signal(id), FACT, 'overflow')
  assert.deepEqual(
    letters.report().letters.map(({ attempts }) => attempts),
    [1, 2],
  )
})
