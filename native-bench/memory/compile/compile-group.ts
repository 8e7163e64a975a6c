import { buildMaglev } from '../../../engine/policies/tables/maglev.ts'
import type { Member } from '../../../engine/policies/tables/member.ts'
import { RING_POINTS_MAX } from '../../../engine/policies/tables/ring.ts'
import { buildRing } from '../../../engine/policies/tables/ring-hash.ts'
import { xxhash } from '../../../engine/policies/tables/xxhash.ts'
import type { Contest } from '../../contest.ts'
import type { Group } from '../../suite.ts'
import { NativeTables } from './native-tables.ts'

/**
 * What a table costs from keys and weights to entries: hashes, order, turns or points, and its memory; here and in C++, entry for entry the
 * same. Here it is also seen to that no key is there twice and each weight is some. What follows a build, the copy into the region and the
 * edit that publishes it, is the same for all builders and left out.
 */
export const compileGroup: Group = {
  name: 'compile',
  summary: 'a table built of keys and weights',
  contests: [
    ...[10, 100, 1000].map(endpoints => maglev(65_537, endpoints)),
    ...[10, 100, 1000, 10_000].map(endpoints => maglev(655_373, endpoints)),
    ...[100, 1000].map(endpoints => ring(65_536, endpoints)),
  ],
}

/** As in the other groups: e0, e1, e2 … of weight 1, 2, 3, 1, 2 … */
export function membersOf(endpoints: number): Member[] {
  return Array.from({ length: endpoints }, (_, i) => ({ key: `e${i}`, weight: 1 + (i % 3) }))
}

function maglev(size: number, endpoints: number): Contest {
  return build(
    `maglev/${size} entries/${endpoints} endpoints`,
    endpoints,
    members => buildMaglev(members, size),
    native => native.maglev(size),
  )
}

/** As many points as the default asks for, and more: `least` of them or some more, as the weights come out. */
function ring(least: number, endpoints: number): Contest {
  const sizes = { min: least, max: RING_POINTS_MAX }
  return build(
    `ring-hash/${least} points/${endpoints} endpoints`,
    endpoints,
    members => buildRing(members, sizes),
    native => native.ring(sizes),
  )
}

function build(
  name: string,
  endpoints: number,
  here: (members: readonly Member[]) => unknown,
  inNative: (native: NativeTables) => Promise<number>,
): Contest {
  const members = membersOf(endpoints)
  return {
    name: `compile/${name}`,
    figures: [{ name: 'keys to table', unit: 'ns' }],
    rounds: 30,
    warmUp: 5,
    sides: [
      {
        name: 'signalbox',
        async begin() {
          await xxhash()
          return {
            turn() {
              const since = performance.now()
              here(members)
              return [(performance.now() - since) * 1e6]
            },
            close: async () => {},
          }
        },
      },
      {
        name: 'C++ -O2',
        async begin() {
          const native = await NativeTables.begin(members)
          if (native === undefined) return undefined
          return { turn: async () => [await inNative(native)], close: () => native.close() }
        },
      },
    ],
  }
}
