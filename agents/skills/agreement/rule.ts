import type { Rule } from '../../bridge/proposal.ts'

/** What is wrong with a rule as it was written, for people. */
export interface RuleFault {
  readonly fault: string
}

/**
 * How many of so many voters must say yes, from a word: `majority` (and the empty one), `unanimous`, `any`, `quorum:3`, `threshold:70%`.
 *
 *   threshold  ⌈share × voters⌉, one at least
 */
export function readRule(text: string, voters: number): Rule | RuleFault {
  if (text === '' || text === 'majority') return 'majority'
  if (text === 'unanimous' || text === 'any') return text
  const [, wanted] = /^quorum:(\d{1,9})$/.exec(text) ?? []
  if (wanted !== undefined) {
    const quorum = Number(wanted)
    return quorum >= 1 && quorum <= voters ? { quorum } : { fault: `a quorum of ${quorum} of ${voters} voters` }
  }
  const [, percent] = /^threshold:(\d{1,3}(?:\.\d+)?)%$/.exec(text) ?? []
  if (percent !== undefined && Number(percent) <= 100) {
    return { quorum: Math.max(1, Math.ceil((Number(percent) / 100) * voters - 1e-9)) }
  }
  return { fault: `${JSON.stringify(text)} is no rule, write majority, unanimous, any, quorum:3 or threshold:70%` }
}

export function isFault(rule: Rule | RuleFault): rule is RuleFault {
  return typeof rule === 'object' && 'fault' in rule
}
