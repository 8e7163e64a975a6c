import { leastRequest } from './least-request.ts'
import { maglev } from './maglev.ts'
import { peakEwma } from './peak-ewma.ts'
import type { Policy } from './policy.ts'
import { prequal } from './prequal.ts'
import { random } from './random.ts'
import { rendezvous } from './rendezvous.ts'
import { ringHash } from './ring-hash.ts'
import { roundRobin } from './round-robin.ts'
import { weightedRoundRobin } from './weighted-round-robin.ts'

/** Every policy there is. Config, tests, benchmarks, docs and the dashboard enumerate this list and nothing else. */
export const POLICIES: readonly Policy[] = [
  leastRequest,
  maglev,
  peakEwma,
  prequal,
  random,
  rendezvous,
  ringHash,
  roundRobin,
  weightedRoundRobin,
]

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
