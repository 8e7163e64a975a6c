import { act, type Directive } from '../../kit/grammar/directive.ts'
import { tryConnects } from './connect.ts'
import { CONNECTS, findEndpoint } from './emergency-criteria.ts'
import type { Scene } from './emergency-procedures.ts'
import type { Emergency } from './emergency-state.ts'

/** Targets that are connected to in one look. */
const AT_ONCE = 16

/**
 * Tries to connect to some of the targets: those that have not been proven come first, and of more than there is room for each has its
 * turn, so that one that stays away keeps no other from being tried.
 *
 *   a b c d e f …      16 from where the last look has ended, round and round; proven ones where there is room left
 */
export function tryTargets(emergency: Emergency, scene: Scene): { emergency: Emergency; directives: Directive[] } {
  const { id, targets, triedTo, connects } = emergency
  const turned = [...targets.slice(triedTo), ...targets.slice(0, triedTo)]
  const isProven = (target: string): boolean => (connects[target] ?? 0) >= CONNECTS
  const inOrder = [...turned.filter(target => !isProven(target)), ...turned.filter(isProven)]
  const urls: Record<string, string> = {}
  let last: string | undefined
  for (const target of inOrder.slice(0, AT_ONCE)) {
    last = target
    const endpoint = findEndpoint(target, scene)
    if (endpoint !== undefined) urls[target] = endpoint.url
  }
  if (last === undefined) return { emergency, directives: [] }
  return {
    emergency: { ...emergency, triedTo: (targets.indexOf(last) + 1) % targets.length },
    directives: Object.keys(urls).length > 0 ? [act(tryConnects, { about: id, urls })] : [],
  }
}

/** What came of it: each success counts, and a failure puts an end to those in a row. */
export function withConnects(emergency: Emergency, connected: Readonly<Record<string, boolean>>): Emergency {
  const connects = { ...emergency.connects }
  for (const [target, isConnected] of Object.entries(connected))
    connects[target] = isConnected ? (connects[target] ?? 0) + 1 : 0
  return { ...emergency, connects }
}
