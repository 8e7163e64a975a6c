import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pace } from '../../engine/proxy/request/pace.ts'

const RATE = 240
const IDLE_MS = 30_000

/** Samples a body each second; `bytesAt` says how many have come in all by then. The second in which it was too slow, or `never`. */
function cutAt(bytesAt: (second: number) => number, { isPaused = false, idleMs = IDLE_MS, seconds = 3600 } = {}) {
  // A clock that wraps within the test, as the region's does after 24 days.
  const startMs = 2 ** 31 - 10_000
  const pace = new Pace(RATE, idleMs, startMs)
  for (let second = 1; second <= seconds; second++) {
    if (!pace.sample((startMs + second * 1000) | 0, bytesAt(second), isPaused)) return second
  }
  return 'never'
}

describe('Pace', () => {
  it('cuts silence after five seconds, and no sooner', () => {
    assert.equal(
      cutAt(() => 0),
      6,
    )
  })

  it('cuts who sends one byte in each pause that is allowed', () => {
    // A byte in the 29th second is far behind 240 a second; by then it is long over.
    assert.equal(
      cutAt(second => Math.floor(second / 29)),
      6,
    )
  })

  it('lets be who keeps the rate, to the byte', () => {
    assert.equal(
      cutAt(second => second * RATE),
      'never',
    )
  })

  it('cuts who stays below it, however little, in the end', () => {
    // One byte a second too few: 5 × 240 bytes behind after 1,200 s.
    assert.equal(
      cutAt(second => second * (RATE - 1)),
      1201,
    )
  })

  it('counts what came faster for a minute, not for hours', () => {
    // 100 MB at once, then nothing: 60 s ahead and 5 s behind.
    assert.equal(
      cutAt(() => 1e8),
      67,
    )
  })

  it('lets a body that was quick make any pause that is allowed', () => {
    assert.equal(
      cutAt(() => 1e8, { idleMs: 600_000, seconds: 600 }),
      'never',
    )
  })

  it('does not count the time in which nobody reads', () => {
    assert.equal(
      cutAt(() => 0, { isPaused: true }),
      'never',
    )
  })
})
