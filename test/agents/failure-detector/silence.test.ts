import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { usualOf } from '../../../agents/failure-detector/sentence.ts'
import { SilenceWatch, type Silent } from '../../../agents/failure-detector/silence.ts'
import { ejections, isEjected, stage } from './courtroom.ts'

const FLOOR_MS = 100
const STEP_MS = 20

/** Two endpoints of one service that are looked at every 20 ms; between looks they answer, or keep somebody waiting. */
function world(latencyUs = 2000, floorMs = FLOOR_MS) {
  const watch = new SilenceWatch()
  watch.floorsMs = [floorMs]
  if (latencyUs > 0) watch.learn(0, Array(100).fill(latencyUs), 0)
  const rows = [0, 1].map(row => ({ row, generation: 1, service: 0, answered: 100, waitedMs: -1 }))
  let now = 0
  const waiting: (number | undefined)[] = []
  const look = (stepMs = STEP_MS): Silent[] => {
    now += stepMs
    return watch.look(
      rows.map(row => ({ ...row, waitedMs: waiting[row.row] === undefined ? -1 : now - waiting[row.row]! })),
      now,
    )
  }
  look()
  return {
    rows,
    watch,
    look,
    now: () => now,
    answer: (row: number) => void rows[row].answered++,
    /** A request goes there and waits from now on, or no more. */
    wait: (row: number, isWaiting = true) => {
      waiting[row] = isWaiting ? now : undefined
    },
  }
}

describe('SilenceWatch', () => {
  it('convicts who keeps a request waiting, after the floor, while another answers; and says so again only after a while', () => {
    const { look, answer, wait } = world()
    wait(1)
    const found: number[] = []
    for (let i = 1; i <= 40; i++) {
      answer(0)
      if (look().length > 0) found.push(i * STEP_MS)
    }
    // At the sixth look it is 120 ms; then every 500.
    assert.deepEqual(found, [120, 620])
  })

  it('is as patient as five times what nearly all of the service take, of late', () => {
    const { look, answer, wait, watch, now } = world(100_000)
    wait(1)
    let first = 0
    for (let i = 1; i <= 60 && first === 0; i++) {
      answer(0)
      if (look().length > 0) first = i * STEP_MS
    }
    // 5 × 100 ms, and of its bucket the top, an eighth above at most.
    assert.ok(first > 500 && first <= 620, `${first} ms`)
    watch.learn(0, Array(100).fill(1000), now() + 5001)
    watch.learn(0, Array(100).fill(1000), now() + 10_002)
    for (let i = 0; i < 500; i++) {
      answer(0)
      answer(1)
      look()
    }
    wait(1)
    const found: Silent[] = []
    for (let i = 0; i < 8; i++) {
      answer(0)
      found.push(...look())
    }
    assert.deepEqual(found, [{ row: 1, generation: 1, silentMs: 120, limitMs: FLOOR_MS }])
  })

  /** When a silent one is convicted, two windows after slow answers, with so many quick ones in each of them. */
  const convictedMs = (windowMs: number, answers: number): number => {
    const { look, answer, wait, watch } = world(100_000)
    for (const at of [windowMs + 1, 2 * (windowMs + 1)]) watch.learn(0, Array(answers).fill(1000), at)
    wait(1)
    for (let i = 1; i <= 60; i++) {
      answer(0)
      if (look().length > 0) return i * STEP_MS
    }
    return Number.POSITIVE_INFINITY
  }

  it('forgets what was usual within two seconds where there are a hundred answers in each, and else within ten', () => {
    // The floor of 100 ms, or five times 100 ms.
    assert.equal(convictedMs(1000, 100), 120)
    assert.ok(convictedMs(1000, 99) > 500)
    assert.equal(convictedMs(5000, 99), 120)
  })

  it('convicts nobody for one slow answer among quick ones', () => {
    const { look, answer, wait } = world()
    wait(1)
    for (let i = 0; i < 50; i++) {
      answer(0)
      answer(1)
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
    for (let i = 0; i < 5; i++) {
      answer(0)
      assert.deepEqual(look(), [])
    }
    answer(0)
    assert.equal(look().length, 1)
  })

  it('forgets silence when it answers, when nobody waits any more, and with its tenant', () => {
    for (const end of ['answer', 'withdraw', 'leave'] as const) {
      const { look, answer, wait, rows } = world()
      wait(1)
      for (let i = 0; i < 4; i++) {
        answer(0)
        look()
      }
      if (end === 'answer') answer(1)
      else if (end === 'withdraw') wait(1, false)
      else rows[1].generation++
      for (let i = 0; i < 5; i++) {
        answer(0)
        assert.deepEqual(look(), [], end)
      }
    }
  })

  it('convicts nobody before it knows what is usual, nor where the floor is 0', () => {
    for (const { look, answer, wait } of [world(0), world(2000, 0)]) {
      wait(1)
      for (let i = 0; i < 20; i++) {
        answer(0)
        assert.deepEqual(look(), [])
      }
    }
  })
})

describe('usualOf()', () => {
  const answered = { generation: 1, latenciesUs: [2000, 50_000, 1_500_000] }
  const silence = { generation: 1, because: 'silence', untilMs: undefined, healthyMs: 900 } as const

  it('leaves out what an endpoint answers that is out for its silence', () => {
    assert.deepEqual(usualOf(answered, { ...silence, untilMs: 2000 }, 1000), [])
    assert.deepEqual(usualOf(answered, { ...silence, untilMs: 2000, because: 'latency' }, 1000), answered.latenciesUs)
    assert.deepEqual(usualOf(answered, { ...silence, generation: 2, untilMs: 2000 }, 1000), answered.latenciesUs)
    assert.deepEqual(usualOf(answered, undefined, 1000), answered.latenciesUs)
  })

  it('leaves out requests that began before it was back', () => {
    assert.deepEqual(usualOf(answered, silence, 1000), [2000, 50_000])
    assert.deepEqual(usualOf(answered, silence, 910), [2000])
  })
})

describe('the failure detector', () => {
  it('ejects who has fallen silent for a second, for longer each time, and returns it as soon as it answers', async () => {
    const { world, settle, fallSilent } = stage(['a', 'b', 'c'])
    await world.advance(100)
    fallSilent('b')
    await world.advance(40)
    assert.deepEqual(ejections(world), ['b silence 120/100'])
    assert.ok(isEjected(world, 'b'))
    // A failure says nothing for it.
    settle('b', 't')
    await world.advance(40)
    assert.ok(isEjected(world, 'b'))
    // 1 s and a tenth of jitter at most, and it is back.
    await world.advance(1300)
    assert.ok(!isEjected(world, 'b'))
    fallSilent('b')
    await world.advance(1500)
    assert.ok(isEjected(world, 'b'), 'two seconds this time')
    settle('b', 'o')
    await world.advance(40)
    assert.ok(!isEjected(world, 'b'))
    const returned = world.sent.filter(({ type }) => type === 'signalbox.endpoint.returned')
    assert.deepEqual(
      returned.map(({ data }) => (data as { because: string }).because),
      ['time', 'answered'],
    )
  })
})
