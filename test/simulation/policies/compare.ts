import { SCENARIOS } from './scenarios.ts'
import { type Course, live, type Span } from './world.ts'

/** By scenario, then by policy: how it went with each seed. */
export type Courses = Readonly<Record<string, Readonly<Record<string, readonly Course[]>>>>

/** Every policy meets the same course of events, seed by seed. */
export async function compare(policies: readonly string[], seeds: readonly number[], span: Span): Promise<Courses> {
  const courses: Record<string, Record<string, Course[]>> = {}
  for (const scenario of SCENARIOS) {
    const each: Record<string, Course[]> = {}
    for (const policy of policies) {
      each[policy] = []
      for (const seed of seeds) each[policy].push(await live(scenario, policy, seed, span))
    }
    courses[scenario.name] = each
  }
  return courses
}

export type Figure = 'meanMs' | 'p99Ms'

/** A policy is better than another only when it is by more than this share: seeds alone make that much of a difference. */
export const TIE = 0.03

/** The one in the middle over the seeds. */
export function medianOf(courses: readonly Course[], figure: Figure): number {
  const sorted = courses.map(each => each[figure]).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** 1 for the best and all that tie with it: one more than how many are better by more than TIE. */
export function rankOf(policy: string, courses: Courses[string], figure: Figure): number {
  const own = medianOf(courses[policy]!, figure)
  const better = Object.values(courses).filter(each => medianOf(each, figure) * (1 + TIE) < own)
  return better.length + 1
}

/** A line for each policy, a pair of columns for each scenario: mean and p99 in ms, medians over the seeds. */
export function tableOf(courses: Courses): string {
  const scenarios = Object.keys(courses)
  const policies = Object.keys(courses[scenarios[0]!]!)
  const lines = policies.map(policy => {
    const cells = scenarios.map(scenario => {
      const { [policy]: own = [] } = courses[scenario]!
      return `${medianOf(own, 'meanMs').toFixed(1).padStart(7)} ${medianOf(own, 'p99Ms').toFixed(0).padStart(5)}`
    })
    return `${policy.padEnd(22)}${cells.join('')}`
  })
  return [`${'mean, p99 in ms'.padEnd(22)}${scenarios.map(each => each.padStart(13)).join('')}`, ...lines].join('\n')
}
