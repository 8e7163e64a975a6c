import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_PRESSURE, type Pressure, pressed } from '../../../../agents/skills/resources/pressure.ts'
import { type Admission, ALL_ADMITTED, stepped } from '../../../../agents/skills/traffic/admission.ts'

const RULE = { limit: 0.85, overForMs: 3_000, calmForMs: 30_000 }

/** What becomes of it by one reading each second, as a letter each: o over, - calm. */
function course(readings: readonly number[], rule = RULE): string {
  let pressure: Pressure = NO_PRESSURE
  return readings
    .map((used, second) => {
      pressure = pressed(pressure, used, rule, second * 1_000)
      return pressure.isOver ? 'o' : '-'
    })
    .join('')
}

test('pressed() is over after three seconds beyond the limit, and not for a moment beyond it', () => {
  assert.equal(course([0.9, 0.9, 0.9, 0.9, 0.9]), '---oo')
  assert.equal(course([0.9, 0.9, 0.5, 0.9, 0.9, 0.9, 0.9]), '------o')
})

test('pressed() is calm again after 30 seconds below the limit without a break, however little below', () => {
  const high = Array(4).fill(0.9)
  assert.equal(course([...high, ...Array(31).fill(0.84)]).at(-1), '-')
  assert.equal(course([...high, ...Array(30).fill(0.6)]).at(-1), 'o')
  assert.equal(course([...high, ...Array(31).fill(0.6)]).at(-1), '-')
  assert.equal(course([...high, ...Array(20).fill(0.6), 0.9, ...Array(20).fill(0.6)]).at(-1), 'o')
})

test('pressed() is over at once where nothing is to be waited for, and never where there is no limit', () => {
  assert.equal(course([0.9], { ...RULE, overForMs: 0 }), 'o')
  assert.equal(course([9, 9, 9, 9], { ...RULE, limit: 0 }), '----')
})

test('stepped() turns cheap classes away first, holds back what fills memory, and undoes both in reverse', () => {
  const rule = { stepMs: 3_000, levelMax: 2 }
  let admission: Admission = ALL_ADMITTED
  const course = (isOver: boolean, seconds: readonly number[]): string[] =>
    seconds.map(second => {
      admission = stepped(admission, { isOver, isBeyond: isOver, isFilling: isOver }, rule, second * 1_000)
      return `${admission.level} ${admission.share?.toFixed(2) ?? '-'}`
    })
  assert.deepEqual(course(true, [0, 1, 3, 6, 9]), ['1 1.00', '1 1.00', '2 0.75', '2 0.56', '2 0.42'])
  assert.deepEqual(course(false, [12, 15, 18, 21, 24, 27, 30]), [
    '2 0.63',
    '2 0.95',
    '2 1.42',
    // 2.13 times what was in flight holds nobody back.
    '2 -',
    '1 -',
    '0 -',
    '0 -',
  ])
  assert.equal(admission, ALL_ADMITTED)
})

test('stepped() goes no further, and not back, while what is over is below its limit', () => {
  const rule = { stepMs: 3_000, levelMax: 2 }
  const tight = { level: 1, share: 0.75, steppedMs: 0 }
  assert.equal(stepped(tight, { isOver: true, isBeyond: false, isFilling: false }, rule, 60_000), tight)
})

test('stepped() lets something in however tight it is', () => {
  let admission: Admission = ALL_ADMITTED
  for (let second = 0; second < 600; second += 3) {
    admission = stepped(
      admission,
      { isOver: true, isBeyond: true, isFilling: true },
      { stepMs: 3_000, levelMax: 1 },
      second * 1_000,
    )
  }
  assert.deepEqual([admission.level, admission.share], [1, 0.1])
})
