import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { usualOf } from '../../../agents/failure-detector/sentence.ts'
import { SilenceWatch, type Silent } from '../../../agents/failure-detector/silence.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import { ejections, isEjected, stage } from './courtroom.ts'

const FLOOR_MS = 100
const STEP_MS = 20

/**
 * Two endpoints of one service that are looked at every 20 ms; between looks they answer, or keep somebody waiting. One more request is
 * sent to each before each look, but where `isSparse`.
 */
function world(latencyUs = 2000, floorMs = FLOOR_MS, isSparse = false) {
  const watch = new SilenceWatch()
  watch.floorsMs = [floorMs]
  if (latencyUs > 0) watch.learn(0, Array(100).fill(latencyUs), 0)
  const rows = [0, 1].map(row => ({ row, generation: 1, service: 0, answered: 100, picked: 100, waitedMs: -1 }))
  let now = 0
  const waiting: (number | undefined)[] = []
  const look = (stepMs = STEP_MS, everyMs = STEP_MS): Silent[] => {
    now += stepMs
    if (!isSparse) for (const row of rows) row.picked++
    return watch.look(
      rows.map(row => ({ ...row, waitedMs: waiting[row.row] === undefined ? -1 : now - waiting[row.row]! })),
      now,
      everyMs,
    )
  }
  look()
  return {
    rows,
    watch,
    look,
    now: () => now,
    answer: (row: number) => void rows[row].answered++,
    pick: (row: number) => void rows[row].picked++,
    /** A request goes there and waits from now on, or no more. */
    wait: (row: number, isWaiting = true) => {
      waiting[row] = isWaiting ? now : undefined
    },
  }
}

/**
 * Three endpoints are looked at while requests come at random; each is answered in 5 ms, but for `slowShare` of them in 600. The second
 * answers nothing from `hangsMs` on. Returns who was convicted, and when.
 */
function played(load: {
  requestsPerSecond: number
  slowShare: number
  forMs: number
  hangsMs?: number
  seed?: number
}) {
  const { requestsPerSecond, slowShare, forMs, hangsMs = forMs } = load
  let { seed = 1 } = load
  const die = (): number => {
    const rolled = rollDie(seed)
    seed = rolled.seed
    return rolled.value
  }
  const watch = new SilenceWatch()
  watch.floorsMs = [FLOOR_MS]
  const rows = [0, 1, 2].map(row => ({ row, generation: 1, service: 0, answered: 0, picked: 0 }))
  let waiting: { row: number; sinceMs: number; untilMs: number }[] = []
  let slow = 0
  const convicted: (Silent & { atMs: number })[] = []
  for (let now = 0; now < forMs; now++) {
    if (die() < requestsPerSecond / 1000) {
      const row = Math.floor(die() * 3)
      const isSlow = die() < slowShare
      if (isSlow) slow++
      rows[row].picked++
      waiting.push({ row, sinceMs: now, untilMs: now + (isSlow ? 600 : 5) })
    }
    const isAnswered = ({ row, untilMs }: { row: number; untilMs: number }): boolean =>
      untilMs <= now && !(row === 1 && now >= hangsMs)
    for (const each of waiting.filter(isAnswered)) {
      rows[each.row].answered++
      watch.learn(0, [(now - each.sinceMs) * 1000], now)
    }
    waiting = waiting.filter(each => !isAnswered(each))
    if (now % STEP_MS !== 0) continue
    const longest = (row: number): number =>
      waiting.filter(each => each.row === row).reduce((most, { sinceMs }) => Math.max(most, now - sinceMs), -1)
    const looks = rows.map(each => ({ ...each, waitedMs: longest(each.row) }))
    convicted.push(...watch.look(looks, now).map(each => ({ ...each, atMs: now })))
  }
  return { slow, convicted }
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

  it('convicts by looks that are far apart because there are so many endpoints, and by none that came late', () => {
    const convictedAt = (everyMs: number): number => {
      const { look, answer, wait } = world()
      wait(1)
      for (let i = 1; i <= 20; i++) {
        answer(0)
        if (look(150, everyMs).length > 0) return i * 150
      }
      return -1
    }
    assert.equal(convictedAt(150), 600)
    assert.equal(convictedAt(20), -1)
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

  it('convicts nobody for one slow answer where nothing else was asked, and for three that are not answered', () => {
    const { look, answer, wait, pick } = world(2000, FLOOR_MS, true)
    pick(1)
    wait(1)
    for (let i = 0; i < 50; i++) {
      answer(0)
      assert.deepEqual(look(), [])
    }
    pick(1)
    pick(1)
    const found: number[] = []
    for (let i = 1; i <= 5; i++) {
      answer(0)
      if (look().length > 0) found.push(i * STEP_MS)
    }
    // Seen at the first look; half of the limit later somebody should have answered.
    assert.deepEqual(found, [80])
  })

  it('convicts for one that is not answered who usually answers something far more often', () => {
    /** After which silence one is convicted that has answered `times` every so often. */
    const convictedMs = (everyMs: number, times: number): number => {
      const { look, answer, wait, watch, now } = world(2000, FLOOR_MS, true)
      for (let at = STEP_MS; at <= everyMs * times; at += STEP_MS) {
        answer(0)
        if (at % everyMs === 0) answer(1)
        look()
        if (at % 1000 === 0) watch.learn(0, Array(100).fill(2000), now())
      }
      wait(1)
      for (let i = 1; i <= 60; i++) {
        answer(0)
        if (look().length > 0) return i * STEP_MS
      }
      return Number.POSITIVE_INFINITY
    }
    assert.equal(convictedMs(20, 25), 120)
    assert.equal(convictedMs(200, 25), 420)
    assert.equal(convictedMs(20, 15), Number.POSITIVE_INFINITY, 'too few to know what is usual')
  })

  it('seldom convicts a good endpoint that has few requests, some of them slow', () => {
    // 15 requests a second, one in 200 takes 600 ms: 10 minutes. To convict for a silence of 100 ms was to do so 36 times.
    const { slow, convicted } = played({ requestsPerSecond: 15, slowShare: 1 / 200, forMs: 600_000 })
    assert.ok(slow > 30, `${slow} slow requests`)
    assert.ok(convicted.length <= 1, `${convicted.length} of ${slow}`)
  })

  it('convicts one of three that hangs under a hundred requests a second within 300 ms', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { convicted } = played({ requestsPerSecond: 100, slowShare: 0, forMs: 4_000, hangsMs: 3_000, seed })
      const [first] = convicted
      assert.equal(first?.row, 1)
      assert.ok(first.atMs <= 3_300, `after ${first.atMs - 3_000} ms`)
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
  const answered = { generation: 1, ok: 3, latencyUsMax: 1_500_000, latenciesUs: [2000, 50_000, 1_500_000] }
  const silence = { generation: 1, because: 'silence', untilMs: undefined, healthyMs: 900 } as const

  it('leaves out what an endpoint answers that is out for its silence, but for the quickest', () => {
    const { latenciesUs } = answered
    assert.deepEqual(usualOf(answered, { ...silence, untilMs: 2000 }, 1000), [2000])
    assert.deepEqual(usualOf({ ...answered, ok: 0, latencyUsMax: 0 }, { ...silence, untilMs: 2000 }, 1000), [])
    assert.deepEqual(usualOf(answered, { ...silence, untilMs: 2000, because: 'latency' }, 1000), latenciesUs)
    assert.deepEqual(usualOf(answered, { ...silence, generation: 2, untilMs: 2000 }, 1000), latenciesUs)
    assert.deepEqual(usualOf(answered, undefined, 1000), latenciesUs)
  })

  it('leaves out requests that began before it was back, but for the quickest that was answered', () => {
    assert.deepEqual(usualOf(answered, silence, 1000), answered.latenciesUs)
    assert.deepEqual(usualOf(answered, silence, 910), [2000, 50_000])
    // The longest has run into a timeout.
    assert.deepEqual(usualOf({ ...answered, ok: 2, latencyUsMax: 50_000 }, silence, 1000), [2000, 50_000])
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
