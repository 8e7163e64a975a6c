import { ALL_OURS, type Caption, frame, line, OTHERS, round, short, TOP, text, WIDTH } from './frame.ts'

export interface Axis {
  readonly label: string
  readonly isLog?: boolean
}

export interface Line {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly isOurs?: boolean
  readonly isDashed?: boolean
}

const HEIGHT = 420
const LEFT = 64
/** Of a letter of a name, as wide as they are on average. */
const LETTER = 6.6
const BOTTOM = 46

/** Lines over two axes, each named at its end, where it is; a point that is not a number breaks a line. */
export function lines(caption: Caption, x: Axis, y: Axis, all: readonly Line[]): string {
  const right = Math.max(...all.map(({ label }) => label.length), 12) * LETTER + 20
  const points = all.flatMap(each => each.points).filter(point => point.every(Number.isFinite))
  const along = scaleOf(
    x,
    points.map(([value]) => value),
    LEFT,
    WIDTH - right,
  )
  const up = scaleOf(
    y,
    points.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
  )
  const drawn = [
    ...along.ticks.flatMap(tick => [
      line(along.at(tick), TOP, along.at(tick), HEIGHT - BOTTOM, 'stroke="#e4e4e4"'),
      text(along.at(tick), HEIGHT - BOTTOM + 16, short(tick), 'text-anchor="middle" fill="#666"'),
    ]),
    ...up.ticks.flatMap(tick => [
      line(LEFT, up.at(tick), WIDTH - right, up.at(tick), 'stroke="#e4e4e4"'),
      text(LEFT - 6, up.at(tick) + 4, short(tick), 'text-anchor="end" fill="#666"'),
    ]),
    text((LEFT + WIDTH - right) / 2, HEIGHT - 10, x.label, 'text-anchor="middle"'),
    text(0, 0, y.label, `text-anchor="middle" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`),
  ]
  let [ours, others] = [0, 0]
  const names: { readonly y: number; readonly label: string; readonly colour: string }[] = []
  for (const { label, points: own, isOurs, isDashed } of all) {
    const colour = isOurs === true ? ALL_OURS[ours++ % ALL_OURS.length]! : OTHERS[others++ % OTHERS.length]!
    let isBroken = true
    let path = ''
    for (const point of own) {
      const isThere = point.every(Number.isFinite) && !(y.isLog === true && point[1] <= 0)
      if (isThere) path += `${isBroken ? 'M' : 'L'}${round(along.at(point[0]))} ${round(up.at(point[1]))}`
      isBroken = !isThere
    }
    const dashes = isDashed === true ? ' stroke-dasharray="5 4"' : ''
    drawn.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${isOurs === true ? 3 : 1.8}"${dashes}/>`,
    )
    const last = own.findLast(point => point.every(Number.isFinite))
    if (last !== undefined) names.push({ y: up.at(last[1]), label, colour })
  }
  return frame(caption, HEIGHT, [...drawn, ...namesOf(names, WIDTH - right + 8)])
}

/** At the right, as near to the end of each line as the others let it be. */
function namesOf(
  names: readonly { readonly y: number; readonly label: string; readonly colour: string }[],
  x: number,
): string[] {
  let free = TOP - 6
  const sorted = [...names].sort((a, b) => a.y - b.y)
  const below = (i: number): number => HEIGHT - 8 - (sorted.length - i - 1) * 14
  return sorted.map(({ y, label, colour }, i) => {
    const at = Math.min(Math.max(y + 4, free), below(i))
    free = at + 14
    return text(x, at, label, `fill="${colour}"`)
  })
}

interface Scale {
  readonly ticks: readonly number[]
  at(value: number): number
}

function scaleOf({ isLog }: Axis, values: readonly number[], from: number, to: number): Scale {
  return isLog === true
    ? logScale(
        values.filter(value => value > 0),
        from,
        to,
      )
    : evenScale(values, from, to)
}

/** From zero, unless all is far from it. */
function evenScale(values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(...values, 0)
  const lowest = Math.min(...values, most)
  const least = lowest > most / 2 ? lowest : Math.min(lowest, 0)
  const rough = (most - least || 1) / 5
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].find(each => each * size >= rough * 0.999)! * size
  const [first, last] = [Math.floor(least / step + 1e-9), Math.ceil(most / step - 1e-9)]
  const ticks = Array.from({ length: Math.max(1, last - first) + 1 }, (_, i) => (first + i) * step)
  const at = (value: number): number => from + ((value / step - first) / (ticks.length - 1)) * (to - from)
  return { ticks, at }
}

/** From the least to the most there is, with ticks at the powers of ten, and between them where those are few. */
function logScale(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = values.length === 0 ? [1, 10] : [Math.min(...values) / 1.1, Math.max(...values) * 1.1]
  const powers = Array.from({ length: 40 }, (_, i) => 10 ** (i - 20))
  const between = (all: readonly number[]): number[] => all.filter(tick => tick >= least && tick <= most)
  const few = between(powers)
  const ticks = few.length >= 4 ? few : between(powers.flatMap(power => [power, 2 * power, 5 * power]))
  const span = Math.log10(most) - Math.log10(least)
  const at = (value: number): number => from + ((Math.log10(value) - Math.log10(least)) / span) * (to - from)
  return { ticks, at }
}
