import { avalanche, hashKey } from '../memory/hash-key.ts'
import type { SubsettingText } from '../memory/service-text.ts'
import type { Endpoint } from './endpoint.ts'

/** Which endpoints of a service a router keeps to. */
export interface SubsetOptions {
  /** Metadata an endpoint must have, all of it: `{ version: 'v1' }`. */
  subset?: Readonly<Record<string, string>>
  /** What is picked from where no endpoint has it: nothing, or all of the service. Default: nothing. */
  fallback?: 'none' | 'any'
}

/** The rows whose endpoints have the metadata; where none has, what `fallback` says. */
export function subsetOf(
  rows: readonly number[],
  endpoint: (row: number) => Endpoint,
  { subset = {}, fallback = 'none' }: SubsetOptions,
): number[] {
  const wanted = Object.entries(subset)
  const found = rows.filter(row => {
    const { metadata } = endpoint(row)
    return wanted.every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value)
  })
  return found.length === 0 && fallback === 'any' ? [...rows] : found
}

/**
 * A number that is the same for routers of the same subset, 0 for those of all endpoints. Each subset has sessions of its
 * own: one who uses two of them has an endpoint in each, instead of being moved to and fro.
 */
export function scopeOf({ subset }: SubsetOptions): number {
  return subset === undefined ? 0 : hashKey(JSON.stringify(Object.entries(subset).sort()))
}

/**
 * The `size` endpoints this node keeps to, of a service too large for every node to connect to all of it.
 *
 *   rank(e) = murmur3's finaliser of hash(node) ^ hash(id of e)            the lowest `size` are taken
 *
 * Every node ranks for itself and always in the same way. An endpoint that leaves is replaced by one other and no choice
 * else changes; over many nodes the endpoints are used about equally, as random choice does (a binomial spread).
 *
 * Source  rendezvous hashing; gRPC A68 random subsetting.
 */
export function subsettingOf(
  rows: readonly number[],
  endpoint: (row: number) => Endpoint,
  { size, node }: SubsettingText,
): number[] {
  if (rows.length <= size) return [...rows]
  const seed = hashKey(node)
  const ranked = rows.map((row, order) => ({ row, order, rank: avalanche(seed ^ hashKey(endpoint(row).id)) >>> 0 }))
  const taken = ranked.sort((a, b) => a.rank - b.rank || a.order - b.order).slice(0, size)
  return taken.sort((a, b) => a.order - b.order).map(({ row }) => row)
}
