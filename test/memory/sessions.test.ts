import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Affinity, NO_SESSION } from '../../engine/memory/affinity.ts'
import { avalanche, avalancheBack } from '../../engine/memory/hash-key.ts'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import { markOfSessions, readSessions, writeSessions } from '../../engine/memory/sessions.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const TTL_MS = 60_000

test('avalancheBack() undoes avalanche()', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), word => avalancheBack(avalanche(word)) === word),
  )
})

function sessionsOf(world: TinyWorld, scope = 0): Affinity {
  const table = new Affinity(world.region, world.service, scope)
  table.list(world.rows())
  return table
}

/** The numbers of endpoints by row in one world, and rows by number in another, where some are gone. */
function numbered(old: TinyWorld, next: TinyWorld, ids: string[], gone: string[] = []) {
  const endpoints = new Int32Array(old.region.layout.rows).fill(-1)
  ids.forEach((id, number) => {
    endpoints[old.row(id)] = number
  })
  return { endpoints, rows: Int32Array.from(ids, id => (gone.includes(id) ? -1 : next.row(id))) }
}

test('sessions are at their endpoints in another region, for as long as they would have been', () => {
  const old = tinyWorld({ a: {}, b: {}, c: {} })
  // Other rows, and b is gone.
  const next = tinyWorld({ x: {}, c: {}, y: {}, a: {} }, { capacity: { affinity: 128 } })
  const [oldNow, nextNow] = [5000, -7000]
  old.region.words[CLOCK_MS_AT] = oldNow
  next.region.words[CLOCK_MS_AT] = nextNow
  const [plain, scoped] = [sessionsOf(old), sessionsOf(old, 99)]
  plain.keep(1, old.row('a'), TTL_MS)
  plain.keep(2, old.row('b'), TTL_MS)
  scoped.keep(1, old.row('c'), TTL_MS)
  plain.keep(3, old.row('c'), 200)
  const { endpoints, rows } = numbered(old, next, ['a', 'b', 'c'], ['b'])
  writeSessions(next.region, readSessions(old.region, endpoints, oldNow), rows, nextNow, 300)

  const [found, foundScoped] = [sessionsOf(next), sessionsOf(next, 99)]
  const after = (ms: number): void => {
    next.region.words[CLOCK_MS_AT] = nextNow + ms
  }
  // Two that end before they are asked for again: 300 ms have passed already.
  after(TTL_MS - 301)
  assert.deepEqual(
    [found.find(1, TTL_MS), found.find(2, TTL_MS), found.find(3, TTL_MS), foundScoped.find(1, TTL_MS)],
    [next.row('a'), NO_SESSION, NO_SESSION, next.row('c')],
  )
})

test('what a region has no room for is left out, and the rest is there', () => {
  const old = tinyWorld({ a: {} }, { capacity: { affinity: 1024 } })
  const next = tinyWorld({ a: {} }, { capacity: { affinity: 64 } })
  const none = tinyWorld({ a: {} }, { capacity: { affinity: 0 } })
  const table = sessionsOf(old)
  for (let hash = 0; hash < 500; hash++) table.keep(hash, old.row('a'), TTL_MS)
  const { endpoints, rows } = numbered(old, next, ['a'])
  const now = old.region.words[CLOCK_MS_AT]
  const read = readSessions(old.region, endpoints, now)
  assert.equal(read.length, 4 * table.count())
  writeSessions(next.region, read, rows, next.region.words[CLOCK_MS_AT], 0)
  writeSessions(none.region, read, rows, 0, 0)
  assert.equal(sessionsOf(next).count(), 64)
})

test('a session that comes or moves makes another mark, one that is used does not', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const table = sessionsOf(world)
  const mark = (): number => markOfSessions(world.region, 1)
  const empty = mark()
  table.keep(5, world.row('a'), TTL_MS)
  const came = mark()
  world.region.words[CLOCK_MS_AT] += 5000
  table.find(5, TTL_MS)
  assert.equal(mark(), came)
  table.keep(5, world.row('b'), TTL_MS)
  assert.equal(new Set([empty, came, mark()]).size, 3)
})
