import type { Contest, Figure, Standing } from '../contest.ts'
import type { Row } from '../harness.ts'

/** Rows that stand for themselves: a line each. What is called in batches has columns for single calls, and for bytes of a call. */
export function rowTable(rows: readonly Row[]): string {
  const head = ['', 'median', 'p99', '± %']
  const isBatched = rows.some(({ single }) => single !== undefined)
  if (isBatched) head.push('single p50', 'p99', 'p99.9', 'bytes')
  return table([
    head,
    ...rows.map(({ name, nsMedian, nsP99, spreadPercent, single, bytes }) => {
      const line = [name, time(nsMedian), time(nsP99), spreadPercent.toFixed(1)]
      if (!isBatched) return line
      const { p50, p99, p999 } = single ?? { p50: Number.NaN, p99: Number.NaN, p999: Number.NaN }
      return [...line, ...[p50, p99, p999].map(ns => time(ns)), bytes === undefined ? '–' : bytes.toFixed(1)]
    }),
  ])
}

/** Contests that tell the same figures: a line for each side. */
export function standingTable(contests: readonly Contest[], standings: readonly Standing[]): string {
  const byHeads = new Map<string, string[][]>()
  for (const { name, figures } of contests) {
    const own = standings.filter(({ contest }) => contest === name)
    if (own.length === 0) continue
    const [first] = own
    const head = ['', '', ...figures.map(figure => figure.name), `times ${first!.side}`, '10 % … 90 %']
    const lines = byHeads.get(head.join()) ?? [head]
    byHeads.set(head.join(), lines)
    for (const { side, figures: spreads, times } of own) {
      const told = spreads.map(({ median }, i) => inUnit(figures[i]!, median))
      const range = side === first!.side ? '' : `${times.low.toFixed(2)} … ${times.high.toFixed(2)}`
      lines.push([side === first!.side ? name : '', side, ...told, times.median.toFixed(2), range])
    }
  }
  return [...byHeads.values()].map(table).join('\n')
}

/** Left what is named, right what is told. */
function table(lines: readonly (readonly string[])[]): string {
  const isNamed = (column: number): boolean => lines[0]![column] === ''
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  const cell = (text: string, column: number): string =>
    isNamed(column) ? text.padEnd(widths[column]! + 2) : text.padStart(widths[column]! + 3)
  return lines.map(line => `${line.map(cell).join('').trimEnd()}\n`).join('')
}

function inUnit({ unit }: Figure, value: number): string {
  if (unit === 'ns') return time(value)
  if (Number.isNaN(value)) return '–'
  if (unit === 'bytes') return bytes(value)
  return unit === '' ? value.toPrecision(3) : `${Math.round(value).toLocaleString('en')} ${unit}`
}

/** In the unit that people would say it in. */
function time(ns: number): string {
  if (Number.isNaN(ns)) return '–'
  if (ns < 10_000) return `${ns.toFixed(1)} ns`
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(2)} ms`
}

function bytes(count: number): string {
  if (count < 10_240) return `${Math.round(count)} B`
  return count < 10_485_760 ? `${(count / 1024).toFixed(0)} KiB` : `${(count / 1_048_576).toFixed(0)} MiB`
}
