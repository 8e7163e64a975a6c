import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMaglev } from '../../engine/policies/tables/maglev.ts'
import type { Member } from '../../engine/policies/tables/member.ts'
import { buildRing } from '../../engine/policies/tables/ring-hash.ts'
import { xxhash } from '../../engine/policies/tables/xxhash.ts'
import { membersOf } from '../../native-bench/memory/compile/compile-group.ts'
import { NativeTables } from '../../native-bench/memory/compile/native-tables.ts'

await xxhash()

/** Of every length from 1 to 70 bytes: XXH64 takes them by 32, 8, 4 and 1. */
const LENGTHS: Member[] = Array.from({ length: 70 }, (_, i) => ({ key: 'k'.padEnd(i + 1, `${i}`), weight: 1 }))

const MEMBERS: readonly (readonly [string, readonly Member[]])[] = [
  ['10 endpoints', membersOf(10)],
  ['1000 endpoints', membersOf(1000)],
  ['one endpoint', membersOf(1)],
  ['keys of all lengths', LENGTHS],
  ['a thousand times the weight of another', [...membersOf(65), { key: 'heavy', weight: 1000 }]],
]

for (const [whose, members] of MEMBERS) {
  test(`tables of ${whose} in C++ are those built here, entry by entry`, async t => {
    const native = await NativeTables.begin(members)
    if (native === undefined) {
      t.skip('there is no g++')
      return
    }
    t.after(() => native.close())
    for (const size of [1009, 65_537]) {
      assert.ok((await native.maglev(size)) > 0)
      assert.deepEqual(Uint16Array.from(await native.entries()), buildMaglev(members, size), `maglev of ${size}`)
    }
    for (const sizes of [
      { min: 1024, max: 8_388_608 },
      { min: 1500, max: 1531 },
    ]) {
      assert.ok((await native.ring(sizes)) > 0)
      const ring = buildRing(members, sizes)
      assert.deepEqual(Uint16Array.from(await native.entries()), ring.members, `ring of ${sizes.max}`)
      assert.deepEqual(Uint32Array.from(await native.points()), ring.points)
    }
  })
}
