import { adaptive } from './adaptive.ts'
import { capacity } from './capacity.ts'
import { leastRequest } from './least-request.ts'
import { maglev } from './maglev.ts'
import { peakEwma } from './peak-ewma.ts'
import type { Policy } from './policy.ts'
import { prequal } from './prequal.ts'
import { random } from './random.ts'
import { rendezvous } from './rendezvous.ts'
import { ringHash } from './ring-hash.ts'
import { roundRobin } from './round-robin.ts'
import { stickyWithin } from './sticky.ts'
import { weightedRoundRobin } from './weighted-round-robin.ts'
import { zone } from './zone.ts'

/** What stands on its own; sticky places new sessions by those of them that need no key. */
const PLAIN: readonly Policy[] = [
  adaptive,
  capacity,
  leastRequest,
  maglev,
  peakEwma,
  prequal,
  random,
  rendezvous,
  ringHash,
  roundRobin,
  weightedRoundRobin,
  zone,
]

/** Every policy there is. Config, tests, benchmarks, docs and the dashboard enumerate this list and nothing else. */
export const POLICIES: readonly Policy[] = [...PLAIN, stickyWithin(PLAIN.filter(isForSessions))]

/** A session is kept by its key alone: nothing within may ask for one, nor be told apart by the router before it. */
function isForSessions({ isKeyed, isZoneAware }: Policy): boolean {
  return isKeyed !== true && isZoneAware !== true
}

/** What a service uses that names none. */
export const DEFAULT_POLICY = leastRequest.name

/** The policy of a name or an alias. */
export function findPolicy(name: string): Policy | undefined {
  return POLICIES.find(policy => policy.name === name || policy.aliases.includes(name))
}

/** Names and aliases a config may use. */
export function policyNames(): string[] {
  return POLICIES.flatMap(policy => [policy.name, ...policy.aliases])
}
