import { type Config, type DiscoverConfig, discoveredBy } from '../../engine/writer.ts'
import type { DiscoveryStrategy } from '../signals.ts'

/** A source that is to be looked at, and what for. */
export interface Plan {
  /** Unique; the same over a reload that leaves it what it is. */
  readonly key: string
  readonly service: string
  readonly by: DiscoveryStrategy
  /** What its endpoints are marked with. */
  readonly mark: string
  readonly entry: DiscoverConfig
  /** Nobody is sent there, see forbidden-address.ts. */
  readonly admin: { readonly address: string; readonly port: number }
  /** IPv4 address of the interface that groups are asked by; undefined: as the system routes. */
  readonly interface: string | undefined
  /** After so long an answer is none, in ms. */
  readonly timeoutMs: number
}

/** All sources of a config, those of strategies that are not wanted left out. */
export function plansOf({ services, admin, agents }: Config): Plan[] {
  const { strategies, timeout, multicast } = agents['node-discovery']
  return Object.entries(services).flatMap(([service, { discover }]) =>
    discover.flatMap((entry, index): Plan[] => {
      const by = strategyOf(entry)
      if (!strategies.includes(by)) return []
      const mark = discoveredBy(entry)
      const before = discover.slice(0, index).filter(each => discoveredBy(each) === mark).length
      const key = `${service} ${mark}${before === 0 ? '' : ` ${before + 1}`}`
      const about = { admin: admin.listen, interface: multicast.interface, timeoutMs: timeout }
      return [{ key, service, by, mark, entry, ...about }]
    }),
  )
}

/** Names below .local are asked of the neighbours. */
export function strategyOf({ dns, registry }: DiscoverConfig): DiscoveryStrategy {
  if (dns !== undefined) return isLocal(dns) ? 'multicast' : 'dns'
  return registry !== undefined ? 'registry' : 'file'
}

function isLocal(name: string): boolean {
  return name.toLowerCase().endsWith('.local')
}
