import { DONE, type Model, type Process, type State, WAIT, Words, wrong } from './explore.ts'

/**
 * The life of one row, as table-writer.ts and tally.ts have it: listed, removed, forgotten by every pin, with nothing
 * in flight, and listed again for another tenant, while threads pick it by the structure they have pinned, settle late,
 * and settle a ticket a second time when another tenant has come.
 *
 * A pin holds a version here: that its slot does not change meanwhile is what slots.ts proves.
 */
export const ROWS_BROKEN = [
  'in flight is asked before the pins',
  'the pins are not asked',
  'in flight is not asked',
  'the pin is read before the next pin',
  'a row is reused in the edit that removed it',
  'no second look at PUBLISHED',
  'settle does not look at the generation',
  'in flight of the dead is kept',
  'the pin is moved before the pick is counted',
] as const

export interface RowsSize {
  readers: number
  /** Picks of each reader. */
  picks: number
  /** How often the row gets a new tenant. */
  tenants: number
  deaths: number
}

const NONE = 0

export function rowsModel(
  { readers, picks, tenants, deaths }: RowsSize,
  variant?: (typeof ROWS_BROKEN)[number],
): Model {
  const is = (broken: (typeof ROWS_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const VERSION = words.take()
  const PIN = words.take(readers)
  const NEXT = words.take(readers)
  const GENERATION = words.take()
  const RETIRED_AT = words.take()
  const INFLIGHT = words.take(readers)
  /** The generation that each version lists at the row; NONE: it does not list the row. */
  const LISTED = words.take(2 * tenants + 3)
  const DEATH = words.take(readers)
  const HOLDS = words.take(readers)

  function reader(r: number): Process {
    const held = words.take()
    const seen = words.take()
    const ticket = words.take()
    const old = words.take()
    const left = words.take()
    const inflight = INFLIGHT + r
    const enter = (s: State): void => {
      s[inflight]!++
      s[HOLDS + r]!++
    }
    const hasPick = (s: State): boolean => s[LISTED + s[held]!] !== NONE && s[left]! < picks
    const steps: Process['steps'] = {
      'begins a pick': s => {
        if (s[held] !== s[VERSION]) return 'loads PUBLISHED'
        return hasPick(s) ? 'counts the pick' : WAIT
      },
      'loads PUBLISHED': s => {
        s[seen] = s[VERSION]!
        return 'announces the version'
      },
      'announces the version': s => {
        s[NEXT + r] = s[seen]!
        return is('no second look at PUBLISHED') ? 'moves its pin' : 'loads PUBLISHED again'
      },
      'loads PUBLISHED again': s => (s[VERSION] === s[seen] ? 'moves its pin' : 'loads PUBLISHED'),
      'moves its pin': s => {
        s[PIN + r] = s[held] = s[seen]!
        s[seen] = 0
        return 'clears the next pin'
      },
      'clears the next pin': s => {
        s[NEXT + r] = 0
        if (s[ticket] !== 0) return 'settles'
        if (!hasPick(s)) return 'begins a pick'
        return is('the pin is moved before the pick is counted') ? 'lets the pin go' : 'counts the pick'
      },
      'lets the pin go': s => {
        s[PIN + r] = 0
        return 'counts the pick'
      },
      'counts the pick': s => {
        enter(s)
        return 'takes the ticket'
      },
      'takes the ticket': s => {
        if (s[GENERATION] !== s[LISTED + s[held]!]) wrong('a pick meets another tenant than its structure lists')
        s[ticket] = s[GENERATION]!
        s[left]!++
        return s[old] !== 0 ? 'settles an old ticket again' : 'turns'
      },
      'settles an old ticket again': s => {
        // That the same tenant is settled twice takes another ticket's place: a documented limit.
        const isOther = s[GENERATION] !== s[old]
        if (is('settle does not look at the generation') && isOther) s[inflight]!--
        return 'turns'
      },
      // The event loop comes round while the request is under way, and the pin may move before it is settled.
      turns: s => (s[held] === s[VERSION] ? 'settles' : 'loads PUBLISHED'),
      settles: s => {
        if (s[GENERATION] !== s[ticket]) wrong('a row changes tenant while a ticket of it is held')
        if (s[inflight] !== s[HOLDS + r]) wrong('in flight does not count what is held')
        s[inflight]!--
        s[HOLDS + r]!--
        s[old] = s[ticket]!
        s[ticket] = 0
        return 'begins a pick'
      },
    }
    return { name: `reader ${r}`, steps, deathWord: DEATH + r, isService: true }
  }

  function writer(): Process {
    const at = words.take()
    const isBusy = words.take()
    const publish = (s: State, listed: number): void => {
      s[VERSION]!++
      s[LISTED + s[VERSION]!] = listed
    }
    const asksInflightFirst = is('in flight is asked before the pins')
    const look = (s: State, pin: number): void => {
      if (pin !== 0 && pin < s[RETIRED_AT]! && !is('the pins are not asked')) s[isBusy] = 1
    }
    const pinFirst = is('the pin is read before the next pin')
    const onward = (s: State, again: string, then: string): string => {
      s[at]!++
      if (s[at]! < readers) return again
      s[at] = 0
      if (s[isBusy] === 0) return then
      s[isBusy] = 0
      return 'looks for a free row'
    }
    const afterPins = (s: State): string =>
      onward(
        s,
        pinFirst ? 'looks at a pin' : 'looks at a next pin',
        asksInflightFirst ? 'settles in' : 'asks in flight',
      )
    const steps: Process['steps'] = {
      'retires the row': s => {
        s[RETIRED_AT] = s[VERSION]! + 1
        if (is('a row is reused in the edit that removed it')) return 'looks for a free row'
        return 'publishes without the row'
      },
      'publishes without the row': s => {
        publish(s, NONE)
        return 'looks for a free row'
      },
      'looks for a free row': () => {
        if (asksInflightFirst) return 'asks in flight'
        return pinFirst ? 'looks at a pin' : 'looks at a next pin'
      },
      'looks at a next pin': s => {
        look(s, s[NEXT + s[at]!]!)
        return pinFirst ? afterPins(s) : 'looks at a pin'
      },
      'looks at a pin': s => {
        look(s, s[PIN + s[at]!]!)
        return pinFirst ? 'looks at a next pin' : afterPins(s)
      },
      'asks in flight': s => {
        if (s[INFLIGHT + s[at]!] !== 0 && !is('in flight is not asked')) s[isBusy] = 1
        return onward(s, 'asks in flight', asksInflightFirst ? 'looks at a next pin' : 'settles in')
      },
      'settles in': s => {
        s[GENERATION]!++
        s[RETIRED_AT] = 0
        return 'publishes the new tenant'
      },
      'publishes the new tenant': s => {
        publish(s, s[GENERATION]!)
        return s[GENERATION] === tenants + 1 ? DONE : 'retires the row'
      },
    }
    return { name: 'writer', steps }
  }

  function supervisor(): Process {
    const seat = words.take()
    const steps: Process['steps'] = {
      'waits for a death': s => {
        const dead = Array.from({ length: readers }, (_, r) => r).find(r => s[DEATH + r] === 1)
        if (dead === undefined) return WAIT
        s[DEATH + dead] = 2
        s[seat] = dead
        return 'zeroes in flight'
      },
      'zeroes in flight': s => {
        if (!is('in flight of the dead is kept')) s[INFLIGHT + s[seat]!] = 0
        return 'clears the pin'
      },
      'clears the pin': s => {
        s[PIN + s[seat]!] = 0
        return 'clears the next pin'
      },
      'clears the next pin': s => {
        s[NEXT + s[seat]!] = 0
        return 'waits for a death'
      },
    }
    return { name: 'supervisor', steps, isService: true }
  }

  const processes = [...Array.from({ length: readers }, (_, r) => reader(r)), writer(), supervisor()]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      // Nobody is attached yet: every reader begins by moving its pin.
      s[VERSION] = 1
      s[GENERATION] = s[LISTED + 1] = 1
    },
    atEnd(s) {
      for (let r = 0; r < readers; r++) if (s[INFLIGHT + r] !== 0) return 'something stays in flight for ever'
      return undefined
    },
  }
}
