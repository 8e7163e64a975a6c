import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pause } from '../../../agents/bridge/clock.ts'
import { FencedRecords } from '../../../agents/bridge/fenced-records.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { VirtualTime } from './virtual-time.ts'

function world(keeps = true) {
  const time = new VirtualTime()
  const sequencer = new InlineSequencer({ clock: time, keeps })
  const open = () => {
    const store = sequencer.open({ patienceMs: 100 })
    return { store, records: new FencedRecords(store, 'book', time) }
  }
  const settle = (ms = 50) => time.until(pause(time, ms))
  return { time, sequencer, open, settle }
}

test('FencedRecords.write() refuses a fence that is older than what was written last (D35)', async () => {
  const { time, open } = world()
  const [old, next] = [open(), open()]
  assert.equal(await time.until(old.records.write('operations', 7, ['a'])), true)
  assert.equal(await time.until(next.records.write('operations', 9, ['a', 'b'])), true)
  // It stood still meanwhile, and goes on as if nothing had been.
  assert.equal(await time.until(old.records.write('operations', 7, ['c'])), false)
  assert.deepEqual((await time.until(next.store.get('book/operations')))?.value, '{"fence":9,"value":["a","b"]}')
  // A plain write has no such guard: that is what it is there for.
  const entry = await time.until(old.store.get('book/operations'))
  const plain = await time.until(old.store.cas('book/operations', '"c"', entry!.revision))
  assert.equal(plain.isMade, true)
})

test('FencedRecords.write() that was late does not replace a later one of the same fence, where they are counted', async () => {
  const { time, open } = world()
  const { records, store } = open()
  await time.until(records.write('x', 1, 'first', 1))
  await time.until(records.write('x', 1, 'second', 2))
  // Its answer was lost, and it is said again.
  assert.equal(await time.until(records.write('x', 1, 'first', 1)), true)
  assert.match((await time.until(store.get('book/x')))!.value, /second/)
  assert.equal(await time.until(records.write('x', 2, 'of the next', 1)), true, 'a higher fence counts anew')
})

test('FencedRecords.write() may be said again: the same comes to the same, in one revision (D36)', async () => {
  const { time, open, settle } = world()
  const { records } = open()
  for (let i = 0; i < 3; i++) assert.equal(await time.until(records.write('x', 1, { n: 1 })), true)
  await settle()
  const [first] = records.all()
  await time.until(records.write('x', 1, { n: 1 }))
  await settle()
  assert.equal(records.get('x')?.revision, first!.revision)
})

test('FencedRecords: of two who write at once under one fence neither is lost without a word', async () => {
  const { time, open, settle } = world()
  const [a, b] = [open(), open()]
  const done = await time.until(Promise.all([a.records.write('x', 3, 'a'), b.records.write('x', 3, 'b')]))
  assert.deepEqual(done, [true, true])
  await settle()
  assert.deepEqual(a.records.all(), b.records.all())
})

test('FencedRecords: all read the same, who comes late and who was cut off too', async () => {
  const { time, sequencer, open, settle } = world()
  const [a, b] = [open(), open()]
  await time.until(a.records.write('x', 1, 'one'))
  b.store.leave()
  await time.until(a.records.write('y', 1, 'two'))
  await time.until(a.records.write('x', 2, 'three'))
  sequencer.join(b.store)
  const late = open()
  await settle(500)
  assert.equal(b.records.isCurrent, true)
  assert.deepEqual(b.records.all(), a.records.all())
  assert.deepEqual(late.records.all(), a.records.all())
  assert.deepEqual(
    a.records.all().map(({ name, fence, value }) => [name, fence, value]),
    [
      ['x', 2, 'three'],
      ['y', 1, 'two'],
    ],
  )
})

test('FencedRecords.changed() resolves when something has, and when it is closed', async () => {
  const { time, open, settle } = world()
  const [a, b] = [open(), open()]
  await settle()
  let heard = 0
  void b.records.changed().then(() => heard++)
  await settle()
  assert.equal(heard, 0)
  await time.until(a.records.write('x', 1, null))
  await settle()
  assert.equal(heard, 1)
  const closed = b.records.changed()
  b.records.close()
  await time.until(closed)
})

test('FencedRecords: what lies there and is no record is not believed', async () => {
  const { time, open, settle } = world()
  const { store, records } = open()
  await time.until(store.create('book/x', 'nonsense'))
  await time.until(store.create('book/y', '{"fence":"high","value":1}'))
  await settle()
  assert.deepEqual(records.all(), [])
  assert.equal(await time.until(records.write('x', 1, 'sense')), true)
  await settle()
  assert.equal(records.get('x')?.value, 'sense')
})
