import { lines } from '../plots/lines.ts'
import { FIGURES, medianOf, type Result, successOf } from './compare.ts'
import type { ScenarioText } from './scenario/schema.ts'
import { QUANTILES } from './world/course.ts'

/** What a contender's p99 is in times the oracle's, where that ran too. */
function timesOracle(result: Result, results: readonly Result[]): string {
  const bound = results.find(({ contender, point }) => contender.isOracle && point.label === result.point.label)
  if (bound === undefined) return ''
  return (p99Of(result) / p99Of(bound)).toFixed(2)
}

export function p99Of({ courses }: Result): number {
  return medianOf(courses, FIGURES.find(({ name }) => name === 'p99')!.of)
}

/** A line for each contender, ms, medians over the seeds; a table for each point of the sweep. */
export function tableOf(results: readonly Result[]): string {
  const points = [...new Set(results.map(({ point }) => point.label))]
  const width = Math.max(...results.map(({ contender }) => contender.label.length), 12) + 4
  const hasOracle = results.some(({ contender }) => contender.isOracle)
  return points
    .map(label => {
      const own = results.filter(({ point }) => point.label === label).sort((a, b) => p99Of(a) - p99Of(b))
      const head = ['success', ...FIGURES.map(({ name }) => name), ...(hasOracle ? ['× oracle'] : [])]
      const line = (name: string, cells: readonly string[]): string =>
        `${name.padEnd(width)}${cells.map(cell => cell.padStart(11)).join('')}\n`
      const told = own.map(result => {
        const { contender, courses } = result
        const figures = FIGURES.map(({ of }) => ms(medianOf(courses, of)))
        const success = `${(medianOf(courses, successOf) * 100).toFixed(3)} %`
        return line(`${contender.isOurs ? '●' : ' '} ${contender.label}`, [
          ...[success, ...figures],
          ...(hasOracle ? [timesOracle(result, results)] : []),
        ])
      })
      return line(label === '' ? '' : `at ${label}`, head) + told.join('')
    })
    .join('\n')
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)
}

/** How far the bars of the terminal go. */
const BAR = 48

/** p99 as bars, for a terminal: of the last point of a sweep. */
export function barsInText(results: readonly Result[]): string {
  const last = results.at(-1)!.point.label
  const own = results.filter(({ point }) => point.label === last).sort((a, b) => p99Of(a) - p99Of(b))
  const width = Math.max(...own.map(({ contender }) => contender.label.length)) + 3
  const most = Math.max(...own.map(p99Of))
  const told = own.map(result => {
    const p99 = p99Of(result)
    const bar = (result.contender.isOurs ? '█' : '▒').repeat(Math.max(1, Math.round((p99 / most) * BAR)))
    return `${result.contender.label.padEnd(width)}${bar} ${ms(p99)}\n`
  })
  return `p99, ms${last === '' ? '' : `, at ${last}`}\n${told.join('')}`
}

/** An SVG: p99 along a sweep, or where there is none each contender's whole distribution. */
export function plotOf(text: ScenarioText, results: readonly Result[], machine: string): string {
  const seeds = results[0]!.courses.length
  const subtitle = `medians of ${seeds} seeds in virtual time · ${machine}`
  const caption = { title: text.title, subtitle }
  const contenders = [...new Map(results.map(({ contender }) => [contender.label, contender])).values()]
  const isSwept = new Set(results.map(({ point }) => point.label)).size > 1
  const of = (label: string): Result[] => results.filter(({ contender }) => contender.label === label)
  if (isSwept) {
    const isShare = text.sweep?.share !== undefined
    const x = {
      label: isShare
        ? 'load, share of what all machines can do'
        : text.sweep?.threads !== undefined
          ? 'threads'
          : 'nodes',
      isLog: !isShare,
    }
    return lines(
      caption,
      x,
      { label: 'p99, ms', isLog: true },
      contenders.map(({ label, isOurs, isOracle }) => {
        const points = of(label).map(result => [result.point.at, p99Of(result)] as const)
        return { label, isOurs, isDashed: isOracle, points }
      }),
    )
  }
  // 1 of how many is slower: 2, 10, 100, 1000 …
  return lines(
    caption,
    { label: 'the slowest one of so many', isLog: true },
    { label: 'ms', isLog: true },
    contenders.map(({ label, isOurs, isOracle }) => {
      const [{ courses } = { courses: [] }] = of(label)
      const points = QUANTILES.map(
        (share, i) => [1 / (1 - share), medianOf(courses, course => course.quantilesMs[i]!)] as const,
      )
      return { label, isOurs, isDashed: isOracle, points }
    }),
  )
}
