import { ofPeer } from '../../contest.ts'
import type { Peer } from './peer.ts'

/** The two balancers of the package load-balancers: a number by chance, and the one of two by chance that was picked less often. */
export const randomBalancer = balancer('RandomBalancer')
export const p2cBalancer = balancer('P2cBalancer')

function balancer(name: 'RandomBalancer' | 'P2cBalancer'): Peer {
  return {
    name: `load-balancers ${name}`,
    async begin(endpoints) {
      const peer = await ofPeer(() => import('load-balancers'))
      if (peer === undefined) return undefined
      const balancer = new peer[name](endpoints)
      let last = 0
      return {
        batch(times) {
          for (let i = 0; i < times; i++) last = balancer.pick()
        },
        choose: () => (last = balancer.pick()),
        close: async () => void last,
      }
    },
  }
}
