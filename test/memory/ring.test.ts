import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AtomicsSeam, realAtomics } from '../../engine/memory/atomics.ts'
import { attachRing, createRing, RING, Ring, type RingReader } from '../../engine/memory/ring.ts'
import { headerWord, layRing, ringMemory, SLEEPING } from '../../engine/memory/ring-layout.ts'
import { seamWith, stepwise, withSeam } from './ring-steps.ts'

const KINDS = ['one', 'many'] as const

/** Everything there is to read, as [type, text]. */
function readAll(reader: RingReader, limit?: number): [number, string][] {
  const heard: [number, string][] = []
  reader.drain((type, bytes, offset, length) => {
    heard.push([type, Buffer.from(bytes.slice(offset, offset + length)).toString()])
  }, limit)
  return heard
}

for (const writers of KINDS) {
  describe(`ring with ${writers} writer${writers === 'many' ? 's' : ''}`, () => {
    test('what is written is read once, in order, with its type', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      assert.ok(writer.write(7, 'grüße'))
      assert.ok(writer.write(0))
      assert.ok(writer.write(0x7fffffff, Uint8Array.of(65, 66)))
      const expected = [
        [7, 'grüße'],
        [0, ''],
        [0x7fffffff, 'AB'],
      ]
      assert.deepEqual(readAll(reader), expected)
      assert.deepEqual(readAll(reader), [])
    })

    test('a claim is invisible before commit, aligned to 8 bytes, and filled in place', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      const offset = writer.tryClaim(3, 12)
      assert.ok(offset > 0 && offset % 8 === 0)
      writer.words.set([1, -2, 3], offset >> 2)
      assert.equal(
        reader.drain(() => assert.fail('read before commit')),
        0,
      )
      writer.commit(offset)
      let heard: number[] = []
      reader.drain((_, bytes, at, length) => {
        assert.equal(length, 12)
        assert.equal(bytes, reader.bytes)
        heard = Array.from(reader.words.subarray(at >> 2, (at + length) >> 2))
      })
      assert.deepEqual(heard, [1, -2, 3])
    })

    test('abort() is never heard of, and does not stop what follows', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      writer.abort(writer.tryClaim(1, 100))
      assert.ok(writer.write(2, 'after'))
      assert.deepEqual(readAll(reader), [[2, 'after']])
    })

    test('a full ring refuses, overwrites nothing, and takes again what was read', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      // A record of 24 payload bytes takes 32: exactly 32 of them fill 1024.
      for (let n = 0; n < 32; n++) assert.ok(writer.write(n, `${n}`.padEnd(24)))
      assert.equal(ring.backlogBytes, 1024)
      assert.equal(writer.tryClaim(99, 0), RING.FULL)
      assert.equal(writer.write(99, 'x'), false)
      assert.equal(readAll(reader, 1).length, 1)
      assert.ok(writer.write(32, 'x'.repeat(24)))
      assert.equal(writer.tryClaim(99, 0), RING.FULL)
      assert.deepEqual(
        readAll(reader).map(([type]) => type),
        Array.from({ length: 32 }, (_, n) => n + 1),
      )
      assert.equal(ring.backlogBytes, 0)
    })

    test('a record that would wrap begins at the start of the area', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      for (let n = 0; n < 7; n++) assert.ok(writer.write(n, 'x'.repeat(128))) // 7 × 136 = 952 bytes, 72 are left
      assert.equal(readAll(reader).length, 7)
      const offset = writer.tryClaim(8, 100) // 112 bytes with its header and rounding
      assert.equal(offset, ring.buffer.byteLength - 1024 + 8)
      writer.bytes.fill(0x79, offset, offset + 100)
      writer.commit(offset)
      assert.deepEqual(readAll(reader), [[8, 'y'.repeat(100)]])
    })

    test('a refusal at the wrap takes no room either', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      // 72 + 6 × 136 + 72 = 960 bytes: 64 are left before the wrap, and 72 after it once the first is read.
      for (const bytes of [64, 128, 128, 128, 128, 128, 128, 64]) assert.ok(writer.write(1, 'x'.repeat(bytes)))
      assert.equal(
        reader.drain(() => {}, 1),
        1,
      )
      assert.equal(writer.tryClaim(2, 100), RING.FULL)
      assert.equal(ring.backlogBytes, 888)
      assert.ok(writer.write(3, 'x'.repeat(56)), 'what fits before the wrap is taken')
      assert.equal(ring.backlogBytes, 952)
    })

    test('what cannot be claimed is refused with its reason', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      assert.equal(ring.longestBytes, 128)
      assert.equal(writer.tryClaim(1, 129), RING.TOO_LONG)
      assert.equal(writer.tryClaim(1, -1), RING.TOO_LONG)
      assert.equal(writer.tryClaim(1, 1.5), RING.TOO_LONG)
      assert.equal(writer.tryClaim(1, Number.NaN), RING.TOO_LONG)
      assert.equal(writer.tryClaim(-1, 8), RING.BAD_TYPE)
      assert.equal(writer.tryClaim(2 ** 31, 8), RING.BAD_TYPE)
      const offset = writer.tryClaim(1, 128)
      assert.equal(writer.tryClaim(1, 8), RING.CLAIM_OPEN)
      writer.commit(offset)
      assert.throws(() => writer.commit(offset), { code: 'SBX_RING_INVALID', message: /no claim is open/ })
      assert.throws(() => writer.abort(0), { code: 'SBX_RING_INVALID' })
      writer.close()
      writer.close()
      assert.equal(writer.tryClaim(1, 8), RING.CLOSED)
      assert.equal(writer.write(1, 'x'), false)
    })

    test('close() aborts an open claim and frees the seat and the place of the reader', () => {
      const ring = createRing({ bytes: 1024, writers })
      const first = ring.writer({ id: 0 })
      const reader = ring.reader()
      assert.throws(() => ring.writer({ id: 0 }), { code: 'SBX_RING_SEATS_TAKEN' })
      assert.throws(() => attachRing(ring.buffer).reader(), { code: 'SBX_RING_INVALID', message: /it has a reader/ })
      first.write(1, 'kept')
      first.tryClaim(2, 8)
      first.close()
      reader.close()
      reader.close()
      assert.equal(
        reader.drain(() => {}),
        0,
      )
      const second = ring.writer({ id: 0 })
      second.write(3, 'second')
      const heard = readAll(attachRing(ring.buffer).reader())
      assert.deepEqual(heard, [
        [1, 'kept'],
        [3, 'second'],
      ])
    })

    test('drain() stops at its limit and at what was there when it began', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      for (let n = 0; n < 5; n++) writer.write(n)
      assert.equal(
        reader.drain(() => {}, 2),
        2,
      )
      assert.equal(
        reader.drain(() => {}, 0),
        0,
      )
      let heard = 0
      reader.drain(() => {
        heard++
        writer.write(9)
        assert.equal(
          reader.drain(() => assert.fail('a drain within a drain')),
          0,
        )
      })
      assert.equal(heard, 3)
      assert.equal(
        reader.drain(() => {}),
        3,
      )
    })

    test('drain() gives back room while a long batch is being read', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      while (writer.write(1, 'x'.repeat(56)));
      let written = 0
      reader.drain(() => {
        if (writer.write(2, 'x'.repeat(56))) written++
      })
      assert.ok(written > 0)
    })

    test('a record whose reader throws is consumed, and the next is not lost', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      writer.write(1)
      writer.write(2)
      assert.throws(() => reader.drain(() => assert.fail('no')), { message: 'no' })
      assert.deepEqual(readAll(reader), [[2, '']])
    })

    for (const start of [2 ** 31 - 1000, 2 ** 32 - 1000]) {
      test(`cursors pass ${start} + 1000 units without a stumble`, () => {
        const ring = new Ring(layRing({ bytes: 1024, writers }, start))
        const writer = ring.writer()
        const reader = ring.reader()
        // 2000 records of 2 or 3 units take at least 4000: well over the edge, several laps of 128 units each.
        let read = 0
        for (let n = 0; n < 2000; n++) {
          assert.ok(writer.write(n, n % 2 ? 'odd' : 'even even'))
          if (n % 17 > 5) continue
          reader.drain((type, _, __, length) => {
            assert.equal(type, read++)
            assert.equal(length, type % 2 ? 3 : 9)
          })
        }
        reader.drain(type => assert.equal(type, read++))
        assert.equal(read, 2000)
        assert.equal(ring.backlogBytes, 0)
      })
    }

    test('loss is counted in the ring, and wraps', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      while (writer.writeOrLose(1, 'x'.repeat(100)));
      assert.equal(ring.loss, 1)
      writer.lose(41)
      assert.equal(attachRing(ring.buffer).loss, 42)
      writer.lose(2 ** 32 - 43)
      assert.equal(ring.loss, 2 ** 32 - 1)
      writer.lose()
      assert.equal(ring.loss, 0)
    })

    test('wait() and waitAsync() say whether there is something to read', async () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      assert.equal(reader.wait(5), false)
      assert.equal(await reader.waitAsync(5), false)
      const waiting = reader.waitAsync(60_000)
      writer.write(1)
      assert.equal(await waiting, true)
      assert.equal(reader.wait(0), true)
      assert.equal(await reader.waitAsync(0), true)
      reader.drain(() => {})
      assert.equal(reader.wait(0), false)
      for (const timeoutMs of [-1, Number.NaN, Infinity]) {
        assert.throws(() => reader.wait(timeoutMs), { code: 'SBX_RING_INVALID' })
        await assert.rejects(reader.waitAsync(timeoutMs), { code: 'SBX_RING_INVALID' })
      }
    })

    test('waitAsync() finds a record whose wake-up never came', async () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      const reader = ring.reader()
      const waiting = reader.waitAsync(60_000)
      withSeam(seamWith({ notify: () => 0 }), () => writer.write(1))
      assert.equal(await waiting, true)
    })

    test('a writer notifies only a reader that sleeps', () => {
      const ring = createRing({ bytes: 1024, writers })
      const writer = ring.writer()
      let notified = 0
      const counting = seamWith({
        notify: (words, index) => {
          notified++
          return realAtomics.notify(words, index)
        },
      })
      withSeam(counting, () => writer.write(1))
      assert.equal(notified, 0)
      realAtomics.store(writer.words, SLEEPING, 1)
      withSeam(counting, () => {
        writer.write(2)
        writer.write(3)
      })
      assert.equal(notified, 1)
    })

    test('a commit at any step of the reader going to sleep wakes it', () => {
      // Going to sleep once takes at most 14 steps; the wait below does not block, so that the reader goes round until
      // it finds the record.
      for (let at = 0; at < 40; at++) {
        const ring = createRing({ bytes: 1024, writers })
        const writer = ring.writer()
        const reader = ring.reader()
        let isWritten = false
        let isLost = false
        // A real wait would sleep here if the word has its value; with the record written before, nobody is left to
        // notify.
        const wait: AtomicsSeam['wait'] = (words, index, value) => {
          if (words[index] === value && isWritten) isLost = true
          return 'timed-out'
        }
        const isReadable = stepwise(
          () => reader.wait(60_000),
          step => {
            if (step === at) isWritten = writer.write(1)
          },
          seamWith({ wait }),
        )
        assert.ok(!isLost, `slept over a record committed at step ${at}`)
        assert.ok(isReadable, `missed a record committed at step ${at}`)
      }
    })
  })
}

describe('ring', () => {
  test('createRing() rounds up to a power of two and refuses what it cannot build', () => {
    assert.equal(createRing({ bytes: 1025, writers: 'one' }).capacityBytes, 2048)
    assert.equal(createRing({ bytes: 65536, writers: 'many' }).capacityBytes, 65536)
    for (const bytes of [0, 1023, 2 ** 30 + 1, 2000.5, Number.NaN, '4096' as never]) {
      assert.throws(() => createRing({ bytes, writers: 'one' }), {
        code: 'SBX_RING_INVALID',
        message: /^Cannot create ring: bytes/,
      })
    }
    assert.throws(() => createRing({ bytes: 1024, writers: 'two' as never }), { message: /say 'one' or 'many'/ })
    assert.throws(() => createRing({ bytes: 1024, writers: 'one', seats: 2 }), {
      message: /seats is 2, ask for 1 to 1 /,
    })
    assert.throws(() => createRing({ bytes: 1024, writers: 'many', seats: 0 }), { code: 'SBX_RING_INVALID' })
  })

  test('attachRing() takes a ring and nothing else', () => {
    const ring = createRing({ bytes: 1024, writers: 'many', seats: 3 })
    const attached = attachRing(ring.buffer)
    assert.equal(attached.writers, 'many')
    assert.equal(attached.capacityBytes, 1024)
    assert.throws(() => attachRing(undefined as never), { code: 'SBX_RING_INVALID', message: /pass ring.buffer/ })
    assert.throws(() => attachRing(new SharedArrayBuffer(8)), { code: 'SBX_RING_INVALID' })
    assert.throws(() => attachRing(new SharedArrayBuffer(65536)), { message: /does not begin as a ring does/ })
    const words = new Int32Array(ring.buffer)
    words[1]!++
    assert.throws(() => attachRing(ring.buffer), { message: /layout version 2, this build reads 1/ })
    words[1]!--
    words[3] = 64
    assert.throws(() => attachRing(ring.buffer), { code: 'SBX_RING_INVALID' })
  })

  test('many writers sit on seats of their own, until all are taken', () => {
    const ring = createRing({ bytes: 1024, writers: 'many', seats: 3 })
    assert.equal(ring.writer({ id: 1 }).id, 1)
    assert.equal(ring.writer().id, 0)
    assert.equal(ring.writer().id, 2)
    assert.throws(() => ring.writer(), { code: 'SBX_RING_SEATS_TAKEN', message: /all 3 seats are taken/ })
    assert.throws(() => ring.writer({ id: 3 }), { code: 'SBX_RING_INVALID', message: /the seats 0 to 2/ })
  })

  test('records come in the order of their claims, whoever commits first', () => {
    const ring = createRing({ bytes: 1024, writers: 'many' })
    const [a, b] = [ring.writer(), ring.writer()]
    const reader = ring.reader()
    const first = a.tryClaim(1, 8)
    assert.ok(b.write(2))
    assert.equal(
      reader.drain(() => {}),
      0,
    )
    assert.equal(reader.wait(1), false)
    a.commit(first)
    assert.deepEqual(
      readAll(reader).map(([type]) => type),
      [1, 2],
    )
  })

  test('a claim without its length yet is not read as the record that was there a lap ago', () => {
    const memory = layRing({ bytes: 1024, writers: 'many' })
    const ring = new Ring(memory)
    const [a, b] = [ring.writer(), ring.writer()]
    const reader = ring.reader()
    for (let n = 0; n < 8; n++) assert.ok(b.write(5, 'x'.repeat(120))) // exactly one lap
    assert.equal(
      reader.drain(() => {}),
      8,
    )
    let looked = 0
    stepwise(
      () => a.tryClaim(6, 120),
      (step, operation) => {
        if (operation !== 'compareExchange' || step % 2 === 0) return
        looked++
        assert.equal(
          reader.drain(() => assert.fail('an old record was read again')),
          0,
        )
        // The test has eyes: with the length of the lap before in place, as if it had not been zeroed, it is read
        // again.
        const header = headerWord(memory, 128)
        memory.words[header] = 128
        assert.equal(ringMemoryReads(memory.buffer), 1)
        memory.words[header] = 0
      },
    )
    assert.equal(looked, 1)
  })
})

/** How many records a second look at the same memory would read, without disturbing it: on a copy. */
function ringMemoryReads(buffer: SharedArrayBuffer): number {
  const copy = new SharedArrayBuffer(buffer.byteLength)
  new Uint8Array(copy).set(new Uint8Array(buffer))
  const ring = new Ring(ringMemory(copy))
  ring.recoverReader()
  return ring.reader().drain(() => {})
}
