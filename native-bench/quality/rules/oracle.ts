import type { Law } from '../scenario/law.ts'
import type { Request } from '../world/request.ts'
import { leastOf } from './counts.ts'
import type { Rule } from './rule.ts'

/**
 * Knows of every machine all that is there and on its way, how much work each request is, and how fast it is worked on at this moment; what will
 * come it does not know. Each request goes where it would be over first. Nobody can know that: it is what others are measured by.
 */
export const oracle: Rule = {
  name: 'oracle',
  source: 'the machine where this request would be over first, by all there is to know at this moment; the bound',
  begin({ machines, chance, nowMs }, sites) {
    const sent: Request[][] = machines.map(() => [])
    return {
      pick(request) {
        const works = new Map<Law, number>()
        const workOf = (at: number): number => {
          const { work } = sites[at]!.spec
          const known = works.get(work) ?? sites[at]!.workOf(request)
          works.set(work, known)
          return known
        }
        const best = leastOf(
          machines.length,
          at => {
            const { machine } = sites[at]!
            if (machine.failing > 0.5) return Number.MAX_VALUE
            if (sent[at]!.length > 0) sent[at] = sent[at]!.filter(({ state }) => state === 'sent')
            return machine.whenDone(
              workOf(at),
              nowMs(),
              sent[at]!.map(each => sites[at]!.workOf(each)),
            )
          },
          chance,
        )
        sent[best]!.push(request)
        return best
      },
      settle() {},
    }
  },
}
