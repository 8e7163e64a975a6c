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

/** What of a request the hash is made from: one of these. */
export interface KeySource {
  header?: string
  cookie?: string
  query?: string
  path?: true
  source?: true
}

/** The algorithm that picks: its name or alias as written, and its options. */
export type PolicyConfig = { name: string; hash?: KeySource; [option: string]: string | KeySource | undefined }
/** What may be written for it: the name alone, or a map with the options beside it. */
export type PolicyInput = string | PolicyConfig

const KEYED = POLICIES.filter(policy => policy.isKeyed === true).map(policy => policy.name)

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

const token = (what: string) =>
  textLeaf<string>({
    what,
    wish: 'write a name of letters, digits and -_.!~ alone',
    read: text =>
      /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(text)
        ? { value: text }
        : { fault: `${JSON.stringify(text)} is not ${what}; write a name of letters, digits and -_.!~ alone` },
  })

const yes = () => z.literal(true, { error: 'write true, or leave it out' })

const KEY_SOURCES = ['header', 'cookie', 'query', 'path', 'source'] as const

const keySource = keys({
  header: token('a header name').optional().describe('The value of this header of the request. Default: not this.'),
  cookie: token('a cookie name').optional().describe('The value of this cookie. Default: not this.'),
  query: token('a parameter name')
    .optional()
    .describe('The value of this parameter of the query, as it is written. Default: not this.'),
  path: yes().optional().describe('The path, without its query. Default: not this.'),
  source: yes().optional().describe('The address of the downstream. Default: this, where no hash is written.'),
}).refine(source => Object.keys(source).length <= 1, {
  error: `names several; write one of ${KEY_SOURCES.join(', ')}`,
})

/** A name or a map in, a map out. Names and options are those of the registry, so a new policy needs no line here. */
export const policySchema = z
  .union(
    [
      policyName().transform(name => ({ name })),
      keys({
        name: policyName().describe('Name of a policy or one of its aliases. Required.'),
        hash: keySource
          .optional()
          .describe(
            `Of ${KEYED.join(', ')}: what keeps a request at its endpoint. A request without it goes anywhere. Default: the source address.`,
          ),
        ...policyOptions,
      }).transform((policy, context) => {
        const found = findPolicy(policy.name)
        const taken = Object.keys(found?.options ?? {})
        if (found?.isKeyed === true) taken.push('hash')
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
