import type { Standing } from './contest.ts'
import type { Row } from './harness.ts'

/**
 * What a decision may cost, in nanoseconds by the median of a batch, on a machine as slow as a shared two-core virtual
 * one. `signalbox bench --check` fails beyond it; a test run never does. Each number is twice what was measured when it
 * was set, so that it catches a change of kind and not a busy neighbour.
 */
export const BUDGET_NS: readonly { rows: RegExp; most: number }[] = [
  { rows: /^pick\+settle\/(round-robin|random)\//, most: 130 },
  { rows: /^pick\+settle\/weighted-round-robin\//, most: 170 },
  { rows: /^pick\+settle\/maglev\//, most: 180 },
  { rows: /^pick\+settle\/ring-hash\//, most: 430 },
  { rows: /^pick\+settle\/(least-request|capacity|zone)\/4$/, most: 240 },
  { rows: /^pick\+settle\/(least-request|capacity|zone)\/(16|64|1024)$/, most: 560 },
  { rows: /^pick\+settle\/(peak-ewma|adaptive)\/4$/, most: 310 },
  { rows: /^pick\+settle\/(peak-ewma|adaptive)\/(16|64|1024)$/, most: 800 },
  { rows: /^pick\+settle\/prequal\//, most: 830 },
  // Without a key, sticky is least request with a closure more; with one, a look-up and no scan.
  { rows: /^pick\+settle\/sticky\/4$/, most: 280 },
  { rows: /^pick\+settle\/sticky\/(16|64|1024)$/, most: 620 },
  { rows: /^pick\+settle\/sticky\/\d+ sessions$/, most: 180 },
  { rows: /^pick\+settle\/sticky\/new session$/, most: 700 },
  { rows: /^pick\+settle\/rendezvous\/(4|16)$/, most: 700 },
]

/**
 * So many times what the same algorithm costs in C++ a decision may cost here. The aim is 3; when this was set it was 1.2 to 6.2, and like the
 * others this catches a change of kind.
 */
const NATIVE_TIMES_MOST = 9

/** The rows that cost more than they may, each as a sentence. */
export function overBudget(rows: readonly Row[], standings: readonly Standing[]): string[] {
  const slow = standings.filter(
    ({ contest, times }) => contest.startsWith('native/') && times.median > NATIVE_TIMES_MOST,
  )
  const tooSlow = slow.map(
    ({ contest, times }) =>
      `${contest} takes ${times.median.toFixed(2)} times as long as in C++, ${NATIVE_TIMES_MOST} times is its budget`,
  )
  const tooDear = rows.flatMap(({ name, nsMedian }) => {
    const budget = BUDGET_NS.find(each => each.rows.test(name))
    if (budget === undefined || nsMedian <= budget.most) return []
    return [`${name} costs ${nsMedian.toFixed(1)} ns, its budget is ${budget.most} ns`]
  })
  return [...tooDear, ...tooSlow]
}
