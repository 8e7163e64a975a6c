import { DONE, type Model, type Process, type State, Words, wrong } from './explore.ts'

/**
 * One set of affinity.ts: two sessions that two threads keep in it, each at an endpoint of its own choice, while a third
 * thread looks for one of them and the table writer gives a row to another tenant. Everybody may die between two words.
 *
 * The words are plain, so each pair may take effect, and be read, in either order: `order` says which, and every world is
 * visited in all four. A key is the low half of a byte, a ticket (generation and row) the high half; to seal is to shift a
 * ticket there, so a mixture of two tickets is never a key, as it is but once in 2^32 in the real table.
 */
export const AFFINITY_BROKEN = [
  'the key is not sealed with the ticket',
  'the generation is not asked',
  'the row need not be listed',
  'the ticket is read again once it was compared',
] as const

export interface AffinitySize {
  /** Entries of the set. */
  ways: number
  /** What each writer keeps, one after the other: session and row. */
  writers: readonly (readonly { key: number; row: number }[])[]
  /** How often the reader looks for each session. */
  looks: number
  deaths: number
  /** Which word is written first, and which is read first. */
  order: { writes: 'key' | 'ticket'; reads: 'key' | 'ticket' }
}

const KEYS = [1, 2] as const
/** Rows 0 and 1; row 0 changes its tenant, and is not listed while it has none. */
const ROWS = 2
const NO_WAY = 255

const ticketOf = (row: number, generation: number): number => generation * ROWS + row + 1
const rowOf = (ticket: number): number => (ticket - 1) % ROWS
const generationOf = (ticket: number): number => Math.floor((ticket - 1) / ROWS)

export function affinityModel(
  { ways, writers, looks, deaths, order }: AffinitySize,
  variant?: (typeof AFFINITY_BROKEN)[number],
): Model {
  const is = (broken: (typeof AFFINITY_BROKEN)[number]): boolean => variant === broken
  const seal = (ticket: number): number => (is('the key is not sealed with the ticket') ? 0 : ticket << 4)
  const words = new Words()
  const SEALED = words.take(ways)
  const TICKET = words.take(ways)
  const GENERATION = words.take(ROWS)
  const IS_LISTED = words.take(ROWS)
  /** 1 for each ticket that somebody kept a key at: by key, then by ticket. */
  const KEPT = words.take(3 * 16)
  const DEATH = words.take(writers.length + 1)

  function wayOf(s: State, key: number): number {
    for (let way = 0; way < ways; way++) if ((s[SEALED + way]! ^ seal(s[TICKET + way]!)) === key) return way
    return NO_WAY
  }

  function writer(w: number): Process {
    const at = words.take()
    const way = words.take()
    const ticket = words.take()
    const turn = writers[w]!
    const [first, second] =
      order.writes === 'key' ? ['writes the key', 'writes the ticket'] : ['writes the ticket', 'writes the key']
    const after = (s: State, word: string): string => {
      if (word === first) return second!
      s[at]!++
      s[way] = s[ticket] = 0
      return s[at] === turn.length ? DONE : 'chooses an entry'
    }
    const steps: Process['steps'] = {
      // The first entry of the key, else one by turns: which one ends first is for the clock to say, and any may.
      'chooses an entry': s => {
        const { key, row } = turn[s[at]!]!
        const found = wayOf(s, key)
        s[way] = found === NO_WAY ? s[at]! % ways : found
        if (s[IS_LISTED + row] === 0) {
          s[at]!++
          s[way] = 0
          return s[at] === turn.length ? DONE : 'chooses an entry'
        }
        // A pin holds the row while it is picked and kept: no other tenant comes between.
        s[ticket] = ticketOf(row, s[GENERATION + row]!)
        s[KEPT + key * 16 + s[ticket]!] = 1
        return first!
      },
      'writes the key': s => {
        s[SEALED + s[way]!] = turn[s[at]!]!.key ^ seal(s[ticket]!)
        return after(s, 'writes the key')
      },
      'writes the ticket': s => {
        s[TICKET + s[way]!] = s[ticket]!
        return after(s, 'writes the ticket')
      },
    }
    return { name: `writer ${w}`, steps, deathWord: DEATH + w }
  }

  function reader(): Process {
    const left = words.take()
    const way = words.take()
    const sealed = words.take()
    const ticket = words.take()
    const keyFirst = order.reads === 'key'
    const keyOf = (s: State): number => KEYS[s[left]! % KEYS.length]!
    const next = (s: State): string => {
      s[way] = s[sealed] = s[ticket] = 0
      s[left]!++
      return s[left] === looks * KEYS.length ? DONE : first
    }
    const compare = (s: State): string => {
      if ((s[sealed]! ^ seal(s[ticket]!)) === keyOf(s)) return 'asks for the tenant'
      s[way]!++
      s[sealed] = s[ticket] = 0
      return s[way] === ways ? next(s) : first
    }
    const first = keyFirst ? 'reads a key' : 'reads a ticket'
    const steps: Process['steps'] = {
      [first]: s => {
        if (keyFirst) s[sealed] = s[SEALED + s[way]!]!
        else s[ticket] = s[TICKET + s[way]!]!
        return 'reads the other word'
      },
      'reads the other word': s => {
        if (keyFirst) s[ticket] = s[TICKET + s[way]!]!
        else s[sealed] = s[SEALED + s[way]!]!
        return compare(s)
      },
      // Row and generation do not change while the pin stands: one step.
      'asks for the tenant': s => {
        const found = is('the ticket is read again once it was compared') ? s[TICKET + s[way]!]! : s[ticket]!
        if (found === 0) return next(s)
        const row = rowOf(found)
        if (s[IS_LISTED + row] === 0 && !is('the row need not be listed')) return next(s)
        if (s[GENERATION + row] !== generationOf(found) && !is('the generation is not asked')) return next(s)
        if (s[IS_LISTED + row] === 0) wrong('a session is sent to a row that nobody has')
        if (s[KEPT + keyOf(s) * 16 + ticketOf(row, s[GENERATION + row]!)] !== 1) {
          wrong('a session is sent where nobody kept it')
        }
        return next(s)
      },
    }
    return { name: 'reader', steps, deathWord: DEATH + writers.length }
  }

  function tableWriter(): Process {
    const steps: Process['steps'] = {
      'takes the tenant out': s => {
        s[IS_LISTED] = 0
        return 'gives the row to another'
      },
      'gives the row to another': s => {
        s[GENERATION]!++
        s[IS_LISTED] = 1
        return DONE
      },
    }
    return { name: 'table writer', steps }
  }

  const processes = [...writers.map((_, w) => writer(w)), reader(), tableWriter()]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[IS_LISTED] = s[IS_LISTED + 1] = 1
    },
    atEnd(s) {
      for (const key of KEYS) {
        const way = wayOf(s, key)
        if (way === NO_WAY) continue
        const ticket = s[TICKET + way]!
        if (ticket !== 0 && s[KEPT + key * 16 + ticket] !== 1) return `session ${key} is left where nobody kept it`
      }
      return undefined
    },
  }
}
