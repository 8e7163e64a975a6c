import type { Contest } from '../contest.ts'
import { bars } from '../plots/bars.ts'
import { barOf } from '../report/plots.ts'
import type { Measured } from '../suite.ts'

/** A picture of one figure, of all contests that tell it. */
export interface Picture {
  readonly file: string
  readonly title: string
  readonly figure: string
  readonly unit: string
  /** What is drawn is the figure divided by that. */
  readonly divisor: number
}

/** One SVG for each picture that something was measured for: a group of bars for each contest, a bar for each side. */
export function picturesOf(
  pictures: readonly Picture[],
  contests: readonly Contest[],
  { standings }: Measured,
  machine: string,
): Record<string, string> {
  const drawn: Record<string, string> = {}
  for (const { file, title, figure, unit, divisor } of pictures) {
    const groups = contests.flatMap(({ name, figures }) => {
      const place = figures.findIndex(each => each.name === figure)
      const own = standings.filter(({ contest }) => contest === name && place >= 0)
      if (own.length === 0) return []
      return [{ label: name, bars: own.map(each => barOf(each, place, divisor)) }]
    })
    if (groups.length === 0) continue
    const subtitle = `${figure}, medians of ${contests[0]!.rounds} turns each, in turns · ${machine}`
    drawn[file] = bars({ title, subtitle }, unit, groups, true)
  }
  return drawn
}
