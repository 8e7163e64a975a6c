import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { buildKetama } from '../../engine/policies/tables/ketama.ts'
import type { Ring } from '../../engine/policies/tables/ring.ts'
import { buildRing } from '../../engine/policies/tables/ring-hash.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { KEYS as MANY_KEYS, placed } from './keyed.ts'

const KEYS = MANY_KEYS.slice(0, 5000)
const IDS = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']
const EQUAL = Object.fromEntries(IDS.map(id => [id, {}]))
const MEMBERS = IDS.map(key => ({ key, weight: 1 }))

const RINGS: Record<string, { policy: { name: string; [option: string]: string | number }; ring: Ring }> = {
  ring: {
    policy: { name: 'ring-hash', minimum: 300 },
    ring: buildRing(MEMBERS, { min: 300, max: 8_388_608 }),
  },
  ketama: { policy: { name: 'ring-hash', mode: 'ketama', points: 40 }, ring: buildKetama(MEMBERS, { points: 40 }) },
}

/** Where keys go in a world of these. */
function placedIn(ids: readonly string[], policy: { name: string; [option: string]: string | number }): string[] {
  const world = tinyWorld(Object.fromEntries(ids.map(id => [id, {}])), { policy })
  const places = placed(world, KEYS.slice(0, 500))
  world.close()
  return places
}

/** By the book: the first point at or after the hash, else the first of all. */
function ownerOf({ points, members }: Ring, hash: number, isOpen: (member: number) => boolean = () => true): string {
  const first = Math.max(
    0,
    points.findIndex(point => point >= hash),
  )
  for (let k = 0; ; k++) {
    const member = members[(first + k) % points.length]
    if (isOpen(member)) return IDS[member]
  }
}

for (const [mode, { policy, ring }] of Object.entries(RINGS)) {
  test(`ring-hash in mode ${mode} takes the member of the first point at or after the hash`, () => {
    const world = tinyWorld(EQUAL, { policy })
    const edges = [0, ring.points[0], ring.points[0] + 1, ring.points.at(-1)!, ring.points.at(-1)! + 1, 0xffffffff]
    for (const hash of [...edges, ...KEYS.slice(0, 1000)]) {
      assert.equal(world.pickId(hash), ownerOf(ring, hash), `hash ${hash}`)
    }
    world.close()
  })

  test(`ring-hash in mode ${mode} goes on from point to point past one that is barred, and returns`, () => {
    const world = tinyWorld(EQUAL, { policy })
    const before = placed(world, KEYS)
    world.bar(IDS[1], UNHEALTHY)
    for (const hash of KEYS.slice(0, 1000))
      assert.equal(
        world.pickId(hash),
        ownerOf(ring, hash, member => member !== 1),
      )
    world.bar(IDS[1], UNHEALTHY, false)
    assert.deepEqual(placed(world, KEYS), before)
    world.close()
  })

  test(`ring-hash in mode ${mode} moves the keys of an endpoint that leaves, and no others`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), fc.nat(), (count, leaver, salt) => {
        const ids = Array.from({ length: count }, (_, i) => `e${salt % 1000}-${i}:80`)
        const gone = ids[leaver % count]
        // With 100 points for each, before and after: a ring grows with its least share, not with its endpoints.
        const sized = (n: number) => (mode === 'ring' ? { ...policy, minimum: 100 * n } : policy)
        const before = placedIn(ids, sized(count))
        const after = placedIn(
          ids.filter(id => id !== gone),
          sized(count - 1),
        )
        before.forEach((id, i) => {
          if (id !== gone) assert.equal(after[i], id)
          else assert.notEqual(after[i], gone)
        })
      }),
      { numRuns: 30 },
    )
  })
}

test('ring-hash shares keys by weight, as far as its points do', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 3 } }, { policy: { name: 'ring-hash', minimum: 16_384 } })
  const count = placed(world, KEYS).filter(id => id === 'b').length
  // Arcs of 4,096 and 12,288 points: a share varies by 1 ÷ √points, √(¾ × ¼ ÷ 16,384) = 0.3 %, and the count of 5,000 keys
  // by √(5000 × ¾ × ¼) = 31; five times both.
  assert.ok(Math.abs(count - 3750) < 5 * (31 + 0.0034 * 5000), `${count}`)
  world.close()
})
