import type { Contest, Standing } from '../contest.ts'
import { type Bar, type BarGroup, bars } from '../plots/bars.ts'
import type { Group, Measured } from '../suite.ts'

/** SVGs by name of file: those a group draws itself, or bars for each contest, and for rows that have no picture of their own none. */
export function plotsOf(group: Group, measured: Measured, machine: string): Readonly<Record<string, string>> {
  if (group.plots !== undefined) return group.plots(measured, machine)
  const contests = (group.contests ?? []).filter(({ name }) =>
    measured.standings.some(({ contest }) => contest === name),
  )
  const [contest] = contests
  if (contest === undefined) return {}
  const { name, unit } = contest.figures[0]!
  const subtitle = `${name}, medians of ${contest.rounds} turns each, in turns · ${machine}`
  const caption = { title: group.summary, subtitle }
  return {
    [`${group.name}.svg`]: bars(
      caption,
      unit,
      contests.map(each => barsOf(each, measured)),
      true,
    ),
  }
}

function barsOf({ name }: Contest, { standings }: Measured): BarGroup {
  return { label: name, bars: standings.filter(({ contest }) => contest === name).map(each => barOf(each)) }
}

/** One figure of a side, by its place, divided. */
export function barOf({ side, figures }: Standing, place = 0, divisor = 1): Bar {
  const { median, low, high } = figures[place]!
  const isOurs = side.startsWith('signalbox')
  return { label: side, value: median / divisor, low: low / divisor, high: high / divisor, isOurs }
}
