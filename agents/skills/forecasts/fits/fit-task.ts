import { fitSeasonal, type SeasonalFit, type Series, stepsOf as seasonalSteps } from './fit-seasonal.ts'
import { type Recorded, type Swept, sweepHalfLives, stepsOf as sweepSteps } from './sweep-half-lives.ts'

/** Computation that agents hand out; plain data in, plain data out. */
export type FitTask =
  | { readonly kind: 'seasonal'; readonly series: readonly Series[] }
  | { readonly kind: 'sweep'; readonly recorded: readonly Recorded[] }

export type FitResult<Kind extends FitTask['kind']> = Kind extends 'seasonal'
  ? readonly SeasonalFit[]
  : readonly Swept[]

/** Does it here. A thread of the pool has this as its default. */
export default function fit(task: FitTask): readonly SeasonalFit[] | readonly Swept[] {
  return task.kind === 'seasonal' ? fitSeasonal(task.series) : task.recorded.map(sweepHalfLives)
}

/** How much work it is, in steps of some ten ns. */
export function stepsOf(task: FitTask): number {
  if (task.kind === 'seasonal') return seasonalSteps(task.series)
  return task.recorded.reduce((sum, each) => sum + sweepSteps(each), 0)
}
