import type { Row } from './harness.ts'

/**
 * What a decision may cost, in nanoseconds by the median of a batch, on a machine as slow as a shared two-core virtual
 * one. `signalbox bench --check` fails beyond it; a test run never does. Each number is twice what was measured when it
 * was set, so that it catches a change of kind and not a busy neighbour.
 */
export const BUDGET_NS: readonly { rows: RegExp; most: number }[] = [
  { rows: /^pick\+settle\/round-robin\//, most: 100 },
  { rows: /^pick\+settle\/weighted-round-robin\//, most: 160 },
  { rows: /^pick\+settle\/least-request\/(4|64|1024)$/, most: 160 },
  { rows: /^pick\+settle\/least-request\/16$/, most: 360 },
]

/** The rows that cost more than they may, each as a sentence. */
export function overBudget(rows: readonly Row[]): string[] {
  return rows.flatMap(({ name, nsMedian }) => {
    const budget = BUDGET_NS.find(each => each.rows.test(name))
    if (budget === undefined || nsMedian <= budget.most) return []
    return [`${name} costs ${nsMedian.toFixed(1)} ns, its budget is ${budget.most} ns`]
  })
}
