import { EventEmitter } from 'node:events'
import { ofPeer } from '../../contest.ts'
import type { Peer } from './peer.ts'

type Name = 'RoundRobin' | 'Random' | 'CpuUsage' | 'Latency' | 'Shard'

/** An endpoint as strategies look at it. */
interface Member {
  readonly id: string
  readonly index: number
  /** `cpu` in percent: none so low that the first to be looked at is taken. */
  readonly node: { readonly hostname: string; readonly cpu: number }
}

/** The one method of a strategy; its types want a whole service of each member. */
interface Strategy {
  select(members: readonly Member[], context: { readonly params: { key: number } }): Member
}

/** Milliseconds that are told of the i-th host, and percent of its processor: none is so low that it is taken unseen. */
export const loadOf = (i: number): number => 20 + (i % 60)

/**
 * A strategy of moleculer: it is handed the members that are available, and selects one. CpuUsage and Latency take the least of three and of
 * five by chance; Shard looks a key up, here another one each time, ten points for each member.
 */
export function moleculer(name: Name): Peer {
  return {
    name: `moleculer ${name}`,
    async begin(endpoints) {
      const peer = await ofPeer(() => import('moleculer'))
      if (peer === undefined) return undefined
      const localBus = new EventEmitter()
      const broker = { localBus, transit: {} }
      const Selecting = peer.default.Strategies[name] as unknown as new (...args: unknown[]) => Strategy
      const strategy = new Selecting({}, broker, name === 'Shard' ? { shardKey: 'key' } : {})
      const members = Array.from(
        { length: endpoints },
        (_, i): Member => ({ id: `node-${i}`, index: i, node: { hostname: `host-${i}`, cpu: loadOf(i) } }),
      )
      for (const { index, node } of members) {
        localBus.emit('$node.latencySlave', { hostname: node.hostname, avgLatency: loadOf(index) })
      }
      const context = { params: { key: 0 } }
      let last: Member | undefined
      return {
        batch(times) {
          for (let i = 0; i < times; i++) {
            context.params.key = i
            last = strategy.select(members, context)
          }
        },
        choose(key) {
          context.params.key = key
          last = strategy.select(members, context)
          return last.index
        },
        close: async () => void localBus.removeAllListeners(),
      }
    },
  }
}
