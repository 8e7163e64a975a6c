import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { follow, NO_STREAKS } from '../../../agents/failure-detector/consecutive.ts'
import { ERROR, GATEWAY, OK, TIMEOUT, UNREACHABLE } from '../../../engine/writer.ts'

const CODES: Record<string, number> = { o: OK, e: ERROR, t: TIMEOUT, g: GATEWAY, u: UNREACHABLE }
const codesOf = (outcomes: string): number[] => [...outcomes].map(letter => CODES[letter]!)

/** o(k), e(rror), g(ateway), u(nreachable), t(imeout): the streaks after them. */
const VECTORS: [outcomes: string, isSplit: boolean, failures: number, gateway: number, local: number, why: string][] = [
  ['', false, 0, 0, 0, 'nothing happened'],
  ['eeee', false, 4, 0, 0, 'a 500 is no gateway failure'],
  ['gggg', false, 4, 4, 0, 'a gateway failure is a 5xx as well'],
  ['ggge', false, 4, 0, 0, 'another 5xx ends a row of gateway failures, and goes on with the row of failures'],
  ['eg', false, 2, 1, 0, ''],
  ['ut', false, 2, 2, 0, 'without the split they count as 503 and 504'],
  ['geuto', false, 0, 0, 0, 'one success ends all rows'],
  ['ut', true, 0, 0, 2, 'with the split they count for themselves'],
  ['eeutu', true, 2, 0, 3, '… and leave the rows of answers as they are'],
  ['ggug', true, 3, 3, 0, '… also that of gateway failures; an answer ends theirs, even a bad one'],
  ['ttto', true, 0, 0, 0, ''],
  ['uue', true, 1, 0, 0, ''],
]

for (const [outcomes, isSplit, failures, gateway, local, why] of VECTORS) {
  test(`follow() ${outcomes || 'nothing'}${isSplit ? ', local origin split off' : ''}: ${why || 'the rows'}`, () => {
    assert.deepEqual(follow(NO_STREAKS, codesOf(outcomes), isSplit).after, { failures, gateway, local })
  })
}

test('follow() remembers the most there was, of what it was given alone', () => {
  const { after, most } = follow({ failures: 9, gateway: 9, local: 0 }, codesOf('ogge'), false)
  assert.deepEqual(after, { failures: 3, gateway: 0, local: 0 })
  assert.deepEqual(most, { failures: 3, gateway: 2, local: 0 })
})

const someCodes = fc.array(fc.constantFrom(...Object.values(CODES), 6, 99), { maxLength: 40 })

test('follow() counts the same however outcomes are cut into drains', () => {
  fc.assert(
    fc.property(someCodes, someCodes, fc.boolean(), (one, other, isSplit) => {
      const first = follow(NO_STREAKS, one, isSplit)
      const second = follow(first.after, other, isSplit)
      const whole = follow(NO_STREAKS, [...one, ...other], isSplit)
      assert.deepEqual(second.after, whole.after)
      for (const key of ['failures', 'gateway', 'local'] as const) {
        assert.equal(Math.max(first.most[key], second.most[key]), whole.most[key])
      }
    }),
  )
})

test('follow() without the split knows no local origin, and gateway failures are failures', () => {
  fc.assert(
    fc.property(someCodes, codes => {
      const { after, most } = follow(NO_STREAKS, codes, false)
      assert.equal(after.local + most.local, 0)
      assert.ok(after.gateway <= after.failures && most.gateway <= most.failures)
    }),
  )
})
