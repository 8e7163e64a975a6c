import { DONE, type Model, type Process, WAIT, Words } from './explore.ts'

/**
 * What threads derive from facts (bars, weights), as EndpointTable.setBar and Tiers.derive have it: a writer changes a fact
 * and tells by a revision; whoever sees a new revision reads all facts. The writer may die between the two, and another
 * then goes on with what is left to do; the facts themselves are plainly read in any order, one at a time.
 */
export const FACTS_BROKEN = [
  'the revision is read after the facts',
  'the revision is told before the fact is changed',
  'nobody tells for the dead',
] as const

export interface FactsSize {
  readers: number
  facts: number
  /** What is changed, in this order; 0 and 1 by turns. */
  changes: readonly number[]
  deaths: number
}

export function factsModel(
  { readers, facts, changes, deaths }: FactsSize,
  variant?: (typeof FACTS_BROKEN)[number],
): Model {
  const is = (broken: (typeof FACTS_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const FACT = words.take(facts)
  const REVISION = words.take()
  const DEATH = words.take()
  const DERIVED = words.take(readers * facts)

  function writer(): Process {
    const at = words.take()
    const next = (s: Uint8Array): string => {
      s[at]!++
      return s[at] === changes.length ? DONE : first
    }
    const tellsFirst = is('the revision is told before the fact is changed')
    const first = tellsFirst ? 'tells' : 'changes a fact'
    const steps: Process['steps'] = {
      [first]: s => {
        if (tellsFirst) s[REVISION]!++
        else s[FACT + changes[s[at]!]!]! ^= 1
        return tellsFirst ? 'changes a fact' : 'tells'
      },
      [tellsFirst ? 'changes a fact' : 'tells']: s => {
        if (tellsFirst) s[FACT + changes[s[at]!]!]! ^= 1
        else s[REVISION]!++
        return next(s)
      },
    }
    return { name: 'writer', steps, deathWord: DEATH }
  }

  function reader(r: number): Process {
    const seen = words.take()
    const at = words.take()
    const readsLast = is('the revision is read after the facts')
    const steps: Process['steps'] = {
      'looks whether anything changed': s => {
        if (s[seen] === s[REVISION]) return WAIT
        return readsLast ? 'reads a fact' : 'reads the revision'
      },
      'reads the revision': s => {
        s[seen] = s[REVISION]!
        return readsLast ? 'looks whether anything changed' : 'reads a fact'
      },
      'reads a fact': s => {
        s[DERIVED + r * facts + s[at]!] = s[FACT + s[at]!]!
        s[at]!++
        if (s[at]! < facts) return 'reads a fact'
        s[at] = 0
        return readsLast ? 'reads the revision' : 'looks whether anything changed'
      },
    }
    return { name: `reader ${r}`, steps, isService: true }
  }

  const supervisor: Process = {
    name: 'supervisor',
    steps: {
      'waits for a death': s => {
        if (s[DEATH] !== 1) return WAIT
        s[DEATH] = 2
        if (!is('nobody tells for the dead')) s[REVISION]!++
        return 'waits for a death'
      },
    },
    isService: true,
  }

  return {
    processes: [writer(), ...Array.from({ length: readers }, (_, r) => reader(r)), supervisor],
    words: words.count,
    deaths,
    begin() {},
    atEnd(s) {
      for (let r = 0; r < readers; r++) {
        for (let fact = 0; fact < facts; fact++) {
          if (s[DERIVED + r * facts + fact] !== s[FACT + fact]) return `reader ${r} goes on with a fact that is over`
        }
      }
      return undefined
    },
  }
}
