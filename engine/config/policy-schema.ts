import { z } from 'zod'
import { completeOptions, type PolicyOption } from '../policies/policy-options.ts'
import { findPolicy, POLICIES, policyNames } from '../policies/registry.ts'
import { number, spellings, textLeaf, whole } from './leaf.ts'
import { choice, keys } from './names.ts'
import { duration, printDuration, printRatio, ratio } from './units.ts'
import { kindOf, notOneOf } from './wording.ts'

const policyName = () =>
  textLeaf<string>({
    what: 'a policy',
    wish: 'write the name of a policy',
    read: written => {
      const known = policyNames()
      if (known.includes(written)) return { value: written }
      const names = POLICIES.map(policy => policy.name)
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
export type PolicyConfig = { name: string; hash?: KeySource; [option: string]: string | number | KeySource | undefined }
/** What may be written for it: the name alone, or a map with the options beside it. */
export type PolicyInput = string | PolicyConfig

const KEYED = POLICIES.filter(policy => policy.isKeyed === true).map(policy => policy.name)

/** Every option of every policy; which of them a policy takes is checked once its name is known. */
const policyOptions = Object.fromEntries(
  Object.entries(optionsByName()).map(([name, { option, takers }]) => [
    name,
    optionLeaf(name, option)
      .optional()
      .describe(`Of ${takers.join(', ')}: ${option.about}. Default ${printDefault(option)}.`),
  ]),
)

/** Policies may share an option by its name; then it is the same one. */
function optionsByName(): Record<string, { option: PolicyOption; takers: string[] }> {
  const found: Record<string, { option: PolicyOption; takers: string[] }> = {}
  for (const policy of POLICIES) {
    for (const [name, option] of Object.entries(policy.options)) {
      const known = (found[name] ??= { option, takers: [] })
      if (known.option !== option)
        throw new Error(`Cannot share option ${name}: two policies mean different things by it`)
      known.takers.push(policy.name)
    }
  }
  return found
}

function optionLeaf(name: string, option: PolicyOption): z.ZodType<string | number> {
  switch (option.kind) {
    case 'word':
      return choice(`a value of ${name}`, option.words)
    case 'number':
      return number({ min: option.min, max: option.max, whole: false })
    case 'share':
      return ratio()
    case 'duration':
      return duration({ min: option.min, max: option.max })
    case 'token':
      return token(`a ${name} name`)
    case 'whole':
      return whole(option.min, option.max).superRefine((value, context) => {
        const message = option.fault?.(value)
        if (message !== undefined) context.addIssue({ code: 'custom', message })
      })
  }
}

function printDefault(option: PolicyOption): string | number {
  if (option.kind === 'share') return printRatio(option.default)
  return option.kind === 'duration' ? printDuration(option.default) : option.default
}

function token(what: string): z.ZodType<string, string> {
  return textLeaf<string>({
    what,
    wish: 'write a name of letters, digits and -_.!~ alone',
    read: text =>
      /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(text)
        ? { value: text }
        : { fault: `${JSON.stringify(text)} is not ${what}; write a name of letters, digits and -_.!~ alone` },
  })
}

const yes = () => z.literal(true, { error: 'write true, or leave it out' })

const KEY_SOURCES = ['header', 'cookie', 'query', 'path', 'source'] as const

const keySource = keys({
  header: token('a header name').optional().describe('The value of this header of the request. Default: not this.'),
  cookie: token('a cookie name').optional().describe('The value of this cookie. Default: not this.'),
  query: token('a parameter name')
    .optional()
    .describe('The value of this parameter of the query, as it is written. Default: not this.'),
  path: yes().optional().describe('The path that is sent, after a rewrite, without its query. Default: not this.'),
  source: yes()
    .optional()
    .describe('The address of the downstream. Default: this, where no hash is written and no sessions are kept.'),
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
            `Of ${KEYED.join(', ')}: what keeps a request at its endpoint. A request without it goes anywhere; to one without its cookie the proxy gives one, where sessions are kept. Default: the source address, for sticky the cookie the proxy gives.`,
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
        const fault = found?.fault?.(completeOptions(found.options, policy))
        if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: policy })
        if (Object.keys(policy.hash ?? {}).length > 0 && Object.hasOwn(policy, 'cookie')) {
          const message = 'the hash says already what names a session; write one of both'
          context.issues.push({ code: 'custom', message, input: policy, path: ['cookie'] })
        }
        return policy
      }),
    ],
    { error: issue => `${kindOf(issue.input)} is not a policy; write the name of a policy, or { name, ...options }` },
  )
  .register(spellings, {}) as unknown as z.ZodType<PolicyConfig, PolicyInput>
