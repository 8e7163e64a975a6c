import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRing, RING, Ring, type RingWriter } from '../../engine/memory/ring.ts'
import { FREEING_CURSOR, layRing, type RingMemory } from '../../engine/memory/ring-layout.ts'
import { Death, dieAt, seamWith, stepwise, withSeam } from './ring-steps.ts'

/** Payload sizes whose records take 1, 2 and 5 units, so that claims of different ends begin at one place. */
const SIZES = [0, 8, 32]

/** More steps than any operation has; the loops end at the first step that is not reached. */
const STEPS = 200

/**
 * A ring of 128 units whose cursors stand `before` units before a wrap of the area and near the wrap of 2^32, empty,
 * with the seats of A, B and C taken. What the tests write are records of type 100 × writer + n.
 */
function world(before: number) {
  const memory = layRing({ bytes: 1024, writers: 'many', seats: 4 }, (2 ** 32 - before) | 0)
  const ring = new Ring(memory)
  const [a, b, c] = [ring.writer({ id: 0 }), ring.writer({ id: 1 }), ring.writer({ id: 2 })]
  const reader = ring.reader()
  const heard: number[] = []
  const accepted: number[] = []
  /** Writes one record whose payload repeats its type, and notes it as accepted once `write` has returned. */
  function put(writer: RingWriter, type: number, bytes: number, end: 'commit' | 'abort' = 'commit') {
    const offset = writer.tryClaim(type, bytes)
    assert.ok(offset > 0, `refused: ${offset}`)
    writer.bytes.fill(type, offset, offset + bytes)
    writer[end](offset)
    if (end === 'commit') accepted.push(type)
  }
  function drain() {
    reader.drain((type, bytes, offset, length) => {
      for (let at = offset; at < offset + length; at++) assert.equal(bytes[at], type & 0xff, `record ${type} is torn`)
      heard.push(type)
    })
  }
  return { memory, ring, a, b, c, reader, heard, accepted, put, drain }
}

type World = ReturnType<typeof world>

/** The ring works: everything is given back and zero, and two laps more go through it. */
function assertWhole(w: World, label: string): void {
  assert.equal(w.ring.backlogBytes, 0, `${label}: the reader stands before something`)
  for (let word = w.memory.firstWord; word < w.memory.words.length; word += 2) {
    assert.equal(w.memory.words[word], 0, `${label}: word ${word} is not zero`)
  }
  w.heard.length = 0
  const writer = w.ring.writer({ id: 3 })
  const laps: number[] = []
  for (let n = 0; n < 60; n++) {
    w.put(writer, n, (n * 8) % 72)
    laps.push(n)
    w.drain()
  }
  assert.deepEqual(w.heard, laps, `${label}: two laps later`)
}

/** Calls recover as a supervisor does, until every one of `ids` is settled; returns how many claims became padding. */
function recoverAll(w: World, ids: number[], label: string): number {
  let turned = 0
  let left = ids
  for (let round = 0; round < 4 && left.length > 0; round++) {
    left = left.filter(id => {
      const result = w.ring.recover(id)
      if (result > 0) turned += result
      return result === RING.AGAIN
    })
  }
  assert.deepEqual(left, [], `${label}: recovery does not come to an end`)
  return turned
}

/** Lets a writer die right before, or right after, its first attempt to move the write cursor. */
function atFirstClaim(when: 'before' | 'after', action: () => void, beforeDeath: () => void = () => {}): void {
  const hook = (step: number, operation: string) => {
    if (operation !== 'compareExchange' || (step % 2 === 0) !== (when === 'before')) return
    beforeDeath()
    throw new Death()
  }
  assert.throws(() => stepwise(action, hook), Death)
}

describe('recover()', () => {
  for (const before of [128, 3, 0]) {
    for (const end of ['commit', 'abort'] as const) {
      test(`a writer may die at any step of claim and ${end}, ${before} units before the wrap`, () => {
        let deaths = 0
        let blocked = 0
        let kept = 0
        for (let step = 0; step < STEPS; step++) {
          const w = world(before)
          const label = `step ${step}`
          w.put(w.b, 100, 0)
          if (!dieAt(step, () => w.put(w.a, 1, 32, end))) break
          deaths++
          w.put(w.b, 101, 8)
          w.put(w.b, 102, 32)
          w.drain()
          if (w.heard.length < w.accepted.length) blocked++
          const turned = recoverAll(w, [0], label)
          assert.ok(turned <= 1)
          w.drain()
          // The dead writer's own record: not accepted, so it may be there or not, but whole and in its place.
          const isKept = w.heard[1] === 1
          if (isKept) kept++
          assert.ok(!(isKept && turned > 0), label)
          assert.deepEqual(w.heard, isKept ? [100, 1, 101, 102] : [100, 101, 102], label)
          assert.equal(w.ring.recover(0), 0, 'a second recovery finds nothing')
          assert.equal(w.ring.writer({ id: 0 }).id, 0, 'the seat is free')
          assertWhole(w, label)
        }
        // The test has eyes: some of these deaths do stop the reader until recovery, and some come after the record was
        // whole.
        assert.ok(deaths >= 14 && blocked > 0, `${deaths} deaths, ${blocked} stopped the reader`)
        assert.equal(kept > 0, end === 'commit')
      })
    }

    test(`two writers may die inside each other, at any pair of steps, ${before} units before the wrap`, () => {
      let deaths = 0
      let doubles = 0
      for (const sizeA of SIZES) {
        for (const sizeB of SIZES) {
          for (let stepA = 0, isReached = true; isReached && stepA < STEPS; stepA++) {
            isReached = false
            for (let stepB = 0; stepB < STEPS; stepB++) {
              const w = world(before)
              const label = `A (${sizeA}) dies at ${stepA}, B (${sizeB}) within it at ${stepB}`
              let isDead = false
              isReached = dieAt(
                stepA,
                () => w.put(w.a, 1, sizeA),
                () => {
                  isDead = dieAt(stepB, () => w.put(w.b, 2, sizeB))
                  // With odd steps C writes before anyone looks, with even ones the dead claims end at the write
                  // cursor.
                  if (stepB % 2) w.put(w.c, 3, 8)
                },
              )
              if (!isReached || !isDead) break
              deaths++
              const turned = recoverAll(w, stepA % 2 ? [0, 1] : [1, 0], label)
              if (turned > 1) doubles++
              w.drain()
              assert.deepEqual(
                w.heard.filter(type => type === 3),
                stepB % 2 ? [3] : [],
                label,
              )
              assert.ok(new Set(w.heard).size === w.heard.length, `${label}: heard twice`)
              for (const type of w.accepted)
                assert.ok(w.heard.includes(type), `${label}: ${type} was accepted and lost`)
              assertWhole(w, label)
            }
          }
        }
      }
      assert.ok(deaths > 1000 && doubles > 0, `${deaths} pairs, ${doubles} times both claims`)
    })

    test(`a living writer stopped at any step keeps its record, ${before} units before the wrap`, () => {
      let again = 0
      let turnedInside = 0
      for (const sizeA of SIZES) {
        for (const sizeB of SIZES) {
          for (let stepA = 0, isReached = true; isReached && stepA < STEPS; stepA++) {
            isReached = false
            for (let stepB = 0; stepB < STEPS; stepB++) {
              const w = world(before)
              const label = `A (${sizeA}) rests at ${stepA} while B (${sizeB}) dies at ${stepB} and is recovered`
              let isDead = false
              let result = 0
              stepwise(
                () => w.put(w.a, 1, sizeA),
                step => {
                  if (step !== stepA) return
                  isReached = true
                  isDead = dieAt(stepB, () => w.put(w.b, 2, sizeB))
                  if (stepB % 2) w.put(w.c, 3, 8)
                  result = w.ring.recover(1)
                  if (result === RING.AGAIN) again++
                  if (result > 0) turnedInside++
                  if (stepB % 3) w.drain()
                },
              )
              if (!isReached || !isDead) break
              if (result === RING.AGAIN) recoverAll(w, [1], label)
              w.drain()
              const without2 = w.heard.filter(type => type !== 2)
              assert.deepEqual([...without2].sort(), stepB % 2 ? [1, 3] : [1], label)
              assert.ok(w.heard.length - without2.length <= 1, label)
              assertWhole(w, label)
            }
          }
        }
      }
      assert.ok(again > 0 && turnedInside > 0, `${again} times again, ${turnedInside} claims turned meanwhile`)
    })
  }

  /**
   * A dies having tried from where B then claims; B's record is read. At every step of that read somebody recovers A,
   * and must not take the zero that the reader writes for a claim of A's.
   */
  function recoverWhileRead(at: number, seam = seamWith({})): { wasReached: boolean; result: number } {
    const w = world(128)
    atFirstClaim(
      'before',
      () => w.a.tryClaim(1, 8),
      () => {
        w.put(w.b, 2, 8)
        w.put(w.b, 3, 8)
      },
    )
    let wasReached = false
    let result = 0
    stepwise(
      () => w.drain(),
      step => {
        if (step !== at) return
        wasReached = true
        result = withSeam(seam, () => w.ring.recover(0))
      },
      seam,
    )
    if (result === 0) {
      assert.deepEqual(w.heard, [2, 3])
      assertWhole(w, `recovered at step ${at} of the drain`)
    }
    return { wasReached, result }
  }

  test('a record that is being read away is not mistaken for the claim of a dead writer', () => {
    let steps = 0
    for (let at = 0; ; at++) {
      const { wasReached, result } = recoverWhileRead(at)
      if (!wasReached) break
      steps++
      assert.equal(result, 0, `step ${at}`)
    }
    assert.ok(steps >= 10)
  })

  test('… and would be, if the reader did not announce what it frees', () => {
    const silent = seamWith({
      exchange: (words, index, value) =>
        index === FREEING_CURSOR ? words[index]! : Atomics.exchange(words, index, value),
    })
    const results = Array.from({ length: 20 }, (_, at) => recoverWhileRead(at, silent).result)
    assert.ok(results.includes(1), `${results}`)
  })

  test('a loser of the race for a place does not keep recovery waiting when the ring is full', () => {
    const w = world(128)
    // A dies owning a place that nothing says is its own; B had looked at the same place and then finds the ring full.
    let refused = 0
    let isFirst = true
    stepwise(
      () => {
        refused = w.b.tryClaim(2, 8)
      },
      (_, operation) => {
        if (operation !== 'compareExchange' || !isFirst) return
        isFirst = false
        atFirstClaim('after', () => w.a.tryClaim(1, 8))
        while (w.c.write(3, 'x'.repeat(8)));
        while (w.c.write(3));
      },
    )
    assert.equal(refused, RING.FULL)
    assert.equal(w.ring.recover(0), 1)
  })

  test('a dead writer that is not settled yet still shows where the claim before it ends', () => {
    const w = world(128)
    const d = w.ring.writer({ id: 3 })
    // A tries 5 units at 0 and dies; B claims 1 unit there and dies; C claims 5 units at 1 and dies; D had looked at 1
    // too.
    atFirstClaim(
      'before',
      () => w.a.tryClaim(1, 32),
      () => {
        atFirstClaim('after', () => w.b.tryClaim(2, 0))
      },
    )
    let settledC = 0
    let isFirst = true
    stepwise(
      () => w.put(d, 4, 8),
      (_, operation) => {
        if (operation !== 'compareExchange' || !isFirst) return
        isFirst = false
        atFirstClaim('after', () => w.c.tryClaim(3, 32))
        settledC = w.ring.recover(2)
      },
    )
    assert.equal(settledC, RING.AGAIN)
    assert.equal(w.ring.recover(0), RING.AGAIN)
    assert.equal(w.ring.recover(1), 1)
    assert.equal(w.ring.recover(2), 1)
    assert.equal(w.ring.recover(0), 0)
    w.drain()
    assert.deepEqual(w.heard, [4])
    assert.equal(w.ring.backlogBytes, 0)
  })

  test('a seat that nobody took, or that was closed, has nothing to recover', () => {
    const ring = createRing({ bytes: 1024, writers: 'many', seats: 2 })
    assert.equal(ring.recover(1), 0)
    const writer = ring.writer({ id: 1 })
    writer.write(1)
    writer.close()
    assert.equal(ring.recover(1), 0)
    assert.throws(() => ring.recover(2), { code: 'SBX_RING_INVALID', message: /the seats 0 to 1/ })
    assert.throws(() => ring.recover(-1), { code: 'SBX_RING_INVALID' })
  })

  test('the only writer may die at any step: what it did not commit was never there', () => {
    for (let step = 0; step < STEPS; step++) {
      const ring = createRing({ bytes: 1024, writers: 'one' })
      const writer = ring.writer()
      const reader = ring.reader()
      writer.write(1)
      if (!dieAt(step, () => writer.write(2, 'x'.repeat(100)))) break
      assert.equal(ring.recover(0), 0)
      const heir = ring.writer()
      assert.ok(heir.write(3))
      const heard: number[] = []
      reader.drain(type => heard.push(type))
      assert.deepEqual(
        heard.filter(type => type !== 2),
        [1, 3],
      )
    }
  })
})

describe('recoverReader()', () => {
  for (const writers of ['one', 'many'] as const) {
    test(`a reader of ${writers} may die at any step of drain: nothing accepted is lost`, () => {
      let steps = 0
      for (let step = 0; step < STEPS; step++) {
        const memory: RingMemory = layRing({ bytes: 1024, writers }, -3)
        const ring = new Ring(memory)
        const writer = ring.writer()
        const reader = ring.reader()
        for (let type = 0; type < 12; type++) assert.ok(writer.write(type, 'x'.repeat(40)))
        const heard: number[] = []
        if (!dieAt(step, () => reader.drain(type => heard.push(type)))) break
        steps++
        assert.throws(() => ring.reader(), { code: 'SBX_RING_INVALID' })
        ring.recoverReader()
        const heir = ring.reader()
        const from = heard.length
        assert.ok(writer.write(12))
        heir.drain(type => heard.push(type))
        // Whatever was handed out and not given back comes again; then everything once, in order.
        const again = heard.slice(from)
        assert.deepEqual(again, Array.from({ length: 13 }, (_, type) => type).slice(13 - again.length), `step ${step}`)
        assert.ok(again[0]! <= from, `step ${step}: lost ${from} to ${again[0]}`)
        assert.equal(ring.backlogBytes, 0)
      }
      assert.ok(steps > 3)
    })
  }
})
