import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import xxhashWasm from 'xxhash-wasm'
import type { Member } from '../../../engine/policies/tables/member.ts'
import type { Ring } from '../../../engine/policies/tables/ring.ts'
import { buildRing } from '../../../engine/policies/tables/ring-hash.ts'
import { ringPosition } from '../../../engine/policies/tables/table-key.ts'
import { xxhash } from '../../../engine/policies/tables/xxhash.ts'
import { countEntries, equal, weighted } from './tiny-members.ts'

/**
 * Rings marked "Envoy" are those of test/extensions/load_balancing_policies/ring_hash/ring_hash_lb_test.cc, where they stand as
 * 64-bit points; ours keep the high word of each. A host is known there by its address, here by a key of the same text.
 */
before(xxhash)

const MAX = 8_388_608
const high = (point: bigint) => Number(point >> 32n)
const local = (...ports: number[]) => equal(ports.map(port => `127.0.0.1:${port}`))

/** Asserts that the ring has exactly these points, each of the member named. */
function isRing({ points, members }: Ring, expected: readonly (readonly [bigint, number])[]): void {
  assert.deepEqual(
    [...points].map((point, i) => [point, members[i]]),
    expected.map(([point, member]) => [high(point), member]),
  )
}

/** The member a 64-bit key of Envoy's tests goes to. */
function memberAt({ points, members }: Ring, key: bigint, attempt = 0): number {
  return members[ringPosition(points, 0, points.length, high(key), attempt)]!
}

/** Envoy's way to spread so many keys over the circle; how many each member gets. */
function spread(ring: Ring, keys: number, members: number): number[] {
  const stride = (2n ** 64n - 1n) / BigInt(keys)
  return countEntries(
    Uint16Array.from({ length: keys }, (_, i) => memberAt(ring, BigInt(i) * stride)),
    members,
  )
}

/** Envoy: Basic and BasicWithRetryHostPredicate, six hosts and 12 points. */
const BASIC = [
  [833437586790550860n, 4],
  [928266305478181108n, 2],
  [1033482794131418490n, 0],
  [3551244743356806947n, 5],
  [3851675632748031481n, 3],
  [5583722120771150861n, 1],
  [6311230543546372928n, 1],
  [7700377290971790572n, 3],
  [13144177310400110813n, 5],
  [13444792449719432967n, 2],
  [15516499411664133160n, 4],
  [16117243373044804889n, 0],
] as const

test('buildRing() has the twelve points Envoy has', () => {
  isRing(buildRing(local(90, 91, 92, 93, 94, 95), { min: 12, max: MAX }), BASIC)
})

test('buildRing() sends keys where Envoy does, wrapping, and further on for each attempt', () => {
  const ring = buildRing(local(90, 91, 92, 93, 94, 95), { min: 12, max: MAX })
  // Envoy: Basic. The key that is one above a point of 64 bits has its high word, and stays with it: the deviation of the header.
  assert.equal(memberAt(ring, 0n), 4)
  assert.equal(memberAt(ring, 2n ** 64n - 1n), 4)
  assert.equal(memberAt(ring, 3551244743356806947n), 5)
  assert.equal(memberAt(ring, 3551244743356806948n), 5)
  assert.equal(memberAt(ring, 3551244743356806947n + 2n ** 32n), 3)
  assert.equal(memberAt(ring, 16117243373044804880n), 0)
  // Envoy: BasicWithRetryHostPredicate; attempts 1, 2 and 13 of the key 0.
  assert.equal(memberAt(ring, 0n, 1), 2)
  assert.equal(memberAt(ring, 0n, 2), 0)
  assert.equal(memberAt(ring, 0n, 13), 2)
})

test('buildRing() has the points of host names Envoy has', () => {
  // Envoy: BasicWithHostname, BasicWithMetadataHashKey, BasicWithDoundedLoad.
  isRing(buildRing(equal(['90', '91', '92', '93', '94', '95']), { min: 12, max: MAX }), [
    [1975508444536362413n, 5],
    [2376063919839173711n, 5],
    [2386806903309390596n, 3],
    [6749904478991551885n, 4],
    [6803900775736438537n, 3],
    [7225015537174310577n, 2],
    [8787465352164086522n, 0],
    [11282020843382717940n, 2],
    [13723418369486627818n, 1],
    [13776502110861797421n, 0],
    [14338313586354474791n, 1],
    [15364271037087512980n, 4],
  ])
})

test('buildRing() has whole numbers of points for uneven sizes, as Envoy', () => {
  // Envoy: UnevenHosts. 3 points for two members: 1.5 rounded up for the least one, 4 in all.
  isRing(buildRing(local(80, 81), { min: 3, max: MAX }), [
    [5454692015285649509n, 0],
    [7859399908942313493n, 1],
    [13838424394637650569n, 0],
    [16064866803292627174n, 1],
  ])
  isRing(buildRing(local(81, 82), { min: 3, max: MAX }), [
    [7859399908942313493n, 0],
    [8241336090459785962n, 1],
    [12882406409176325258n, 1],
    [16064866803292627174n, 0],
  ])
})

test('buildRing() gives 1, 2 and 3 points of six by weight, as Envoy', () => {
  // Envoy: HostWeightedTinyRing, LocalityWeightedTinyRing.
  const members = weighted({ '127.0.0.1:90': 1, '127.0.0.1:91': 2, '127.0.0.1:92': 3 })
  isRing(buildRing(members, { min: 6, max: 6 }), [
    [928266305478181108n, 2],
    [4443673547860492590n, 2],
    [5583722120771150861n, 1],
    [6311230543546372928n, 1],
    [13444792449719432967n, 2],
    [16117243373044804889n, 0],
  ])
})

test('buildRing() gives 1, 2, 2 and 4 points of nine by weight, as Envoy', () => {
  // Envoy: HostAndLocalityWeightedTinyRing; 1 to 2 within localities of 1 to 2.
  const members = weighted({ '127.0.0.1:90': 1, '127.0.0.1:91': 2, '127.0.0.1:92': 2, '127.0.0.1:93': 4 })
  isRing(buildRing(members, { min: 9, max: 9 }), [
    [928266305478181108n, 2],
    [3851675632748031481n, 3],
    [5583722120771150861n, 1],
    [6311230543546372928n, 1],
    [7700377290971790572n, 3],
    [12559126875973811811n, 3],
    [13444792449719432967n, 2],
    [13784988426630141778n, 3],
    [16117243373044804889n, 0],
  ])
})

test('buildRing() shares a large ring as Envoy does, key for key', () => {
  // Envoy: HostWeightedLargeRing, LocalityWeightedLargeRing. About 1,000, 2,000 and 3,000 of 6,000 keys.
  const three = buildRing(weighted({ '127.0.0.1:90': 1, '127.0.0.1:91': 2, '127.0.0.1:92': 3 }), {
    min: 6144,
    max: MAX,
  })
  assert.deepEqual(countEntries(three.members, 3), [1024, 2048, 3072])
  assert.deepEqual(spread(three, 6000, 3), [987, 1932, 3081])
  // Envoy: HostAndLocalityWeightedLargeRing.
  const members = weighted({ '127.0.0.1:90': 1, '127.0.0.1:91': 2, '127.0.0.1:92': 2, '127.0.0.1:93': 4 })
  const four = buildRing(members, { min: 9216, max: MAX })
  assert.deepEqual(countEntries(four.members, 4), [1024, 2048, 2048, 4096])
  assert.deepEqual(spread(four, 9000, 4), [924, 2009, 2053, 4014])
})

test('buildRing() leaves members out where max is too small for all, as Envoy', () => {
  // Envoy: SmallFractionalScale. Target 0.5, 1, 1.5, 2: the first and the third have a point.
  assert.deepEqual(countEntries(buildRing(local(90, 91, 92, 93), { min: 2, max: 2 }).members, 4), [1, 0, 1, 0])
})

test('buildRing() gives the odd point to the first of two, as Envoy', () => {
  // Envoy: LargeFractionalScale.
  const ring = buildRing(local(90, 91), { min: 1023, max: 1023 })
  assert.deepEqual(countEntries(ring.members, 2), [512, 511])
  assert.deepEqual(spread(ring, 1023, 2), [526, 497])
})

test('buildRing() gives every 128th of many light members a point, as Envoy', () => {
  // Envoy: LopsidedWeightSmallScale; 127/128 of the weight on host 0, the rest on 1,023 others, in 1,024 points.
  const members = Array.from({ length: 1024 }, (_, i) => ({ key: `127.0.0.1:${i}`, weight: i === 0 ? 127 * 1023 : 1 }))
  const ring = buildRing(members, { min: 1024, max: 1024 })
  const light = [...ring.points].map((point, i) => [ring.members[i], point]).filter(([member]) => member !== 0)
  assert.equal(ring.points.length - light.length, 1016)
  assert.deepEqual(
    light.sort(([a], [b]) => a! - b!),
    [
      [1, high(11664790346325243808n)],
      [128, high(15894554872961148518n)],
      [256, high(13958138884277627155n)],
      [384, high(15803774069438192949n)],
      [512, high(3829253010855396576n)],
      [640, high(17918147347826565154n)],
      [768, high(6442769608292299103n)],
      [896, high(5881074926069334434n)],
    ],
  )
})

test('buildRing() gives a single member all points', () => {
  // Envoy: BasicFailover, one host and a minimum of 12.
  assert.deepEqual([...buildRing(local(80), { min: 12, max: MAX }).members], new Array(12).fill(0))
})

test('buildRing() makes an empty ring of no members', () => {
  assert.equal(buildRing([], { min: 1024, max: MAX }).points.length, 0)
})

test('buildRing() refuses a minimum above the maximum, and sizes that are none', () => {
  // Envoy: BadRingSizeBounds.
  assert.throws(() => buildRing(local(90), { min: 20, max: 10 }), {
    code: 'SBX_TABLE_INVALID',
    message: 'Cannot build table: the ring is to have at least 20 and at most 10 points, let min be max or less',
  })
  for (const max of [0, 1.5, MAX + 1, Number.NaN]) {
    assert.throws(() => buildRing(local(90), { min: 1, max }), /choose a whole number from 1 to 8388608/)
  }
})

test('buildRing() is the algorithm as Envoy states it, whatever keys and weights', async () => {
  const { h64 } = await xxhashWasm()
  const model = (members: Member[], min: number, max: number): [bigint, number][] => {
    const sum = members.reduce((sum, { weight }) => sum + weight, 0)
    const least = Math.min(...members.map(({ weight }) => weight / sum))
    const scale = Math.min(Math.ceil(least * min) / least, max)
    const ring: [bigint, number][] = []
    let target = 0
    members.forEach(({ key, weight }, member) => {
      target += scale * (weight / sum)
      for (let i = 0; ring.length < target; i++) ring.push([h64(`${key}_${i}`), member])
    })
    return ring.sort(([a], [b]) => (a < b ? -1 : 1))
  }
  const keys = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), {
    minLength: 1,
    maxLength: 9,
  })
  const weights = fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 9, maxLength: 9 })
  fc.assert(
    fc.property(
      keys,
      weights,
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 2000 }),
      (keys, weights, min, max) => {
        const members = keys.map((key, i) => ({ key, weight: weights[i]! }))
        isRing(buildRing(members, { min: Math.min(min, max), max }), model(members, Math.min(min, max), max))
      },
    ),
  )
})
