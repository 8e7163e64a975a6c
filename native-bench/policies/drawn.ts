import { type Bar, bars } from '../plots/bars.ts'
import { type Line, lines } from '../plots/lines.ts'
import type { Measured } from '../suite.ts'

/** What a decision costs by the number of endpoints: a line for each policy, as it is with none of its options. */
export function drawDecisions({ rows }: Measured, machine: string): Readonly<Record<string, string>> {
  const points = rows.flatMap(({ name, nsMedian }) => {
    const [, policy, endpoints] = /^pick\+settle\/([a-z-]+)\/(\d+)$/.exec(name) ?? []
    return policy === undefined ? [] : [{ line: policy, x: Number(endpoints), y: nsMedian }]
  })
  const caption = { title: 'Pick and settle by number of endpoints', subtitle: `median of batches · ${machine}` }
  return { 'decisions.svg': drawn(caption, 'endpoints', 'ns', points) }
}

/**
 * For each number of endpoints: what a pick takes by threads; p99 of one thread, quiet and published; and where there were more threads, how
 * many times as long p99 is while it is published.
 */
export function drawThreads({ standings }: Measured, machine: string): Readonly<Record<string, string>> {
  const plots: Record<string, string> = {}
  const all = standings.map(({ contest, side, figures, times, rounds }) => {
    const [kind, line, endpoints, threads = side] = contest.split('/') as [string, string, string, string?]
    const [first] = figures
    return { kind, line, endpoints, x: Number(/\d+/.exec(threads)), side, first: first!, times: times.median, rounds }
  })
  for (const endpoints of new Set(all.map(each => each.endpoints))) {
    const own = all.filter(each => each.endpoints === endpoints)
    const subtitle = `medians of ${own[0]!.rounds} turns each, in turns · ${machine}`
    const cpu = own.filter(({ kind }) => kind === 'threads').map(({ line, x, first }) => ({ line, x, y: first.median }))
    if (cpu.length > 0) {
      const title = `Processor time of pick and settle, ${endpoints} endpoints`
      plots[`threads-${endpoints}.svg`] = drawn({ title, subtitle }, 'threads', 'ns', cpu)
    }
    const published = own.filter(({ kind }) => kind === 'publications')
    const alone = published.filter(({ x }) => x === 1)
    if (alone.length > 0) {
      const title = `p99 of a pick, quiet and at 1,000 publications a second, ${endpoints} endpoints`
      const pairs = alone.map(({ line, side, first: { median, low, high } }): Bar => {
        const isQuiet = side === 'quiet'
        return { label: isQuiet ? line : 'published', value: median, low, high, isOurs: !isQuiet }
      })
      plots[`publications-${endpoints}.svg`] = bars({ title, subtitle }, 'ns', [{ bars: pairs }])
    }
    if (published.length > alone.length) {
      const title = `p99 at 1,000 publications a second, ${endpoints} endpoints`
      const times = published.filter(({ side }) => side !== 'quiet').map(({ line, x, times: y }) => ({ line, x, y }))
      const y = 'times p99 while nothing is published'
      plots[`publications-by-threads-${endpoints}.svg`] = drawn({ title, subtitle }, 'threads', y, times)
    }
  }
  return plots
}

interface Point {
  readonly line: string
  readonly x: number
  readonly y: number
}

function drawn(caption: Parameters<typeof lines>[0], x: string, y: string, points: readonly Point[]): string {
  const all = [...new Set(points.map(({ line }) => line))].map((label): Line => {
    const own = points.filter(({ line }) => line === label).sort((a, b) => a.x - b.x)
    return { label, points: own.map(point => [point.x, point.y] as const) }
  })
  return lines(caption, { label: x, isLog: true }, { label: y, isLog: true }, all)
}
