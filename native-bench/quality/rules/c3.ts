import { Counts, leastOf } from './counts.ts'
import type { Rule } from './rule.ts'

/** Share of a new sample; as Elasticsearch has it. */
const ALPHA = 0.3
const EXPONENT = 3

interface Known {
  /** How long answers took here, how long requests were worked on there, and how many were there, smoothed. */
  readonly tookMs: Float64Array
  readonly servedMs: Float64Array
  readonly inside: Float64Array
}

/**
 *   rank = R − s + q̂³ × s        q̂ = 1 + in flight from here × clients + inside there;  s: time of one request there without the others
 */
export const c3: Rule = {
  name: 'c3',
  source:
    'lowest rank of all by what answers told (Suresh et al., C3, NSDI 2015; constants of Elasticsearch), without its rate control',
  begin(surroundings) {
    const { machines, fleet, chance } = surroundings
    const counts = new Counts(surroundings)
    const fresh = (): Float64Array => new Float64Array(machines.length)
    const nodes = Array.from(
      { length: fleet.nodes },
      (): Known => ({ tookMs: fresh(), servedMs: fresh(), inside: fresh() }),
    )
    return {
      pick(request) {
        const { tookMs, servedMs, inside } = nodes[counts.nodeOf(request)]!
        const inflight = counts.of(request)
        const rank = (at: number): number => {
          const expected = 1 + inflight[at]! * fleet.nodes + inside[at]!
          return tookMs[at]! - servedMs[at]! + expected ** EXPONENT * servedMs[at]!
        }
        return counts.enter(request, leastOf(machines.length, rank, chance))
      },
      settle(request, outcome, tookMs) {
        counts.leave(request)
        const known = nodes[counts.nodeOf(request)]!
        const at = request.machine
        blend(known.tookMs, at, tookMs)
        if (outcome !== 'ok') return
        // Of all that were there at a time each had its share.
        blend(known.servedMs, at, request.servedMs / (request.insideThen + 1))
        blend(known.inside, at, request.insideThen)
      },
    }
  },
}

function blend(kept: Float64Array, at: number, sample: number): void {
  kept[at] = kept[at] === 0 ? sample : kept[at]! + (sample - kept[at]!) * ALPHA
}
