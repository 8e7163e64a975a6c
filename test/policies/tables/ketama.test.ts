import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { buildKetama } from '../../../engine/policies/tables/ketama.ts'
import type { Member } from '../../../engine/policies/tables/member.ts'
import { ringPosition } from '../../../engine/policies/tables/table-key.ts'
import { NGINX_SAMPLE } from './nginx-sample.ts'
import { countEntries, equal, weighted } from './tiny-members.ts'

/** Keys marked "Pingora" go where pingora-ketama/src/lib.rs and its test-data expect them; those were recorded from nginx. */

/** The keys of so many members in the order in which a request for `key` meets them. */
function walk(members: readonly Member[], key: string, steps = 1): string[] {
  const ring = buildKetama(members, { points: 160 })
  return Array.from({ length: steps }, (_, attempt) => {
    const position = ringPosition(ring.points, 0, ring.points.length, crc32(key), attempt)
    return members[ring.members[position]!]!.key
  })
}

test('buildKetama() sends keys where nginx does', () => {
  // Pingora: matches_nginx_sample.
  const two = equal(['127.0.0.1:7777', '127.0.0.1:7778'])
  for (const [key, expected] of Object.entries({
    '/some/path': '127.0.0.1:7778',
    '/some/longer/path': '127.0.0.1:7777',
    '/sad/zaidoon': '127.0.0.1:7778',
    '/g': '127.0.0.1:7777',
    '/pingora/team/is/cool/and/this/is/a/long/uri': '127.0.0.1:7778',
    '/i/am/not/confident/in/this/code': '127.0.0.1:7777',
  })) {
    assert.deepEqual(walk(two, key), [expected], key)
  }
})

test('buildKetama() sends keys where an nginx with nine servers of weight 100 did', () => {
  // Pingora: matches_nginx_sample_data, four of its keys for each server.
  const members = Array.from({ length: 9 }, (_, i) => ({ key: `10.0.0.${i + 1}:443`, weight: 100 }))
  const { points, members: owners } = buildKetama(members, { points: 160 })
  assert.equal(NGINX_SAMPLE.length, 36)
  for (const [key, server] of NGINX_SAMPLE) {
    assert.equal(owners[ringPosition(points, 0, points.length, crc32(key))]! + 1, server, key)
  }
})

test('buildKetama() shows members in the order Pingora walks them', () => {
  // Pingora: node_iter.
  const [a, b, c] = ['127.0.0.1:7777', '127.0.0.1:7778', '127.0.0.1:7779'] as const
  assert.deepEqual(walk(equal([a, b, c]), 'doghash', 8), [b, c, c, a, a, b, b, c])
  assert.deepEqual(walk(equal([a, c]), 'doghash', 5), [c, c, a, a, c])
})

test('buildKetama() takes an IPv6 address as Pingora prints it, without brackets', () => {
  // Pingora: test_ipv6_ring.
  const [a, b, c] = ['::1:7777', '::1:7778', '::1:7779'] as const
  assert.deepEqual(walk(equal([a, b, c]), 'doghash', 7), [a, b, a, b, b, a, c])
})

test('buildKetama() by weight sends the keys of its example where Pingora does', () => {
  // Pingora: the example in the documentation of the crate.
  const members = weighted({ '127.0.0.1:12345': 1, '127.0.0.2:12345': 2, '127.0.0.3:12345': 3 })
  assert.deepEqual(walk(members, 'some_key'), ['127.0.0.3:12345'])
  assert.deepEqual(walk(members, 'another_key'), ['127.0.0.3:12345'])
  assert.deepEqual(walk(members, 'last_key'), ['127.0.0.2:12345'])
})

test('buildKetama() moves no key between members that stay', () => {
  // Pingora: consistency_after_adding_host; 10 and 11 members.
  const members = (count: number) => equal(Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}:6443`))
  for (const count of [10, 11]) {
    assert.deepEqual(walk(members(count), 'a'), ['127.0.0.10:6443'])
    assert.deepEqual(walk(members(count), 'b'), ['127.0.0.5:6443'])
  }
  // nginx-tests, upstream_hash.t, "consistent" and "consistent weight": with one server of three gone, keys 1 to 20 that were not
  // its own stay where they were. Its ports differ from run to run; these are its first choice.
  const cw = weighted({ '127.0.0.1:8081': 1, '127.0.0.1:8082': 1, '127.0.0.1:8083': 10 })
  for (const before of [cw, equal(cw.map(({ key }) => key))]) {
    const after = before.filter(({ key }) => key !== '127.0.0.1:8082')
    for (let i = 1; i <= 20; i++) {
      const [was] = walk(before, `${i}`)
      if (was !== '127.0.0.1:8082') assert.deepEqual(walk(after, `${i}`), [was])
    }
  }
})

test('buildKetama() hashes host and port apart, and other keys whole', () => {
  // The first point of a member is crc32(host ‖ 0 ‖ port ‖ 0000), as the nginx module says.
  for (const [key, bytes] of [
    ['127.0.0.1:80', '127.0.0.1\0' + '80'],
    ['[::1]:80', '[::1]\0' + '80'],
    ['backend', 'backend\0'],
    ['a:b', 'a:b\0'],
    ['a:80b', 'a:80b\0'],
    ['unix:/run/a.sock', '/run/a.sock\0'],
    ['UNIX:/run/a:1', '/run/a:1\0'],
  ] as const) {
    assert.deepEqual([...buildKetama(equal([key]), { points: 1 }).points], [crc32(`${bytes}\0\0\0\0`)], key)
  }
})

test('buildKetama() has weight × points of each member, rounded, one at least', () => {
  const { members } = buildKetama(weighted({ a: 1, b: 2.5, c: 0.001 }), { points: 10 })
  assert.deepEqual(countEntries(members, 3), [10, 25, 1])
})

test('buildKetama() keeps a point of two members once, for the one handed in first', () => {
  // Both are hashed as the same bytes, so all four points are equal.
  for (const keys of [['/run/a.sock', 'unix:/run/a.sock'] as const, ['unix:/run/a.sock', '/run/a.sock'] as const]) {
    assert.deepEqual([...buildKetama(equal(keys), { points: 4 }).members], [0, 0, 0, 0])
  }
})

test('buildKetama() lowers the number of points for all where they would not fit', () => {
  // 3 × 65,535 × 160 points = 31 million. One each is put aside of 8,388,608, the rest shared 1 to 1 to 1 and rounded down.
  const { members } = buildKetama(weighted({ a: 65_535, b: 65_535, c: 65_535 }), { points: 160 })
  const each = Math.floor((8_388_608 - 3) / 3)
  for (const count of countEntries(members, 3)) {
    // A chain never meets itself (the crc of four bytes is a bijection), but c the points of a and b, two thirds of 2^23 among 2^32:
    // it loses 0.13 % of its own.
    assert.ok(count <= each && count > each * 0.998, `${count} of ${each}`)
  }
})

test('buildKetama() makes an empty ring of no members, and refuses a number of points that is none', () => {
  assert.equal(buildKetama([], { points: 160 }).points.length, 0)
  for (const points of [0, 1.5, -160, Number.NaN]) {
    assert.throws(() => buildKetama(equal(['a']), { points }), {
      code: 'SBX_TABLE_INVALID',
      message: `Cannot build table: ${points} points a weight were asked for, choose a whole number from 1 to 8388608`,
    })
  }
})
