import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Affinity, NO_SESSION, SESSION_TTL_MS_MAX } from '../../engine/memory/affinity.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import {
  AFFINITY_SET_WORDS,
  AFFINITY_TICKET,
  AFFINITY_UNTIL_MS,
  AFFINITY_WAYS,
  CLOCK_MS_AT,
} from '../../engine/memory/layout.ts'
import { createRegion } from '../../engine/memory/region.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const TTL_MS = 60_000

/** Two endpoints, the sessions of their service, and a clock that stands until it is moved. */
function sessions({ affinity = 64 } = {}) {
  const world = tinyWorld({ a: {}, b: {} }, { capacity: { affinity } })
  const { words, layout } = world.region
  words[CLOCK_MS_AT] = 1000
  const table = new Affinity(world.region, world.service)
  table.list(world.rows())
  const [a, b] = [world.row('a'), world.row('b')]
  const pass = (ms: number): void => {
    words[CLOCK_MS_AT] += ms
  }
  /** Word indices of the entries that are not empty. */
  const entries = (): number[] => {
    const found: number[] = []
    for (let set = layout.affinityAt; set < layout.affinityAt + affinity * 4; set += AFFINITY_SET_WORDS) {
      for (let at = set; at < set + AFFINITY_WAYS; at++) if (words[at + AFFINITY_TICKET] !== 0) found.push(at)
    }
    return found
  }
  /** Hashes whose keys share one set. */
  const neighbours = (count: number): number[] => {
    const found: number[] = []
    let set = -1
    for (let hash = 1; found.length < count; hash++) {
      const before = new Set(entries())
      const probe = words.slice(layout.affinityAt, layout.affinityAt + affinity * 4)
      table.keep(hash, a, TTL_MS)
      const [at] = entries().filter(each => !before.has(each))
      words.set(probe, layout.affinityAt)
      const mine = Math.floor((at - layout.affinityAt) / AFFINITY_SET_WORDS)
      if (set < 0) set = mine
      if (mine === set) found.push(hash)
    }
    return found
  }
  return { world, words, table, a, b, pass, entries, neighbours }
}

test('find() finds what was kept, and nothing else', () => {
  const { table, a, b, world } = sessions()
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  table.keep(7, a, TTL_MS)
  table.keep(8, b, TTL_MS)
  assert.deepEqual(
    [7, 8, 9].map(hash => table.find(hash, TTL_MS)),
    [a, b, NO_SESSION],
  )
  world.close()
})

test('keep() moves a session: it has one entry, not two', () => {
  const { table, a, b, entries, world } = sessions()
  table.keep(7, a, TTL_MS)
  table.keep(7, b, TTL_MS)
  assert.equal(table.find(7, TTL_MS), b)
  assert.equal(entries().length, 1)
  world.close()
})

test('a session ends when it was not used for its time to live, and lives on while it is used', () => {
  const { table, a, pass, world } = sessions()
  table.keep(7, a, TTL_MS)
  for (let i = 0; i < 5; i++) {
    pass(TTL_MS - 1)
    assert.equal(table.find(7, TTL_MS), a, 'used just in time')
  }
  pass(TTL_MS)
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  world.close()
})

test('a session in use is written again once a second, not on every look', () => {
  const { table, a, words, pass, entries, world } = sessions()
  table.keep(7, a, TTL_MS)
  table.find(7, TTL_MS)
  const [at] = entries()
  const until = words[at + AFFINITY_UNTIL_MS]
  pass(1000)
  table.find(7, TTL_MS)
  assert.equal(words[at + AFFINITY_UNTIL_MS], until)
  pass(1)
  table.find(7, TTL_MS)
  assert.equal(words[at + AFFINITY_UNTIL_MS], until + 1001)
  world.close()
})

test('a time to live that was shortened counts from the next use', () => {
  const { table, a, pass, world } = sessions()
  table.keep(7, a, TTL_MS)
  assert.equal(table.find(7, 1000), a)
  pass(1000)
  assert.equal(table.find(7, 1000), NO_SESSION)
  world.close()
})

test('a session of a tenant that has left, or of a row the router does not list, is nowhere', () => {
  const { table, a, b, world } = sessions()
  table.keep(7, a, TTL_MS)
  table.list([b])
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  world.remove('a')
  world.catchUp()
  // The free row is found from where the last one was: the table is filled until row a has another tenant.
  let row = -1
  for (let i = 0; row !== a; i++) row = world.add(`c${i}`)
  table.list(world.rows())
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  assert.equal(table.count(), 0)
  world.close()
})

test('the sessions of one service are not those of another', () => {
  const { table, a, world } = sessions()
  const other = new Affinity(world.region, world.service + 1)
  other.list([a])
  table.keep(7, a, TTL_MS)
  assert.equal(other.find(7, TTL_MS), NO_SESSION)
  assert.deepEqual([table.count(), other.count()], [1, 0])
  world.close()
})

test('a full set forgets the session that was unused the longest', () => {
  const { table, a, pass, neighbours, world } = sessions()
  const hashes = neighbours(AFFINITY_WAYS + 1)
  for (const hash of hashes.slice(0, AFFINITY_WAYS)) {
    table.keep(hash, a, TTL_MS)
    table.find(hash, TTL_MS)
    pass(2000)
  }
  // The first is used again, so the second is the oldest.
  table.find(hashes[0], TTL_MS)
  table.keep(hashes[AFFINITY_WAYS], a, TTL_MS)
  const lost = hashes.filter(hash => table.find(hash, TTL_MS) === NO_SESSION)
  assert.deepEqual(lost, [hashes[1]])
  world.close()
})

test('sessions that never come back push out each other, and none that does', () => {
  const { table, a, b, pass, neighbours, world } = sessions()
  const hashes = neighbours(100)
  const regulars = hashes.slice(0, AFFINITY_WAYS - 1)
  for (const hash of regulars) {
    table.keep(hash, a, TTL_MS)
    table.find(hash, TTL_MS)
  }
  // One has moved: it is as well known as before.
  table.keep(regulars[0], b, TTL_MS)
  for (const hash of hashes.slice(AFFINITY_WAYS)) {
    pass(100)
    table.keep(hash, a, TTL_MS)
  }
  // 92 came and went through the one entry that no regular holds.
  assert.deepEqual(
    hashes.filter(hash => table.find(hash, TTL_MS) !== NO_SESSION),
    [...regulars, hashes[99]],
  )
  world.close()
})

test('a full set forgets one that has ended before any that lives', () => {
  const { table, a, pass, neighbours, world } = sessions()
  const hashes = neighbours(AFFINITY_WAYS + 1)
  for (const hash of hashes.slice(0, AFFINITY_WAYS)) table.keep(hash, a, hash === hashes[5] ? 100 : TTL_MS)
  pass(100)
  table.keep(hashes[AFFINITY_WAYS], a, TTL_MS)
  assert.deepEqual(
    hashes.filter(hash => table.find(hash, TTL_MS) === NO_SESSION),
    [hashes[5]],
  )
  world.close()
})

test('a mixture of two sessions is neither: the first word of one and the second of the other', () => {
  const { table, a, b, words, entries, world } = sessions()
  table.keep(7, a, TTL_MS)
  const [at] = entries()
  const ofSeven = [words[at], words[at + AFFINITY_TICKET]]
  words[at] = words[at + AFFINITY_TICKET] = 0
  table.keep(7, b, TTL_MS)
  const [again] = entries()
  assert.equal(again, at)
  words[at] = ofSeven[0]
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  words[at + AFFINITY_TICKET] = ofSeven[1]
  assert.equal(table.find(7, TTL_MS), a, 'whole again')
  world.close()
})

test('sessions live and end across the wrap of the clock, and what ended weeks ago does not come back', () => {
  const { table, a, words, pass, world } = sessions()
  words[CLOCK_MS_AT] = 0x7fffffff - 10
  table.keep(7, a, TTL_MS)
  words[CLOCK_MS_AT] = -0x80000000 + 10
  assert.equal(table.find(7, TTL_MS), a)
  for (const days of [1, 20, 3, 1]) {
    pass(days * SESSION_TTL_MS_MAX)
    assert.equal(table.find(7, TTL_MS), NO_SESSION)
    assert.equal(table.count(), 0)
  }
  world.close()
})

test('sessions spread evenly over the sets', () => {
  const { table, a, entries, world } = sessions({ affinity: 4096 })
  // 1,024 sessions in 512 sets are two a set on average; Poisson gives 0.15 sessions beyond the eighth in all sets together.
  for (let hash = 1; hash <= 1024; hash++) table.keep(avalanche(hash), a, TTL_MS)
  assert.ok(entries().length >= 1020, `${entries().length}`)
  world.close()
})

test('without room nothing is kept', () => {
  const table = new Affinity(createRegion({ affinity: 0 }), 0)
  table.keep(7, 0, TTL_MS)
  assert.equal(table.find(7, TTL_MS), NO_SESSION)
  assert.equal(table.count(), 0)
})
