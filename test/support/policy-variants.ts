import type { Policy } from '../../engine/policies/policy.ts'
import { POLICIES } from '../../engine/policies/registry.ts'

/** A policy, and what is written beside its name. */
export interface Variant {
  readonly name: string
  readonly policy: Policy
  readonly written: Readonly<Record<string, string | number>>
}

/** Every policy as it is, with each word of each option that takes one, and with a balance where it has that. */
export const VARIANTS: readonly Variant[] = POLICIES.flatMap(policy => {
  const others = Object.entries(policy.options).flatMap(([option, { kind, ...rest }]): Variant['written'][] => {
    if (option === 'balance') return [{ balance: 125 }]
    if (kind !== 'word' || !('words' in rest)) return []
    return rest.words.filter(word => word !== rest.default).map(word => ({ [option]: word }))
  })
  return [{}, ...others].map(written => ({ name: [policy.name, ...Object.values(written)].join(' '), policy, written }))
})
