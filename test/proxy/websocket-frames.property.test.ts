import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameWalker } from '../../engine/proxy/request/websocket-frames.ts'

/** A frame with this many bytes of payload, with its length as short as it may be written. */
function frame(payload: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0
  const length =
    payload < 126
      ? Buffer.from([mask | payload])
      : payload < 65_536
        ? Buffer.from([mask | 126, payload >> 8, payload & 255])
        : Buffer.from([
            mask | 127,
            0,
            0,
            0,
            0,
            payload >>> 24,
            (payload >> 16) & 255,
            (payload >> 8) & 255,
            payload & 255,
          ])
  return Buffer.concat([Buffer.from([0x82]), length, Buffer.alloc((isMasked ? 4 : 0) + payload, 0xff)])
}

test('FrameWalker is between frames exactly where one has ended, however the bytes are cut', () => {
  const frames = fc.array(
    fc.tuple(fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.nat(300)), fc.boolean()),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 20 }), (list, cuts) => {
      const whole = Buffer.concat(list.map(([payload, isMasked]) => frame(payload, isMasked)))
      const ends = new Set([0])
      let at = 0
      for (const [payload, isMasked] of list) ends.add((at += frame(payload, isMasked).length))
      const walker = new FrameWalker()
      at = 0
      for (const cut of [...cuts, 1, 2, 3, whole.length]) {
        walker.walk(whole.subarray(at, at + cut))
        at = Math.min(whole.length, at + cut)
        assert.equal(walker.isBetweenFrames, ends.has(at), `at byte ${at}`)
      }
    }),
    { numRuns: 300 },
  )
})
