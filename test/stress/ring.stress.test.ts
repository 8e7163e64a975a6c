import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { RING, Ring } from '../../engine/memory/ring.ts'
import { layRing } from '../../engine/memory/ring-layout.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPTED, checksum, HOLDING, type RingThread, STOP, TYPE } from './ring.thread.ts'

const CAPACITY = 64 * 1024
/** 1 MiB before the cursors wrap: the stress passes the edge. */
const START = 2 ** 32 - 2 ** 17

function startThread(task: RingThread): Worker {
  return new Worker(new URL('./ring.thread.js', import.meta.url), { workerData: task })
}

/**
 * Looks at every record that comes out of a ring: right type, right checksum, and of each writer and life the next
 * number. `fault` says what was wrong first.
 */
function auditor() {
  const next = new Map<string, number>()
  const audit = {
    fault: '',
    records: 0,
    heardOf: (id: number, life: number) => next.get(`${id}/${life}`) ?? 0,
    onRecord(type: number, bytes: Uint8Array, offset: number, length: number) {
      if (audit.fault) return
      audit.records++
      if (type !== TYPE || length < 16 || length > 140 || length % 4 !== 0) {
        audit.fault = `a record of type ${type} and ${length} bytes, which nobody wrote`
        return
      }
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + offset, length >> 2)
      const count = words.length - 1
      if (words[count] !== checksum(words, 0, count)) audit.fault = `record ${audit.records} is torn`
      const writer = `${words[0]}/${words[1]}`
      const expected = next.get(writer) ?? 0
      if (words[2] !== expected) audit.fault ||= `writer ${writer}: ${words[2]} came instead of ${expected}`
      next.set(writer, expected + 1)
    },
  }
  return audit
}

/** Two writers and a reader (this thread) for `ms`; ends early at the first fault. */
async function run(writers: 'one' | 'many', ms: number, isBroken: boolean) {
  const ring = new Ring(layRing({ bytes: CAPACITY, writers }, START))
  const control = new SharedArrayBuffer(64)
  const flags = new Int32Array(control)
  const ids = writers === 'one' ? [0] : [0, 1]
  const threads = ids.map(id => startThread({ buffer: ring.buffer, control, role: 'writer', id, life: 0, isBroken }))
  const reader = ring.reader()
  const audit = auditor()
  try {
    await Promise.all(threads.map(thread => once(thread, 'online')))
    // A broken ring may also come to a standstill: that is a fault as well, for a reader that waits for a record in
    // vain.
    let quietMs = 0
    for (const until = performance.now() + ms; performance.now() < until && !audit.fault; ) {
      const isReadable = reader.wait(100)
      quietMs = isReadable ? 0 : quietMs + 100
      if (isBroken && audit.records > 0 && quietMs > 1000)
        audit.fault = 'the reader stands before a record that nobody finishes'
      reader.drain(audit.onRecord, 1000)
    }
    Atomics.store(flags, STOP, 1)
    const exits = threads.map(thread => once(thread, 'exit'))
    if (audit.fault) for (const thread of threads) await thread.terminate()
    await Promise.all(exits)
    if (!audit.fault) reader.drain(audit.onRecord)
    return { audit, ring, accepted: ids.map(id => flags[ACCEPTED + id]!), ids }
  } finally {
    for (const thread of threads) await thread.terminate()
  }
}

describe('ring under real threads', () => {
  for (const writers of ['one', 'many'] as const) {
    test(`${writers}: every record accepted arrives once, whole and in the order of its writer`, async t => {
      const { audit, ring, accepted, ids } = await run(writers, 1500, false)
      assert.equal(audit.fault, '')
      for (const id of ids) {
        assert.ok(accepted[id]! > 0)
        assert.equal(audit.heardOf(id, 0), accepted[id])
      }
      assert.equal(ring.backlogBytes, 0)
      t.diagnostic(`${audit.records} records`)
    })
  }

  test('the same run sees it when writers claim by load and store', async t => {
    const { audit } = await run('many', 30_000, true)
    assert.notEqual(audit.fault, '')
    t.diagnostic(`after ${audit.records} records: ${audit.fault}`)
  })

  test('threads that are terminated while they claim cost their own record only', async t => {
    const ring = new Ring(layRing({ bytes: CAPACITY, writers: 'many' }, START))
    const control = new SharedArrayBuffer(64)
    const flags = new Int32Array(control)
    const reader = ring.reader()
    const audit = auditor()
    const task = { buffer: ring.buffer, control, role: 'writer' } as const
    const living = startThread({ ...task, id: 0, life: 0 })
    let turned = 0
    try {
      const drainUntil = async (what: string, claim: () => boolean) => {
        for (const until = performance.now() + 20_000; ; await setImmediate()) {
          reader.drain(audit.onRecord)
          assert.equal(audit.fault, '')
          if (claim()) return
          assert.ok(performance.now() < until, `in vain: ${what}`)
        }
      }
      for (let life = 1; life <= 12; life++) {
        // Odd lives die holding a claim, even ones write at full speed and die anywhere.
        const isHolding = life % 2 === 1
        const mortal = startThread({ ...task, id: 1, life, holdsRecord: isHolding ? 3 * life : -1 })
        const exit = once(mortal, 'exit')
        await drainUntil(`life ${life} has written`, () => audit.heardOf(1, life) > 0)
        if (isHolding) await drainUntil(`life ${life} holds a claim`, () => flags[HOLDING] === life)
        await mortal.terminate()
        await exit
        let result: number = RING.AGAIN
        await drainUntil(`life ${life} is recovered`, () => (result = ring.recover(1)) !== RING.AGAIN)
        turned += result
        if (isHolding) assert.equal(result, 1)
        const before = audit.heardOf(0, 0)
        await drainUntil(`the living writer is heard after life ${life}`, () => audit.heardOf(0, 0) > before + 100)
      }
      Atomics.store(flags, STOP, 1)
      await once(living, 'exit')
      reader.drain(audit.onRecord)
      assert.equal(audit.fault, '')
      assert.equal(audit.heardOf(0, 0), flags[ACCEPTED])
      assert.equal(ring.backlogBytes, 0)
      t.diagnostic(`${audit.records} records, ${turned} claims of 12 dead writers turned to padding`)
    } finally {
      await living.terminate()
    }
  })

  test('a reader asleep in another thread hears every write, and may be terminated asleep', async () => {
    const ring = new Ring(layRing({ bytes: CAPACITY, writers: 'many' }))
    const task = { buffer: ring.buffer, control: new SharedArrayBuffer(64), id: 0, life: 0 }
    for (let round = 0; round < 3; round++) {
      const thread = startThread({ ...task, role: 'sleeping reader' })
      try {
        const heard: number[] = []
        thread.on('message', byte => heard.push(byte))
        const writer = ring.writer({ id: 0 })
        for (let n = 0; n < 20; n++) {
          assert.ok(writer.write(TYPE, Uint8Array.of(n)))
          await eventually(`${n} is heard`, () => heard.length > n)
        }
        assert.deepEqual(
          heard,
          Array.from({ length: 20 }, (_, n) => n),
        )
        writer.close()
      } finally {
        await thread.terminate()
      }
      ring.recoverReader()
    }
  })
})
