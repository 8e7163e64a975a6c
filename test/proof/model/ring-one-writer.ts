import { DONE, type Model, type Process, type State, WAIT, Words, wrong } from './explore.ts'

/**
 * The ring with one writer as a model: an area of four units, records of one and two units (so that some do not fit
 * before the wrap and padding is needed), a writer and its heir, a reader and its heir. What is not committed is not
 * there; a reader that dies is handed its batch again.
 */
export const RING_ONE_BROKEN = [
  'the write cursor is stored before the record',
  'the read cursor is stored before the record is read',
  'padding is not reckoned with',
  'the seat is given away while its writer lives',
  'the heir begins where the first writer began',
] as const

const UNITS = 4
const PADDING = 99

export function ringOneModel(
  sizes: readonly number[],
  deaths: number,
  variant?: (typeof RING_ONE_BROKEN)[number],
): Model {
  const is = (broken: (typeof RING_ONE_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const WRITE = words.take()
  const READ = words.take()
  /** Length in units and type of a record; of a payload, its number in the word where a length could be. */
  const LENGTH = words.take(UNITS)
  const TYPE = words.take(UNITS)
  const ACCEPTED = words.take(2 * sizes.length + 1)
  const HEARD = words.take(2 * sizes.length + 1)
  const DEATH = words.take(2)
  const HAS_ENDED = words.take()
  const LAST = words.take()

  function writer(name: string, isHeir: boolean): Process {
    const write = words.take()
    const read = words.take()
    const number = words.take()
    const from = isHeir ? sizes.length + 1 : 1
    const need = (s: State): number => sizes[s[number]!]!
    const padding = (s: State): number => {
      const toEnd = UNITS - (s[write]! % UNITS)
      return toEnd < need(s) ? toEnd : 0
    }
    const hasRoom = (s: State): boolean =>
      UNITS - (s[write]! - s[read]!) >= need(s) + (is('padding is not reckoned with') ? 0 : padding(s))
    const header = (s: State): number => (s[write]! + padding(s)) % UNITS
    const isEarly = is('the write cursor is stored before the record')
    const onward = (s: State): string => {
      s[write]! += padding(s) + need(s)
      s[number]!++
      return 'claims'
    }
    const steps: Process['steps'] = {
      'takes the seat': s => {
        if (isHeir && s[HAS_ENDED] === 1) return DONE
        if (isHeir && s[DEATH] === 0 && !is('the seat is given away while its writer lives')) return WAIT
        s[write] = isHeir && is('the heir begins where the first writer began') ? UNITS : s[WRITE]!
        s[read] = s[READ]!
        return 'claims'
      },
      claims: s => {
        if (s[number] === sizes.length) {
          s[HAS_ENDED] = 1
          return DONE
        }
        if (!hasRoom(s)) return 'loads the read cursor'
        if (isEarly) return 'stores the write cursor'
        return padding(s) > 0 ? 'writes padding' : 'writes the length'
      },
      'loads the read cursor': s => {
        if (s[read] === s[READ]) return WAIT
        s[read] = s[READ]!
        return 'claims'
      },
      'writes padding': s => {
        s[LENGTH + (s[write]! % UNITS)] = padding(s)
        s[TYPE + (s[write]! % UNITS)] = PADDING
        return 'writes the length'
      },
      'writes the length': s => {
        s[LENGTH + header(s)] = need(s)
        return 'writes the type'
      },
      'writes the type': s => {
        s[TYPE + header(s)] = from + s[number]!
        return need(s) > 1 ? 'writes the payload' : isEarly ? onward(s) : 'stores the write cursor'
      },
      'writes the payload': s => {
        s[LENGTH + ((header(s) + 1) % UNITS)] = from + s[number]!
        return isEarly ? onward(s) : 'stores the write cursor'
      },
      'stores the write cursor': s => {
        s[ACCEPTED + from + s[number]!] = 1
        s[WRITE] = s[write]! + padding(s) + need(s)
        if (isEarly) return padding(s) > 0 ? 'writes padding' : 'writes the length'
        return onward(s)
      },
    }
    return { name, steps, deathWord: isHeir ? undefined : DEATH, isService: isHeir }
  }

  function reader(name: string, isHeir: boolean): Process {
    const cursor = words.take()
    const end = words.take()
    const type = words.take()
    const length = words.take()
    const isEarly = is('the read cursor is stored before the record is read')
    const onward = (s: State): string => {
      const padded = s[type] === PADDING
      if (!padded) {
        if (s[LAST]! >= s[type]! && s[DEATH + 1] === 0) wrong('records are heard twice or out of order')
        if (s[ACCEPTED + s[type]!] !== 1) wrong('a record is heard that was not accepted')
        s[HEARD + s[type]!] = 1
        s[LAST] = s[type]!
      }
      s[cursor]! += s[length]!
      s[type] = s[length] = 0
      if (s[cursor] !== s[end]) return 'reads the length'
      return isEarly ? 'loads the write cursor' : 'stores the read cursor'
    }
    const steps: Process['steps'] = {
      'takes the place': s => {
        if (isHeir && s[DEATH + 1] === 0) return WAIT
        s[cursor] = s[READ]!
        return 'loads the write cursor'
      },
      'loads the write cursor': s => {
        if (s[WRITE] === s[cursor]) return WAIT
        s[end] = s[WRITE]!
        return isEarly ? 'stores the read cursor' : 'reads the length'
      },
      'reads the length': s => {
        s[length] = s[LENGTH + (s[cursor]! % UNITS)]!
        if (s[length] === 0 || s[length]! > 2 || s[cursor]! + s[length]! > s[end]!) wrong('a length that nobody wrote')
        return 'reads the type'
      },
      'reads the type': s => {
        s[type] = s[TYPE + (s[cursor]! % UNITS)]!
        return s[type] !== PADDING && s[length]! > 1 ? 'reads the payload' : onward(s)
      },
      'reads the payload': s => {
        if (s[LENGTH + ((s[cursor]! + 1) % UNITS)] !== s[type]) wrong('a record is torn')
        return onward(s)
      },
      'stores the read cursor': s => {
        s[READ] = isEarly ? s[end]! : s[cursor]!
        return isEarly ? 'reads the length' : 'loads the write cursor'
      },
    }
    return { name, steps, deathWord: isHeir ? undefined : DEATH + 1, isService: true }
  }

  const processes = [
    writer('writer', false),
    writer('heir', true),
    reader('reader', false),
    reader("reader's heir", true),
  ]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[WRITE] = s[READ] = UNITS
    },
    always(s) {
      const backlog = s[WRITE]! - s[READ]!
      return backlog >= 0 && backlog <= UNITS ? undefined : `the cursors are ${backlog} units apart`
    },
    atEnd(s) {
      for (let number = 1; number <= 2 * sizes.length; number++) {
        if (s[ACCEPTED + number] === 1 && s[HEARD + number] !== 1) return 'a record was accepted and never heard'
      }
      return undefined
    },
  }
}
