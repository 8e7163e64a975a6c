import { z } from 'zod'
import { findPolicy, POLICIES, policyNames } from '../policies/registry.ts'
import { isComingPolicy } from './coming.ts'
import { spellings, textLeaf } from './leaf.ts'
import { choice, keys } from './names.ts'
import { kindOf, notOneOf } from './wording.ts'

const policyName = () =>
  textLeaf<string>({
    what: 'a policy',
    wish: 'write the name of a policy',
    read: written => {
      const known = policyNames()
      if (known.includes(written)) return { value: written }
      const names = POLICIES.map(policy => policy.name)
      if (isComingPolicy(written)) {
        return { fault: `"${written}" is not available in this version; write one of ${names.join(', ')}` }
      }
      return { fault: notOneOf(written, 'a policy', known, names) }
    },
  })

/** The algorithm that picks: its name or alias as written, and its options. */
export type PolicyConfig = { name: string; [option: string]: string }
/** What may be written for it: the name alone, or a map with the options beside it. */
export type PolicyInput = string | PolicyConfig

/** Every option of every policy; which of them a policy takes is checked once its name is known. */
const policyOptions = Object.fromEntries(
  POLICIES.flatMap(({ name, options }) =>
    Object.entries(options).map(([option, words]) => [
      option,
      choice(`a ${option}`, words)
        .optional()
        .describe(`Of ${name}: ${words.join(', ')}. Default ${words[0]}.`),
    ]),
  ),
)

/** A name or a map in, a map out. Names and options are those of the registry, so a new policy needs no line here. */
export const policySchema = z
  .union(
    [
      policyName().transform(name => ({ name })),
      keys({
        name: policyName().describe('Name of a policy or one of its aliases. Required.'),
        ...policyOptions,
      }).transform((policy, context) => {
        const taken = Object.keys(findPolicy(policy.name)?.options ?? {})
        for (const option of Object.keys(policy)) {
          if (option === 'name' || taken.includes(option)) continue
          const wish = taken.length === 0 ? 'it has none' : `it has ${taken.join(', ')}`
          const message = `not an option of ${policy.name}; ${wish}`
          context.issues.push({ code: 'custom', message, input: policy, path: [option] })
        }
        return policy
      }),
    ],
    { error: issue => `${kindOf(issue.input)} is not a policy; write the name of a policy, or { name, ...options }` },
  )
  .register(spellings, {}) as unknown as z.ZodType<PolicyConfig, PolicyInput>
