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
const RIGHT = 190
const BOTTOM = 46

/** Lines over two axes, each named at its end, where it is; a point that is not a number breaks a line. */
export function lines(caption: Caption, x: Axis, y: Axis, all: readonly Line[]): string {
  const points = all.flatMap(each => each.points).filter(point => point.every(Number.isFinite))
  const along = scaleOf(
    x,
    points.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
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
      line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), 'stroke="#e4e4e4"'),
      text(LEFT - 6, up.at(tick) + 4, short(tick), 'text-anchor="end" fill="#666"'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x.label, 'text-anchor="middle"'),
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
  return frame(caption, HEIGHT, [...drawn, ...namesOf(names)])
}

/** At the right, as near to the end of each line as the others let it be. */
function namesOf(names: readonly { readonly y: number; readonly label: string; readonly colour: string }[]): string[] {
  let free = TOP - 6
  const sorted = [...names].sort((a, b) => a.y - b.y)
  const below = (i: number): number => HEIGHT - 8 - (sorted.length - i - 1) * 14
  return sorted.map(({ y, label, colour }, i) => {
    const at = Math.min(Math.max(y + 4, free), below(i))
    free = at + 14
    return text(WIDTH - RIGHT + 8, at, label, `fill="${colour}"`)
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

function evenScale(values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(...values, 0)
  const least = Math.min(...values, 0)
  const rough = (most - least || 1) / 5
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].find(each => each * size >= rough)! * size
  const [first, last] = [Math.floor(least / step), Math.ceil(most / step) || 1]
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
  const at = (value: number): number => from + ((value / step - first) / (last - first)) * (to - from)
  return { ticks, at }
}

function logScale(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)]
  const first = Math.floor(Math.log10(least))
  const last = Math.max(first + 1, Math.ceil(Math.log10(most)))
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
  const at = (value: number): number => from + ((Math.log10(value) - first) / (last - first)) * (to - from)
  return { ticks, at }
}
