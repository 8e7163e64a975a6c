import { DONE, type Model, type Process, type State, WAIT, wrong } from './explore.ts'
import { supervisorOf } from './ring-recovery.ts'
import {
  CLAIMED,
  HOLD_CLAIM,
  HOLD_NOTHING,
  HOLD_TRYING,
  PADDING,
  type RingManyBroken,
  RingWords,
  UNITS,
} from './ring-words.ts'

/**
 * The ring with many writers as a model: an area of four units, writers with records of one and two units, a reader and
 * its heir, and the supervisor that recovers the dead (ring-recovery.ts). A unit is two words: the even one can hold a
 * length, the odd one a type.
 */
export interface RingManySize {
  /** Of each writer, the sizes of its records in units: 1 or 2. */
  sizes: readonly (readonly number[])[]
  deaths: number
  /** Whether the reader may die, too. */
  readerDies?: boolean
}

export function ringManyModel({ sizes, deaths, readerDies = false }: RingManySize, variant?: RingManyBroken): Model {
  const is = (broken: RingManyBroken): boolean => variant === broken
  const words = new RingWords(sizes.length)
  const { WRITE, READ, FREEING, EVEN, ODD, SEAT_CURSOR, SEAT_UNITS, SEAT_HOLD, DEATH, READER_DEATH } = words
  const TYPES = sizes.flat().length + 1
  const ACCEPTED = words.take(TYPES)
  const HEARD = words.take(TYPES)
  const LAST = words.take(sizes.length)

  function writer(w: number): Process {
    const cursor = words.take()
    const read = words.take()
    const number = words.take()
    const firstType = 1 + sizes.slice(0, w).flat().length
    const type = (s: State): number => firstType + s[number]!
    const need = (s: State): number => sizes[w]![s[number]!]!
    const padding = (s: State): number => {
      const toEnd = UNITS - (s[cursor]! % UNITS)
      return toEnd < need(s) ? toEnd : 0
    }
    const units = (s: State): number => padding(s) || need(s)
    const header = (s: State): number => s[cursor]! % UNITS
    const isLate = is('the seat points to the claim only after it is made')
    const won = isLate ? 'points its seat there' : 'holds the claim'
    const steps: Process['steps'] = {
      'loads the write cursor': s => {
        if (s[number] === sizes[w]!.length) return DONE
        s[cursor] = s[WRITE]!
        return 'loads the read cursor'
      },
      'loads the read cursor': s => {
        s[read] = s[READ]!
        const isFull = UNITS - (s[cursor]! - s[read]!) < (padding(s) > 0 ? padding(s) + need(s) : need(s))
        if (isFull) {
          s[cursor] = s[read] = 0
          return 'loads the write cursor'
        }
        return isLate ? 'says that it tries' : 'points its seat there'
      },
      'points its seat there': s => {
        s[SEAT_CURSOR + w] = s[cursor]!
        return isLate ? 'holds the claim' : 'says that it tries'
      },
      'says that it tries': s => {
        s[SEAT_UNITS + w] = units(s)
        s[SEAT_HOLD + w] = HOLD_TRYING
        return is('claim by load and store') ? 'loads what it compares' : 'moves the write cursor'
      },
      'loads what it compares': s => (s[WRITE] === s[cursor] ? 'stores the write cursor' : 'holds nothing'),
      'stores the write cursor': s => {
        s[WRITE] = s[cursor]! + units(s)
        return won
      },
      'moves the write cursor': s => {
        if (s[WRITE] !== s[cursor]) return 'holds nothing'
        s[WRITE] = s[cursor]! + units(s)
        return won
      },
      'holds nothing': s => {
        s[SEAT_HOLD + w] = HOLD_NOTHING
        return 'steps aside'
      },
      'steps aside': s => {
        s[SEAT_CURSOR + w] = s[read]! - 1
        s[cursor] = s[read] = 0
        return 'loads the write cursor'
      },
      'holds the claim': s => {
        s[SEAT_HOLD + w] = HOLD_CLAIM
        return padding(s) > 0 ? 'writes the type' : 'stores the length, claimed'
      },
      'stores the length, claimed': s => {
        if (s[EVEN + header(s)] !== 0) wrong('a claim meets a length that is not zero')
        s[EVEN + header(s)] = CLAIMED + need(s)
        return need(s) > 1 ? 'writes the payload' : 'writes the type'
      },
      'writes the payload': s => {
        // It looks like a length, as payloads may.
        s[EVEN + ((header(s) + 1) % UNITS)] = type(s)
        return 'writes the type'
      },
      'writes the type': s => {
        s[ODD + header(s)] = padding(s) > 0 ? PADDING : type(s)
        return 'stores the length, committed'
      },
      'stores the length, committed': s => {
        s[EVEN + header(s)] = units(s)
        if (padding(s) === 0) {
          s[ACCEPTED + type(s)] = 1
          s[number]!++
        }
        s[cursor] = s[read] = 0
        return 'clears its seat'
      },
      'clears its seat': s => {
        s[SEAT_HOLD + w] = HOLD_NOTHING
        return 'loads the write cursor'
      },
    }
    return { name: `writer ${w}`, steps, deathWord: DEATH + w }
  }

  function reader(isHeir: boolean): Process {
    const cursor = words.take()
    const length = words.take()
    const at = words.take()
    const header = (s: State): number => s[cursor]! % UNITS
    const isEarly = is('the read cursor is stored before the zeroes')
    const owner = (type: number): number => {
      let before = 1
      for (let w = 0; ; w++) if (type < (before += sizes[w]!.length)) return w
    }
    const hear = (s: State, type: number): void => {
      if (type === 0 || type >= TYPES || s[ACCEPTED + type] !== 1) wrong('a record is heard that was not accepted')
      if (s[READER_DEATH] === 0 && s[LAST + owner(type)]! >= type) wrong('records are heard twice or out of order')
      s[LAST + owner(type)] = type
      s[HEARD + type] = 1
    }
    const steps: Process['steps'] = {
      'takes the place': s => {
        if (isHeir && s[READER_DEATH] !== 1) return WAIT
        s[cursor] = s[READ]!
        // recoverReader: what the dead had begun to give back is given back whole.
        s[length] = isHeir ? s[FREEING]! - s[READ]! : 0
        s[at] = 0
        return s[length] === 0 ? 'looks for a record' : 'zeroes a unit'
      },
      'looks for a record': s => {
        const found = s[EVEN + header(s)]!
        if (s[WRITE] === s[cursor] || found === 0 || found >= CLAIMED) return WAIT
        if (found > 2) wrong('a length that nobody wrote')
        s[length] = found
        return 'reads the record'
      },
      'reads the record': s => {
        const type = s[ODD + header(s)]!
        if (type !== PADDING) {
          if (s[length] === 2 && s[EVEN + ((header(s) + 1) % UNITS)] !== type) wrong('a record is torn')
          hear(s, type)
        }
        return 'announces what it frees'
      },
      'announces what it frees': s => {
        if (!is('what is being freed is not announced')) s[FREEING] = s[cursor]! + s[length]!
        if (isEarly) return 'stores the read cursor'
        return is('zeroing is missing') ? 'stores the read cursor' : 'zeroes a unit'
      },
      'zeroes a unit': s => {
        s[EVEN + ((s[cursor]! + s[at]!) % UNITS)] = 0
        s[at]!++
        if (s[at]! < s[length]!) return 'zeroes a unit'
        return isEarly ? 'goes on' : 'stores the read cursor'
      },
      'stores the read cursor': s => {
        s[READ] = s[cursor]! + s[length]!
        return isEarly ? 'zeroes a unit' : 'goes on'
      },
      'goes on': s => {
        s[cursor]! += s[length]!
        s[length] = s[at] = 0
        return 'looks for a record'
      },
    }
    const mayDie = readerDies && !isHeir
    return {
      name: isHeir ? "reader's heir" : 'reader',
      steps,
      deathWord: mayDie ? READER_DEATH : undefined,
      isService: true,
    }
  }

  const processes = [
    ...sizes.map((_, w) => writer(w)),
    reader(false),
    ...(readerDies ? [reader(true)] : []),
    supervisorOf(words, variant),
  ]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[WRITE] = s[READ] = s[FREEING] = UNITS
      for (let w = 0; w < sizes.length; w++) s[SEAT_CURSOR + w] = UNITS - 1
    },
    always(s) {
      const backlog = s[WRITE]! - s[READ]!
      return backlog >= 0 && backlog <= UNITS ? undefined : `the cursors are ${backlog} units apart`
    },
    atEnd(s) {
      for (let type = 1; type < TYPES; type++) {
        if (s[ACCEPTED + type] === 1 && s[HEARD + type] !== 1) return 'a record was accepted and never heard'
      }
      if (s[WRITE] !== s[READ]) return 'the reader stands before something for ever'
      for (let unit = 0; unit < UNITS; unit++) if (s[EVEN + unit] !== 0) return 'what was given back is not zero'
      return undefined
    },
  }
}
