import { DONE, type Model, type Process, WAIT, Words, wrong } from './explore.ts'

/**
 * engine/memory/outcome-ring.ts as a model: a ring of two records of two words, one writer (and its heir on the same
 * seat when it dies), and two threads that want to drain. A full ring loses the new record and counts it.
 */
export const OUTCOME_RING_BROKEN = [
  'the cursor is stored before the record',
  'the room is given back before the record is read',
  'nobody asks whether the ring is full',
  'the drainer is named by load and store',
  'the heir begins at zero',
  'the drainer of the dead is kept',
] as const

const RECORDS = 2

export function outcomeRingModel(
  reports: number,
  deaths: number,
  variant?: (typeof OUTCOME_RING_BROKEN)[number],
): Model {
  const is = (broken: (typeof OUTCOME_RING_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const WRITE = words.take()
  const READ = words.take()
  const LOST = words.take()
  const DRAINER = words.take()
  const FIRST_HALF = words.take(RECORDS)
  const SECOND_HALF = words.take(RECORDS)
  /** Of each number reported: whether the cursor was stored after it, how often it was heard. */
  const ACCEPTED = words.take(2 * reports + 1)
  const HEARD = words.take(2 * reports + 1)
  const WRITER_DEATH = words.take()
  const DRAINER_DEATH = words.take(2)
  const HAS_ENDED = words.take()
  const LAST = words.take()

  /** The heir, whose numbers go on behind, begins when the first has died. */
  function writer(name: string, first: number, isHeir: boolean): Process {
    const write = words.take()
    const read = words.take()
    const number = words.take()
    const end = (s: Uint8Array): string => {
      s[HAS_ENDED] = 1
      return DONE
    }
    const lookAtCursors = (s: Uint8Array): string => {
      const startsAtZero = isHeir && is('the heir begins at zero')
      s[write] = startsAtZero ? 0 : s[WRITE]!
      s[read] = startsAtZero ? 0 : s[READ]!
      return 'reports'
    }
    const isFull = (s: Uint8Array): boolean =>
      s[write]! - s[read]! >= RECORDS && !is('nobody asks whether the ring is full')
    const steps: Process['steps'] = {
      'takes the seat': s => {
        if (!isHeir) return lookAtCursors(s)
        if (s[HAS_ENDED] === 1) return DONE
        return s[WRITER_DEATH] === 0 ? WAIT : lookAtCursors(s)
      },
      reports: s => {
        if (s[number] === reports) return end(s)
        return isFull(s) ? 'loads the read cursor' : begin
      },
      'loads the read cursor': s => {
        s[read] = s[READ]!
        if (!isFull(s)) return begin
        s[LOST]!++
        s[number]!++
        return 'reports'
      },
      'writes the first half': s => {
        s[FIRST_HALF + (s[write]! % RECORDS)] = first + s[number]!
        return 'writes the second half'
      },
      'writes the second half': s => {
        s[SECOND_HALF + (s[write]! % RECORDS)] = first + s[number]!
        if (!is('the cursor is stored before the record')) return 'stores the cursor'
        s[write]!++
        s[number]!++
        return 'reports'
      },
      'stores the cursor': s => {
        s[ACCEPTED + first + s[number]!] = 1
        s[WRITE] = s[write]! + 1
        if (is('the cursor is stored before the record')) return 'writes the first half'
        s[write]!++
        s[number]!++
        return 'reports'
      },
    }
    const begin = is('the cursor is stored before the record') ? 'stores the cursor' : 'writes the first half'
    return { name, steps, deathWord: isHeir ? undefined : WRITER_DEATH, isService: isHeir }
  }

  function drainer(d: number): Process {
    const write = words.take()
    const read = words.take()
    const half = words.take()
    const steps: Process['steps'] = {
      'looks who drains': s => {
        if (s[DRAINER] !== 0) return WAIT
        if (is('the drainer is named by load and store')) return 'names itself'
        s[DRAINER] = d + 1
        return 'loads the write cursor'
      },
      'names itself': s => {
        s[DRAINER] = d + 1
        return 'loads the write cursor'
      },
      'loads the write cursor': s => {
        if (s[WRITE] === s[READ]) return WAIT
        s[write] = s[WRITE]!
        return 'loads its own cursor'
      },
      'loads its own cursor': s => {
        s[read] = s[READ]!
        return is('the room is given back before the record is read') ? 'stores its own cursor' : 'reads the first half'
      },
      'reads the first half': s => {
        s[half] = s[FIRST_HALF + (s[read]! % RECORDS)]!
        return 'reads the second half'
      },
      'reads the second half': s => {
        const number = s[SECOND_HALF + (s[read]! % RECORDS)]!
        if (number === 0 || number !== s[half]) wrong('a record is torn')
        const isAgain = s[DRAINER_DEATH] === 1 || s[DRAINER_DEATH + 1] === 1
        if (s[HEARD + number] !== 0 && !isAgain) wrong('a record is heard twice')
        if (number < s[LAST]! && !isAgain) wrong('records are heard out of order')
        s[HEARD + number] = 1
        s[LAST] = number
        s[half] = 0
        s[read]!++
        if (s[read] !== s[write]) return 'reads the first half'
        return is('the room is given back before the record is read')
          ? 'loads the write cursor'
          : 'stores its own cursor'
      },
      'stores its own cursor': s => {
        if (is('the room is given back before the record is read')) {
          s[READ] = s[write]!
          return 'reads the first half'
        }
        s[READ] = s[read]!
        s[read] = s[write] = 0
        return 'loads the write cursor'
      },
    }
    return { name: `drainer ${d}`, steps, deathWord: d === 0 ? DRAINER_DEATH : undefined, isService: true }
  }

  const supervisor: Process = {
    name: 'supervisor',
    isService: true,
    steps: {
      'waits for a death': s => {
        if (s[DRAINER_DEATH] !== 1 || s[DRAINER] !== 1 || is('the drainer of the dead is kept')) return WAIT
        s[DRAINER] = 0
        return 'waits for a death'
      },
    },
  }

  const processes = [writer('writer', 1, false), writer('heir', reports + 1, true), drainer(0), drainer(1), supervisor]
  return {
    words: words.count,
    processes,
    deaths,
    begin() {},
    atEnd(s) {
      let heard = 0
      for (let number = 1; number <= 2 * reports; number++) {
        if (s[ACCEPTED + number] === 1 && s[HEARD + number] !== 1) return 'a record was accepted and never heard'
        heard += s[HEARD + number]!
      }
      const hasDeath = s[WRITER_DEATH] === 1 || s[DRAINER_DEATH] === 1
      return hasDeath || heard + s[LOST]! === reports ? undefined : 'heard and lost do not make up what was reported'
    },
  }
}
