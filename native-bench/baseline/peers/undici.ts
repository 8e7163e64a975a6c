import type { BalancedPool, Pool } from 'undici'
import { ofPeer } from '../../contest.ts'
import { originOf, type Peer } from './peer.ts'

/** How its members are weighed: all alike, as when nothing has failed; or by errors, which take 15 of 100 each. */
type Weighed = 'alike' | 'by errors'

/**
 * The choice of undici's BalancedPool, which is all it does before it hands a request to the pool it has chosen. Its members are open and
 * wait for nobody (`kNeedDrain`), as those that have room for one more request; that they have no connection yet is nothing it looks at.
 */
export function balancedPool(weighed: Weighed): Peer {
  return {
    name: weighed === 'alike' ? 'undici BalancedPool' : 'undici BalancedPool after errors',
    async begin(endpoints) {
      const undici = await ofPeer(() => import('undici'))
      if (undici === undefined) return undefined
      const pool = new undici.BalancedPool(Array.from({ length: endpoints }, (_, i) => originOf(i)))
      const members = Array.from({ length: endpoints }, (_, i) => pool.getUpstream(originOf(i))!)
      if (weighed === 'by errors') {
        members.forEach((member, i) => {
          for (let errors = i % 3; errors > 0; errors--) {
            member.emit(
              'connectionError',
              new URL(originOf(i)),
              [member],
              new undici.errors.SocketError('as if it was refused'),
            )
          }
        })
      }
      const choose = choiceOf(undici.BalancedPool)
      const choosing = pool as unknown as Record<symbol, () => Pool>
      let last: Pool | undefined
      return {
        batch(times) {
          for (let i = 0; i < times; i++) last = choosing[choose]!()
        },
        choose() {
          last = choosing[choose]!()
          return members.indexOf(last)
        },
        close: () => pool.destroy(),
      }
    },
  }
}

/** The method is there for pools alone, under a symbol that undici does not hand out. */
function choiceOf({ prototype }: typeof BalancedPool): symbol {
  const found = Object.getOwnPropertySymbols(prototype).find(({ description }) => description === 'get dispatcher')
  if (found === undefined)
    throw new Error('this undici chooses in another way: its BalancedPool has no "get dispatcher"')
  return found
}
