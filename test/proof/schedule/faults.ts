import type { AtomicsSeam } from '../../../engine/memory/atomics.ts'
import { PUBLISHED_AT, SEAT_PIN, SEAT_PIN_NEXT } from '../../../engine/memory/layout.ts'
import { openRegion } from '../../../engine/memory/region.ts'
import { seatWord } from '../../../engine/memory/seats.ts'

/** A machine whose plain writes take effect too late, see watched.ts. */
export const LATE_WRITES = 'plain writes are late'

/**
 * Machines that break one promise the algorithms rely on, under the shipped code. The explorer must find a schedule in
 * which it shows.
 */
export const FAULTS: Readonly<Record<string, (seam: AtomicsSeam, words: Int32Array) => AtomicsSeam>> = {
  /** Two steps instead of one: as if a claim were made by load and store. */
  'compareExchange in two steps': seam => ({
    ...seam,
    compareExchange(words, index, expected, replacement) {
      const found = seam.load(words, index)
      if (found === expected) seam.store(words, index, replacement)
      return found
    },
  }),

  /** Every second load of PUBLISHED answers what the first did: as if movePin did not look again. */
  'no second look': seam => {
    let first: number | undefined
    return {
      ...seam,
      load(words, index) {
        if (index !== PUBLISHED_AT) return seam.load(words, index)
        const answer = first ?? seam.load(words, index)
        first = first === undefined ? answer : undefined
        return answer
      },
    }
  },

  /** Who adds and then looks has looked before it added: as if the add were plain, or came last. */
  'the look comes before the add': (seam, target) => {
    let seen: Int32Array | undefined
    return {
      ...seam,
      load(words, index) {
        const now = seam.load(words, index)
        return seen?.[index] ?? now
      },
      add(words, index, value) {
        seen = target.slice()
        seen[index]! += value
        return seam.add(words, index, value)
      },
      sub(words, index, value) {
        seen = undefined
        return seam.sub(words, index, value)
      },
      compareExchange(words, index, expected, replacement) {
        seen = undefined
        return seam.compareExchange(words, index, expected, replacement)
      },
    }
  },

  /** Loads of pins answer "none". */
  'pins are not seen': (seam, target) => {
    const { isPin } = pinsOf(target)
    return { ...seam, load: (words, index) => (isPin(index) ? 0 : seam.load(words, index)) }
  },

  /** Whoever looks at a seat sees its pin first and its next pin second. */
  'pin before next pin': (seam, target) => {
    const { isPin } = pinsOf(target)
    const other = SEAT_PIN_NEXT - SEAT_PIN
    return {
      ...seam,
      load(words, index) {
        if (!isPin(index)) return seam.load(words, index)
        return seam.load(words, isPin(index - other) ? index - other : index + other)
      },
    }
  },

  /** The announcement of a next pin takes effect after the operation that follows it: as if it were a plain store. */
  'the announcement is late': (seam, target) => {
    const { isNextPin } = pinsOf(target)
    let held: (() => void) | undefined
    const after = <T>(result: T): T => {
      held?.()
      held = undefined
      return result
    }
    return {
      ...seam,
      load: (words, index) => after(seam.load(words, index)),
      store(words, index, value) {
        after(undefined)
        if (isNextPin(index) && value !== 0) {
          held = () => seam.store(words, index, value)
          return value
        }
        return seam.store(words, index, value)
      },
    }
  },
}

function pinsOf(target: Int32Array): { isPin: (index: number) => boolean; isNextPin: (index: number) => boolean } {
  const region = openRegion({ region: target.buffer })
  const pins = new Set<number>()
  const nextPins = new Set<number>()
  for (let seat = 0; seat < region.layout.seats; seat++) {
    nextPins.add(seatWord(region, seat, SEAT_PIN_NEXT))
    for (const word of [SEAT_PIN, SEAT_PIN_NEXT]) pins.add(seatWord(region, seat, word))
  }
  return { isPin: index => pins.has(index), isNextPin: index => nextPins.has(index) }
}
