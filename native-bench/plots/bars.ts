import { type Caption, frame, line, OTHERS, OURS, round, short, TOP, text, WIDTH } from './frame.ts'

export interface Bar {
  readonly label: string
  readonly value: number
  /** The spread around it, where it is known. */
  readonly low?: number
  readonly high?: number
  readonly isOurs?: boolean
}

export interface BarGroup {
  /** Above its bars; none: they stand for themselves. */
  readonly label?: string
  readonly bars: readonly Bar[]
}

const BAR = 20
const GAP = 6
const GROUP_GAP = 16
const VALUES = 110
/** Of a letter of a label, as wide as they are on average. */
const LETTER = 6.6

/**
 * Bars that lie, one below the other, from zero; a thin line from the low to the high end of what was measured. Each group has a scale of its own
 * where `isApart`.
 *
 *     signalbox      ▇▇▇▇▇▇▇▇├─┤   412 ns
 *     BalancedPool   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇├───┤   6,300 ns
 */
export function bars(caption: Caption, unit: string, groups: readonly BarGroup[], isApart = false): string {
  const all = groups.flatMap(group => group.bars)
  const labels = Math.max(...all.map(({ label }) => label.length)) * LETTER + 32
  const scaleOf = (own: readonly Bar[]): number => (WIDTH - labels - VALUES) / mostOf(own)
  const drawn: string[] = []
  let y = TOP
  for (const group of groups) {
    if (group.label !== undefined) {
      drawn.push(text(16, y + 12, group.label, 'font-weight="600"'))
      y += BAR
    }
    const scale = scaleOf(isApart ? group.bars : all)
    for (const { label, value, low, high, isOurs } of group.bars) {
      const width = Number.isFinite(value) ? value * scale : 0
      const middle = y + BAR / 2
      const colour = isOurs === true ? OURS : OTHERS[0]
      drawn.push(
        text(labels - 8, middle + 4, label, `text-anchor="end"${isOurs === true ? ' font-weight="600"' : ''}`),
        `<rect x="${round(labels)}" y="${y}" width="${round(width)}" height="${BAR}" fill="${colour}"/>`,
      )
      let end = labels + width
      if (low !== undefined && high !== undefined && Number.isFinite(high - low)) {
        end = labels + Math.max(width, high * scale)
        drawn.push(
          line(labels + low * scale, middle, labels + high * scale, middle, 'stroke="#222" stroke-width="1.5"'),
        )
      }
      drawn.push(text(end + 6, middle + 4, Number.isFinite(value) ? `${short(value)} ${unit}` : 'not measured'))
      y += BAR + GAP
    }
    y += GROUP_GAP
  }
  return frame(caption, y, drawn)
}

function mostOf(all: readonly Bar[]): number {
  const ends = all.map(({ value, high = value }) => (Number.isFinite(high) ? Math.max(value, high) : value))
  return Math.max(...ends.filter(Number.isFinite), 1e-9)
}
