import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AnySignalKind, defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import { DeadLetters } from '../../../../agents/kit/run/dead-letters.ts'
import { Fifo } from '../../../../agents/kit/run/fifo.ts'
import { Mailbox } from '../../../../agents/kit/run/mailbox.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const FACT = defineSignal('signalbox.test.told')
const READING = defineSignal('signalbox.test.measured', { telemetry: true })
const PROMISE = defineSignal('signalbox.test.ordered', { overflow: 'reject' })

const signal = (id: string, { type }: AnySignalKind = FACT): Signal => {
  return { id, specversion: '1.0', type, source: '/test', time: '', data: null }
}

function mailboxOf(room: number) {
  const mailbox = new Mailbox(new DeadLetters(new VirtualClock(0)), room)
  const put = (id: string, kind: AnySignalKind): boolean => mailbox.put(signal(id, kind), kind)
  const takeAll = (): string[] => {
    const ids: string[] = []
    for (let taken = mailbox.take(); taken !== undefined; taken = mailbox.take()) ids.push(taken.signal.id)
    return ids
  }
  const dead = () => mailbox.deadLetters.report().letters.map(({ signal, reason }) => `${signal.id}: ${reason}`)
  return { mailbox, put, takeAll, dead }
}

test('Mailbox gives signals back in the order they came, whatever their kinds', () => {
  const { mailbox, put } = mailboxOf(9)
  put('a', FACT)
  put('b', READING)
  mailbox.putOwn(signal('c'), 'sensor')
  put('d', PROMISE)
  put('e', FACT)
  assert.equal(mailbox.length, 5)
  const taken = Array.from({ length: 6 }, () => mailbox.take())
  assert.deepEqual(
    taken.map(each => each && [each.signal.id, each.isOwn, each.to]),
    [
      ['a', false, undefined],
      ['b', false, undefined],
      ['c', true, 'sensor'],
      ['d', false, undefined],
      ['e', false, undefined],
      undefined,
    ],
  )
})

test('Mailbox that is full drops the oldest telemetry, only without any the oldest fact, and counts both', () => {
  const { mailbox, put, takeAll, dead } = mailboxOf(3)
  put('fact 1', FACT)
  put('reading 1', READING)
  put('reading 2', READING)
  for (const id of ['fact 2', 'fact 3', 'fact 4']) assert.equal(put(id, FACT), true)
  assert.equal(mailbox.dropped, 3)
  assert.deepEqual(takeAll(), ['fact 2', 'fact 3', 'fact 4'])
  assert.deepEqual(dead(), ['fact 1: overflow'], 'telemetry is not kept')
  assert.deepEqual(mailbox.deadLetters.report().died.overflow, 3)
  assert.deepEqual(mailbox.deadLetters.report().telemetry, 2)
})

test('Mailbox rejects a promise it has no room for, and says so; what waits stays', () => {
  const { put, takeAll, dead } = mailboxOf(2)
  put('fact', FACT)
  put('promise 1', PROMISE)
  assert.equal(put('promise 2', PROMISE), false)
  assert.deepEqual(dead(), ['promise 2: rejected'])
  assert.deepEqual(takeAll(), ['fact', 'promise 1'])
})

test('Mailbox drops telemetry for a promise', () => {
  const { put, takeAll, dead } = mailboxOf(2)
  put('reading', READING)
  put('promise 1', PROMISE)
  assert.equal(put('promise 2', PROMISE), true)
  assert.deepEqual([takeAll(), dead()], [['promise 1', 'promise 2'], []])
})

test('Mailbox drops neither a promise for a fact nor a fact for telemetry', () => {
  const { mailbox, put, takeAll, dead } = mailboxOf(2)
  put('promise 1', PROMISE)
  put('promise 2', PROMISE)
  assert.equal(put('fact', FACT), false)
  assert.deepEqual([takeAll(), dead()], [['promise 1', 'promise 2'], ['fact: overflow']])
  put('fact 1', FACT)
  put('fact 2', FACT)
  assert.equal(put('reading', READING), false)
  assert.deepEqual(takeAll(), ['fact 1', 'fact 2'])
  assert.equal(mailbox.dropped, 2)
})

test('Mailbox never drops what an agent told itself, however full it is', () => {
  const { mailbox, put, takeAll } = mailboxOf(2)
  for (const id of ['own 1', 'own 2', 'own 3']) mailbox.putOwn(signal(id))
  for (const id of 'abc') put(id, READING)
  mailbox.putOwn(signal('own 4'))
  assert.deepEqual(takeAll(), ['own 1', 'own 2', 'own 3', 'b', 'c', 'own 4'])
  assert.equal(mailbox.dropped, 1)
})

/** The rules once more, over one plain array. */
class PlainMailbox {
  readonly waiting: { id: number; kind: AnySignalKind | undefined }[] = []
  readonly room: number

  constructor(room: number) {
    this.room = room
  }

  put(id: number, kind: AnySignalKind | undefined): boolean {
    if (kind !== undefined && this.waiting.filter(each => each.kind !== undefined).length >= this.room) {
      let victim = this.waiting.findIndex(each => each.kind === READING)
      if (victim < 0 && kind === FACT) victim = this.waiting.findIndex(each => each.kind === FACT)
      if (victim < 0) return false
      this.waiting.splice(victim, 1)
    }
    this.waiting.push({ id, kind })
    return true
  }
}

test('Mailbox does what its rules say, in any order of puts and takes', () => {
  const step = fc.oneof(fc.constantFrom('take', 'own' as const), fc.constantFrom(FACT, READING, PROMISE))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (room, steps) => {
      const { mailbox, put } = mailboxOf(room)
      const plain = new PlainMailbox(room)
      for (const [id, each] of steps.entries()) {
        if (each === 'take') {
          assert.equal(mailbox.take()?.signal.id, plain.waiting.shift()?.id.toString())
        } else if (each === 'own') {
          mailbox.putOwn(signal(`${id}`))
          plain.put(id, undefined)
        } else {
          assert.equal(put(`${id}`, each as AnySignalKind), plain.put(id, each as AnySignalKind))
        }
        assert.equal(mailbox.length, plain.waiting.length)
      }
    }),
  )
})

test('Fifo gives back what it got, in order, and holds nothing that was taken', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), steps => {
      const fifo = new Fifo<number>()
      const plain: number[] = []
      for (const [at, isPut] of steps.entries()) {
        if (isPut) {
          fifo.push(at)
          plain.push(at)
        } else {
          assert.equal(fifo.take(), plain.shift())
        }
        assert.equal(fifo.peek(), plain[0])
      }
      assert.deepEqual([[...fifo], fifo.length], [plain, plain.length])
    }),
  )
})

test('Mailbox that is flooded holds what it has room for and counts the rest, in seconds for a million', () => {
  const { mailbox, put, takeAll } = mailboxOf(20_000)
  // Were the oldest looked for among all, or moved up for, each put would cost 20,000 steps.
  for (let i = 0; i < 20_000; i++) put(`fact ${i}`, i % 2 === 0 ? FACT : READING)
  for (let i = 0; i < 1_000_000; i++) put('reading', READING)
  assert.deepEqual([mailbox.length, mailbox.dropped], [20_000, 1_000_000])
  assert.equal(takeAll().length, 20_000)
})
