import { notOneOf } from '../../engine/config/wording.ts'
import { findPolicy, policyNames } from '../../engine/policies/registry.ts'
import { RULES } from './rules/registry.ts'
import { signalboxRouting } from './rules/signalbox.ts'
import type { Fleet, Scenario } from './scenario/scenario.ts'
import type { ContenderText } from './scenario/schema.ts'
import type { BeginRouting } from './world/world.ts'

/** Who routes in a scenario: a policy of signalbox, or a rule of others, in a fleet of its own where it says so. */
export interface Contender {
  readonly label: string
  readonly isOurs: boolean
  readonly isOracle: boolean
  /** The fleet it runs in, if not that of the scenario. */
  readonly fleet: Partial<Fleet>
}

export function contenderOf(text: ContenderText): Contender {
  const { as, nodes, threads } = typeof text === 'string' ? ({} as Exclude<ContenderText, string>) : text
  const [name, isOurs] = nameOf(text)
  return {
    label: as ?? name,
    ...{ isOurs, isOracle: name === 'oracle' },
    fleet: { ...(nodes !== undefined && { nodes }), ...(threads !== undefined && { threads }) },
  }
}

/** What is wrong with it, as a sentence. */
export function contenderFinding(text: ContenderText): string | undefined {
  const [name, isOurs] = nameOf(text)
  if (name === '') return 'names neither a policy nor a rule; write one of them'
  const rules = RULES.map(rule => rule.name)
  if (typeof text === 'string')
    return isOurs || rules.includes(name)
      ? undefined
      : notOneOf(name, 'a policy or a rule', [...policyNames(), ...rules])
  if (text.policy !== undefined && text.rule !== undefined) return 'names a policy and a rule; write one of them'
  if (text.hears !== undefined && !isOurs)
    return 'has hears, which is for policies; a rule hears what it was made to hear'
  if (text.policy !== undefined) return isOurs ? undefined : notOneOf(name, 'a policy', policyNames())
  return rules.includes(name) ? undefined : notOneOf(name, 'a rule', rules)
}

/** How it begins to route. */
export function routingOf(text: ContenderText, { hasAgents }: Scenario, seed: number): BeginRouting {
  const [name, isOurs] = nameOf(text)
  const hears = typeof text !== 'string' && text.hears === true
  if (isOurs) return surroundings => signalboxRouting(name, { hasAgents, hears, seed }, surroundings)
  const rule = RULES.find(each => each.name === name)!
  return (surroundings, sites) => rule.begin(surroundings, sites)
}

function nameOf(text: ContenderText): [name: string, isOurs: boolean] {
  const { policy, rule } = typeof text === 'string' ? { policy: text, rule: text } : text
  const isOurs = policy !== undefined && findPolicy(policy) !== undefined
  return isOurs ? [findPolicy(policy)!.name, true] : [rule ?? policy ?? '', false]
}
