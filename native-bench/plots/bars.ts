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
const LABELS = 210
const VALUES = 110

/**
 * Bars that lie, one below the other, from zero; a thin line from the low to the high end of what was measured.
 *
 *     signalbox      ▇▇▇▇▇▇▇▇├─┤   412 ns
 *     BalancedPool   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇├───┤   6,300 ns
 */
export function bars(caption: Caption, unit: string, groups: readonly BarGroup[]): string {
  const all = groups.flatMap(group => group.bars)
  const most = Math.max(...all.map(({ value, high = value }) => Math.max(value, high)).filter(Number.isFinite), 1e-9)
  const scale = (WIDTH - LABELS - VALUES) / most
  const drawn: string[] = []
  let y = TOP
  for (const group of groups) {
    if (group.label !== undefined) {
      drawn.push(text(16, y + 12, group.label, 'font-weight="600"'))
      y += BAR
    }
    for (const { label, value, low, high, isOurs } of group.bars) {
      const width = Number.isFinite(value) ? value * scale : 0
      const middle = y + BAR / 2
      const colour = isOurs === true ? OURS : OTHERS[0]
      drawn.push(
        text(LABELS - 8, middle + 4, label, `text-anchor="end"${isOurs === true ? ' font-weight="600"' : ''}`),
        `<rect x="${LABELS}" y="${y}" width="${round(width)}" height="${BAR}" fill="${colour}"/>`,
      )
      let end = LABELS + width
      if (low !== undefined && high !== undefined && Number.isFinite(high - low)) {
        end = LABELS + Math.max(width, high * scale)
        drawn.push(
          line(LABELS + low * scale, middle, LABELS + high * scale, middle, 'stroke="#222" stroke-width="1.5"'),
        )
      }
      drawn.push(text(end + 6, middle + 4, Number.isFinite(value) ? `${short(value)} ${unit}` : 'not measured'))
      y += BAR + GAP
    }
    y += GROUP_GAP
  }
  return frame(caption, y, drawn)
}
