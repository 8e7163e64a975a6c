import type { ServiceText } from '../memory/service-text.ts'
import { createDice } from '../policies/dice.ts'
import type { Chooser, Policy } from '../policies/policy.ts'
import { completeOptions } from '../policies/policy-options.ts'
import { findPolicy, POLICIES } from '../policies/registry.ts'

/** The number of a policy, as the word POLICY of a service has it; 0: there is none of this name. */
export function policyNumber(name: string): number {
  const found = findPolicy(name)
  return found === undefined ? 0 : POLICIES.indexOf(found) + 1
}

/** Whether a key of the request decides where it goes; of no policy it does not. */
export function isKeyedPolicy(name: string): boolean {
  return findPolicy(name)?.isKeyed === true
}

/** The policy a service is picked by: that of a number, or its own. Undefined: this build does not know it. */
export function policyInForce({ policy }: ServiceText, number: number): Policy | undefined {
  return POLICIES[number - 1] ?? findPolicy(policy.name)
}

/** A policy at work, and what the router must know of it. */
export interface Chosen extends Chooser {
  readonly isKeyed: boolean
  readonly readsTable: boolean
}

/** Puts the policy in force to work, with dice from this seed; one that replaces that of the config has its defaults for options. */
export function choose(text: ServiceText, number: number, seed: number): Chosen | undefined {
  const found = policyInForce(text, number)
  if (found === undefined) return undefined
  const isOwn = found === findPolicy(text.policy.name)
  const options = completeOptions(found.options, isOwn ? text.policy : {})
  const { pickRow, learn, keep } = found.create(createDice(seed), options)
  const readsTable = found.table?.(options) !== undefined
  return { pickRow, ...(learn && { learn }), ...(keep && { keep }), isKeyed: found.isKeyed === true, readsTable }
}

/**
 * Why a service may not be picked by this policy instead of its own, as the end of a sentence; undefined: it may.
 *
 * What a policy needs and the config does not say (a key of the request, zones, a table, room for sessions) is not there. And whoever has a
 * key stays where he is, unless it is said expressly (`evenIfKeyed`) that he need not.
 */
export function policyFault(text: ServiceText, name: string, evenIfKeyed: boolean): string | undefined {
  const wanted = findPolicy(name)
  const own = findPolicy(text.policy.name)
  if (wanted === undefined) return `"${name}" is not a policy`
  if (wanted === own) return undefined
  if (wanted.keepsSessions === true) return `${wanted.name} needs room for sessions, name it in the config`
  if (wanted.isZoneAware === true && text.locality === undefined) {
    return `${wanted.name} needs to know zones, name it in the config`
  }
  if (wanted.table?.(completeOptions(wanted.options, {})) !== undefined) {
    return `${wanted.name} reads a table, name it in the config`
  }
  if (wanted.isKeyed === true && own?.isKeyed !== true) {
    return `${wanted.name} needs a key of the request, name it in the config`
  }
  if (own?.isKeyed === true && wanted.isKeyed !== true && !evenIfKeyed) {
    return `keys would leave their endpoints, say so expressly`
  }
  return undefined
}
