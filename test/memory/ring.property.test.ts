import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RING, Ring, type RingReader, type RingWriter } from '../../engine/memory/ring.ts'
import { layRing } from '../../engine/memory/ring-layout.ts'

const CAPACITY = 1024
const WRITERS = 3

/** A record as the model knows it, in the order of the claims. */
interface Claimed {
  type: number
  bytes: number
  state: 'open' | 'committed' | 'gone'
}

interface Model {
  queue: Claimed[]
  open: (Claimed | undefined)[]
}

interface Real {
  ring: Ring
  writers: RingWriter[]
  offsets: number[]
  reader: RingReader
}

type Step = fc.Command<Model, Real>

let nextType = 0

/** Every byte of a payload follows from the record's type, so that a torn or shifted one is seen. */
function byteAt(type: number, at: number): number {
  return (type * 31 + at * 7) & 0xff
}

class Claim implements Step {
  readonly writer: number
  readonly bytes: number
  constructor(writer: number, bytes: number) {
    this.writer = writer
    this.bytes = bytes
  }
  check = (): boolean => true
  run(model: Model, real: Real): void {
    const writer = this.writer % real.writers.length
    const type = nextType++
    const offset = real.writers[writer]!.tryClaim(type, this.bytes)
    if (model.open[writer]) {
      assert.equal(offset, RING.CLAIM_OPEN)
    } else if (this.bytes > CAPACITY / 8) {
      assert.equal(offset, RING.TOO_LONG)
    } else if (offset === RING.FULL) {
      // Allowed only if the record, and in the worst case as much padding, really has no room.
      const size = 8 * Math.ceil((8 + this.bytes) / 8)
      assert.ok(
        real.ring.backlogBytes + 2 * size > CAPACITY,
        `full with ${real.ring.backlogBytes} of ${CAPACITY} bytes in use`,
      )
    } else {
      assert.ok(offset > 0 && offset % 8 === 0)
      const { bytes } = real.writers[writer]!
      for (let at = 0; at < this.bytes; at++) bytes[offset + at] = byteAt(type, at)
      const claimed: Claimed = { type, bytes: this.bytes, state: 'open' }
      model.open[writer] = claimed
      model.queue.push(claimed)
      real.offsets[writer] = offset
    }
  }
  toString = (): string => `claim(${this.writer}, ${this.bytes})`
}

class End implements Step {
  readonly writer: number
  readonly how: 'commit' | 'abort' | 'die' | 'close'
  constructor(writer: number, how: End['how']) {
    this.writer = writer
    this.how = how
  }
  check = (): boolean => true
  run(model: Model, real: Real): void {
    const writer = this.writer % real.writers.length
    const claimed = model.open[writer]
    if (this.how === 'die') {
      // It ends where it is, holding what it claimed; a writer of the same number takes its place.
      const turned = real.ring.recover(writer)
      assert.equal(turned, real.ring.writers === 'many' && claimed ? 1 : 0)
      real.writers[writer] = real.ring.writer({ id: writer })
    } else if (this.how === 'close') {
      real.writers[writer]!.close()
      real.writers[writer] = real.ring.writer({ id: writer })
    } else if (claimed) {
      real.writers[writer]![this.how](real.offsets[writer]!)
    } else {
      assert.throws(() => real.writers[writer]![this.how as 'commit'](real.offsets[writer]!), {
        code: 'SBX_RING_INVALID',
      })
    }
    if (claimed) claimed.state = this.how === 'commit' ? 'committed' : 'gone'
    model.open[writer] = undefined
  }
  toString = (): string => `${this.how}(${this.writer})`
}

class Drain implements Step {
  readonly limit: number
  constructor(limit: number) {
    this.limit = limit
  }
  check = (): boolean => true
  run(model: Model, real: Real): void {
    const expected: Claimed[] = []
    while (expected.length < this.limit && model.queue[0] && model.queue[0].state !== 'open') {
      const first = model.queue.shift()!
      if (first.state === 'committed') expected.push(first)
    }
    const heard = real.reader.drain((type, bytes, offset, length) => {
      const record = expected.shift()
      assert.ok(record, `heard ${type}, which was not to be read`)
      assert.equal(type, record.type)
      assert.equal(length, record.bytes)
      for (let at = 0; at < length; at++)
        assert.equal(bytes[offset + at], byteAt(type, at), `record ${type} is torn at ${at}`)
    }, this.limit)
    assert.ok(heard <= this.limit)
    assert.equal(expected.length, 0, 'a committed record was not read')
    if (model.queue.length === 0 && this.limit > 1000) assert.equal(real.ring.backlogBytes, 0)
  }
  toString = (): string => `drain(${this.limit})`
}

const steps = fc.commands(
  [
    fc.tuple(fc.nat(WRITERS - 1), fc.integer({ min: 0, max: 136 })).map(([writer, bytes]) => new Claim(writer, bytes)),
    fc.nat(WRITERS - 1).map(writer => new End(writer, 'commit')),
    fc.nat(WRITERS - 1).map(writer => new End(writer, 'commit')),
    fc
      .tuple(fc.nat(WRITERS - 1), fc.constantFrom<End['how'][]>('abort', 'die', 'close'))
      .map(([writer, how]) => new End(writer, how)),
    fc.constantFrom(1, 2, 10, 2000).map(limit => new Drain(limit)),
  ],
  { maxCommands: 400, size: 'max' },
)

for (const writers of ['one', 'many'] as const) {
  for (const start of [0, 2 ** 31 - 1000, 2 ** 32 - 1000, 2 ** 32 - 100]) {
    test(`a ring with ${writers} is a queue that may refuse: cursors from ${start}`, () => {
      fc.assert(
        fc.property(steps, commands => {
          fc.modelRun(() => {
            const ring = new Ring(layRing({ bytes: CAPACITY, writers }, start))
            const count = writers === 'one' ? 1 : WRITERS
            const real: Real = {
              ring,
              writers: Array.from({ length: count }, (_, id) => ring.writer({ id })),
              offsets: [],
              reader: ring.reader(),
            }
            return { model: { queue: [], open: [] }, real }
          }, commands)
        }),
        { numRuns: 60 },
      )
    })
  }
}
