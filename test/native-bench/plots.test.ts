import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bars } from '../../native-bench/plots/bars.ts'
import { lines } from '../../native-bench/plots/lines.ts'

const CAPTION = { title: 'a < b & c', subtitle: 'how it was measured' }

/** What browsers refuse: tags that do not close, characters that mean something else, numbers that are none. */
function isSound(svg: string): void {
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" .*>\n/)
  assert.match(svg, /<\/svg>\n$/)
  assert.match(svg, /a &lt; b &amp; c/)
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
  const open = [...svg.matchAll(/<(\w+)[^>]*[^/]>/g)].length
  assert.equal([...svg.matchAll(/<\/(\w+)>/g)].length, open)
}

test('bars are as long as their values, with the spread on them and the value beside', () => {
  const svg = bars(CAPTION, 'ns', [
    {
      label: 'group',
      bars: [
        { label: 'ours', value: 50, low: 40, high: 60, isOurs: true },
        { label: 'theirs', value: 100 },
      ],
    },
    { bars: [{ label: 'not measured', value: Number.NaN, low: Number.NaN, high: Number.NaN }] },
  ])
  isSound(svg)
  const widths = [...svg.matchAll(/<rect x="\d[\d.]*" .*? width="([\d.]+)"/g)].map(match => Number(match[1]))
  assert.equal(widths[1], 2 * widths[0]!)
  assert.equal(widths[2], 0)
  assert.match(svg, />50 ns</)
})

test('groups apart have a scale each, so that the longest of each is as long', () => {
  const groups = [{ bars: [{ label: 'a', value: 1 }] }, { bars: [{ label: 'b', value: 1000 }] }]
  const widths = (isApart: boolean): number[] =>
    [...bars(CAPTION, 'ns', groups, isApart).matchAll(/<rect x="\d[\d.]*" .*? width="([\d.]+)"/g)].map(match =>
      Number(match[1]),
    )
  assert.equal(widths(true)[0], widths(true)[1])
  assert.ok(widths(false)[0]! < widths(false)[1]! / 100)
})

test('lines run between their axes, even and by powers of ten, and break where there is no number', () => {
  const svg = lines(CAPTION, { label: 'load', isLog: true }, { label: 'p99, ms', isLog: true }, [
    {
      label: 'ours',
      points: [
        [1, 10],
        [10, 100],
        [100, 1000],
      ],
      isOurs: true,
    },
    {
      label: 'theirs',
      points: [
        [1, 20],
        [10, Number.NaN],
        [100, 900],
      ],
      isDashed: true,
    },
  ])
  isSound(svg)
  const [ours, theirs] = [...svg.matchAll(/<path d="([^"]*)"/g)].map(match => match[1]!)
  const at = [...ours!.matchAll(/([\d.]+) ([\d.]+)/g)].map(match => [Number(match[1]), Number(match[2])])
  assert.ok(Math.abs(at[1]![0]! - (at[0]![0]! + at[2]![0]!) / 2) < 0.2, 'the middle of a log axis is the middle power')
  assert.ok(at[0]![1]! > at[2]![1]!, 'up is more')
  assert.equal(theirs!.split('M').length - 1, 2)
  isSound(lines(CAPTION, { label: 'nothing' }, { label: 'to see' }, []))
})
