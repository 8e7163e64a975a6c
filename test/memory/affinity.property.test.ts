import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Affinity, NO_SESSION } from '../../engine/memory/affinity.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { AFFINITY_WAYS, CLOCK_MS_AT, REGION_ID_AT } from '../../engine/memory/layout.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const SETS = 8
/**
 * Each step takes a multiple of 10 ms, and each time to live has a last digit of its own: so no two sessions ever end at
 * one moment, and which of a full set goes is never a matter of taste. One that has ended is as good as an empty entry.
 */
const STEP_MS = 10
const TTLS_MS = [300, 5001, 60_002]

interface Session {
  row: number
  untilMs: number
  isUsed: boolean
}

/** The same as a map for each set, on a clock that does not wrap. */
class Model {
  readonly #sets = Array.from({ length: SETS }, () => new Map<number, Session>())
  readonly #setOf: (hash: number) => number

  constructor(setOf: (hash: number) => number) {
    this.#setOf = setOf
  }

  find(hash: number, ttlMs: number, nowMs: number, isListed: (row: number) => boolean): number {
    const session = this.#sets[this.#setOf(hash)].get(hash)
    if (session === undefined || !isListed(session.row) || session.untilMs <= nowMs) return NO_SESSION
    const left = session.untilMs - nowMs
    const isStale = left > ttlMs || ttlMs - left > Math.min(1000, Math.floor(ttlMs / 16))
    if (isStale || !session.isUsed) session.untilMs = nowMs + ttlMs
    session.isUsed = true
    return session.row
  }

  keep(hash: number, row: number, ttlMs: number, nowMs: number): void {
    const set = this.#sets[this.#setOf(hash)]
    for (const [each, { untilMs }] of set) if (untilMs <= nowMs) set.delete(each)
    if (!set.has(hash) && set.size === AFFINITY_WAYS) {
      const byRank = ([, one]: [number, Session], [, other]: [number, Session]): number =>
        Number(one.isUsed) - Number(other.isUsed) || one.untilMs - other.untilMs
      set.delete([...set].sort(byRank)[0][0])
    }
    set.set(hash, { row, untilMs: nowMs + ttlMs, isUsed: set.get(hash)?.isUsed ?? false })
  }
}

const hash = fc.integer({ min: 1, max: 90 })
const ttlMs = fc.constantFrom(...TTLS_MS)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('keep' as const), hash, row: fc.nat({ max: 3 }), ttlMs }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant('find' as const), hash, ttlMs }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('pass' as const), steps: fc.nat({ max: 500 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('list' as const), rows: fc.subarray([0, 1, 2, 3], { minLength: 2 }) }),
  },
)

test('the table is a map with a time to live, in sets that forget what was never used again and ends first, across the wrap of the clock', () => {
  const start = fc.constantFrom(0, 0x7fffffff - 30_000, -30_000)
  let found = 0
  fc.assert(
    fc.property(start, fc.array(step, { minLength: 100, maxLength: 600 }), (startMs, steps) => {
      const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, { capacity: { affinity: SETS * AFFINITY_WAYS } })
      const { words } = world.region
      // The salt is drawn anew for each region; here it stands, so that a run can be repeated.
      words[REGION_ID_AT] = 0
      const salt = Math.imul(world.service + 1, 0x9e3779b1)
      const rows = world.rows()
      const table = new Affinity(world.region, world.service)
      const model = new Model(each => avalanche(each ^ salt) & (SETS - 1))
      const listed = new Set(rows)
      table.list(rows)
      let nowMs = startMs
      for (const each of steps) {
        nowMs += each.what === 'pass' ? each.steps * STEP_MS : STEP_MS
        words[CLOCK_MS_AT] = nowMs | 0
        if (each.what === 'list') {
          listed.clear()
          for (const i of each.rows) listed.add(rows[i])
          table.list([...listed])
        } else if (each.what === 'keep') {
          model.keep(each.hash, rows[each.row], each.ttlMs, nowMs)
          table.keep(each.hash, rows[each.row], each.ttlMs)
        } else if (each.what === 'find') {
          const expected = model.find(each.hash, each.ttlMs, nowMs, row => listed.has(row))
          assert.equal(table.find(each.hash, each.ttlMs), expected)
          if (expected !== NO_SESSION) found++
        }
      }
      world.close()
    }),
    { numRuns: 300, seed: 0x5eed },
  )
  assert.ok(found > 1000, `${found} sessions were found at all`)
})
