import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Look, SilenceWatch } from '../../../agents/failure-detector/silence.ts'

const FLOOR_MS = 100
const STEP_MS = 20

/** Two endpoints of one service that are looked at every 20 ms; each look says how the numbers of each have changed since. */
function world(latencyUs = 2000) {
  const watch = new SilenceWatch()
  watch.learn(0, Array(100).fill(latencyUs), 0)
  const rows = [0, 1].map(row => ({ row, generation: 1, service: 0, picked: 100, answered: 100, inflight: 0 }))
  let now = 0
  const look = (stepMs = STEP_MS) => watch.look(rows as Look[], () => FLOOR_MS, (now += stepMs))
  look()
  return {
    rows,
    watch,
    look,
    now: () => now,
    /** The endpoint answers all it has, and one more that came meanwhile. */
    answer: (row: number) => {
      rows[row].picked++
      rows[row].answered = rows[row].picked
      rows[row].inflight = 0
    },
    /** One more request goes there, and is not answered. */
    wait: (row: number) => {
      rows[row].picked++
      rows[row].inflight++
    },
  }
}

describe('SilenceWatch', () => {
  it('convicts who has not answered what it was sent, after the floor, while another answers', () => {
    const { look, answer, wait, rows } = world()
    wait(1)
    const found: number[] = []
    for (let i = 0; i < 8; i++) {
      answer(0)
      found.push(look().length)
    }
    // Seen waiting at the first look; 100 ms later is the sixth, the seventh is beyond.
    assert.deepEqual(found, [0, 0, 0, 0, 0, 0, 1, 1])
    assert.equal(rows[1].inflight, 1)
  })

  it('is as patient as five times what nearly all of the service take', () => {
    const { look, answer, wait, watch, now } = world(100_000)
    wait(1)
    let first = 0
    for (let i = 1; i <= 60 && first === 0; i++) {
      answer(0)
      const [silent] = look()
      if (silent !== undefined) first = i * STEP_MS
    }
    // 5 × 100 ms, and of its bucket the top, an eighth above at most.
    assert.ok(first > 500 && first <= 620, `${first} ms`)
    // What was usual is forgotten after two windows.
    watch.learn(0, [], now() + 5001)
    watch.learn(0, Array(100).fill(1000), now() + 10_002)
    assert.equal(look(10_020).length, 0, 'a look that comes late convicts nobody')
  })

  it('convicts nobody for a request that was there before its last answer', () => {
    const { look, answer, wait, rows } = world()
    wait(1)
    // It answers others, and goes on holding that one.
    answer(0)
    rows[1].picked++
    rows[1].answered++
    look()
    for (let i = 0; i < 20; i++) {
      answer(0)
      assert.deepEqual(look(), [])
    }
  })

  it('convicts nobody while nobody answers', () => {
    const { look, wait } = world()
    wait(0)
    wait(1)
    for (let i = 0; i < 50; i++) assert.deepEqual(look(), [])
  })

  it('convicts nobody because this machine stood still', () => {
    const { look, answer, wait } = world()
    wait(1)
    answer(0)
    look()
    answer(0)
    assert.deepEqual(look(3000), [])
    answer(0)
    assert.deepEqual(look(), [])
  })

  it('forgets silence when it answers, when what it had is withdrawn, and with its tenant', () => {
    for (const end of ['answer', 'withdraw', 'leave'] as const) {
      const { look, answer, wait, rows } = world()
      wait(1)
      for (let i = 0; i < 4; i++) {
        answer(0)
        look()
      }
      if (end === 'answer') answer(1)
      else if (end === 'withdraw') rows[1].inflight = 0
      else rows[1].generation++
      for (let i = 0; i < 10; i++) {
        answer(0)
        assert.deepEqual(look(), [], end)
      }
    }
  })

  it('convicts nobody before it knows what is usual, nor where the floor is 0', () => {
    const watch = new SilenceWatch()
    const rows = [0, 1].map(row => ({ row, generation: 1, service: 0, picked: 1, answered: 1, inflight: 0 }))
    let now = 0
    const run = (floorMs: number): number => {
      let found = 0
      rows[1].picked++
      rows[1].inflight = 1
      for (let i = 0; i < 20; i++) {
        rows[0].answered = ++rows[0].picked
        found += watch.look(rows, () => floorMs, (now += STEP_MS)).length
      }
      return found
    }
    assert.equal(run(FLOOR_MS), 0)
    watch.learn(0, Array(20).fill(1000), now)
    assert.equal(run(0), 0)
    assert.ok(run(FLOOR_MS) > 0)
  })
})
