import { routingOf } from './contender.ts'
import type { Scenario } from './scenario/scenario.ts'
import type { ContenderText } from './scenario/schema.ts'
import type { Course } from './world/course.ts'
import { live } from './world/world.ts'

/** One run, by one thread of the pool. */
export interface Trial {
  readonly scenario: Scenario
  readonly contender: ContenderText
  readonly seed: number
}

export default function liveTrial({ scenario, contender, seed }: Trial): Promise<Course> {
  return live(scenario, seed, routingOf(contender, scenario, seed))
}
