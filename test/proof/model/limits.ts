import { DONE, type Model, type Process, type State, WAIT, Words } from './explore.ts'

/**
 * Places in flight, as Guard, Gauges.tryEnter and Tally.tryEnter give them: one in the service, then one at its endpoint;
 * each thread counts in words of its own, adds before it looks, and withdraws when there are too many. When a thread dies
 * its words are zeroed and its seat is freed, and an heir may take that.
 */
export const LIMITS_BROKEN = [
  'the look comes before the add',
  'the add is plain and takes effect after the look',
  'seats are counted before the add',
  'who is refused does not withdraw',
  'the place in the service is kept when the endpoint is full',
  'the gauge of the dead is kept',
  'in flight of the dead is kept',
  'the seat is freed before its words are zeroed',
] as const

export interface LimitsSize {
  threads: number
  /** How often each thread tries. */
  turns: number
  /** What the service and its endpoint may have in flight. */
  service: number
  endpoint: number
  deaths: number
  /** One more thread, that takes the seat of whoever died. */
  heir: boolean
}

const FREE = 255

export function limitsModel(
  { threads, turns, service, endpoint, deaths, heir }: LimitsSize,
  variant?: (typeof LIMITS_BROKEN)[number],
): Model {
  const is = (broken: (typeof LIMITS_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const SEATS_HIGH = words.take()
  /** Counts per seat: of the service, and of the endpoint. */
  const COUNTS = [words.take(threads), words.take(threads)] as const
  const DEATH = words.take(threads)
  /** Seat that was freed and nobody has yet. */
  const FREED = words.take()
  /** What is really in flight, by who is let in. */
  const HELD = [words.take(threads + 1), words.take(threads + 1)] as const
  const LIMIT = [service, endpoint] as const

  function thread(t: number): Process {
    const seat = words.take()
    const left = words.take()
    const at = words.take()
    const sum = words.take()
    const names = ['the service', 'the endpoint'] as const
    const steps: Record<string, (s: State) => string> = {
      'takes a seat': s => {
        if (t === threads) {
          if (s[FREED] === FREE) return WAIT
          s[seat] = s[FREED]!
          s[FREED] = FREE
        } else s[seat] = t
        s[SEATS_HIGH] = Math.max(s[SEATS_HIGH]!, s[seat]! + 1)
        return begin(0)
      },
    }
    const begin = (n: 0 | 1): string =>
      is('the look comes before the add') || is('seats are counted before the add')
        ? `counts the seats, for ${names[n]}`
        : `adds to ${names[n]}`
    const again = (s: State): string => {
      s[left]!++
      return s[left] === turns ? DONE : begin(0)
    }
    const refused = (s: State, n: 0 | 1): string => {
      s[sum] = 0
      if (n === 0 || is('the place in the service is kept when the endpoint is full')) return again(s)
      return 'leaves the service'
    }
    for (const n of [0, 1] as const) {
      const counts = COUNTS[n]
      const add = (s: State): void => {
        s[counts + s[seat]!]!++
      }
      const letIn = (s: State): string => {
        s[sum] = 0
        s[HELD[n] + t] = 1
        return n === 0 ? begin(1) : 'ends'
      }
      const looked = (s: State): string => {
        if (is('the look comes before the add')) {
          if (s[sum]! < LIMIT[n]) return `adds to ${names[n]}`
          return refused(s, n)
        }
        const isLate = is('the add is plain and takes effect after the look')
        if (s[sum]! + (isLate ? 1 : 0) <= LIMIT[n]) return isLate ? `is seen in ${names[n]}` : letIn(s)
        if (isLate || is('who is refused does not withdraw')) return refused(s, n)
        return `withdraws from ${names[n]}`
      }
      Object.assign(steps, {
        [`adds to ${names[n]}`]: (s: State) => {
          if (is('the add is plain and takes effect after the look')) return `counts the seats, for ${names[n]}`
          add(s)
          if (is('the look comes before the add')) return letIn(s)
          return is('seats are counted before the add') ? `looks at ${names[n]}` : `counts the seats, for ${names[n]}`
        },
        [`counts the seats, for ${names[n]}`]: (s: State) => {
          s[at] = s[SEATS_HIGH]!
          return is('seats are counted before the add') ? `adds to ${names[n]}` : `looks at ${names[n]}`
        },
        [`looks at ${names[n]}`]: (s: State) => {
          s[at]!--
          s[sum]! += s[counts + s[at]!]!
          return s[at]! > 0 ? `looks at ${names[n]}` : looked(s)
        },
        [`is seen in ${names[n]}`]: (s: State) => {
          add(s)
          return letIn(s)
        },
        [`withdraws from ${names[n]}`]: (s: State) => {
          s[counts + s[seat]!]!--
          return refused(s, n)
        },
      })
    }
    Object.assign(steps, {
      // What is given up here is seen by others when the words that follow are.
      ends: (s: State) => {
        s[HELD[0] + t] = s[HELD[1] + t] = 0
        return 'leaves the endpoint'
      },
      'leaves the endpoint': (s: State) => {
        s[COUNTS[1] + s[seat]!]!--
        return 'leaves the service'
      },
      'leaves the service': (s: State) => {
        s[HELD[0] + t] = 0
        s[COUNTS[0] + s[seat]!]!--
        return again(s)
      },
    })
    return t === threads
      ? { name: 'heir', steps, isService: true }
      : { name: `thread ${t}`, steps, deathWord: DEATH + t }
  }

  function supervisor(): Process {
    const dead = words.take()
    const early = is('the seat is freed before its words are zeroed')
    const free = (s: State, then: string): string => {
      s[FREED] = s[dead]!
      return then
    }
    const steps: Process['steps'] = {
      'waits for a death': s => {
        const seat = Array.from({ length: threads }, (_, t) => t).find(t => s[DEATH + t] === 1)
        if (seat === undefined) return WAIT
        s[DEATH + seat] = 2
        s[dead] = seat
        // What the dead had in flight has ended with it.
        s[HELD[0] + seat] = s[HELD[1] + seat] = 0
        return early ? 'frees the seat' : 'zeroes in flight'
      },
      'zeroes in flight': s => {
        if (!is('in flight of the dead is kept')) s[COUNTS[1] + s[dead]!] = 0
        return 'zeroes the gauge'
      },
      'zeroes the gauge': s => {
        if (!is('the gauge of the dead is kept')) s[COUNTS[0] + s[dead]!] = 0
        return early ? 'waits for a death' : 'frees the seat'
      },
      'frees the seat': s => free(s, early ? 'zeroes in flight' : 'waits for a death'),
    }
    return { name: 'supervisor', steps, isService: true }
  }

  const processes: Process[] = [
    ...Array.from({ length: threads }, (_, t) => thread(t)),
    ...(heir ? [thread(threads)] : []),
    supervisor(),
  ]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[FREED] = FREE
    },
    always(s) {
      for (const n of [0, 1] as const) {
        let held = 0
        for (let t = 0; t <= threads; t++) held += s[HELD[n] + t]!
        if (held > LIMIT[n])
          return `${held} are in flight ${n === 0 ? 'in the service' : 'at the endpoint'} that may have ${LIMIT[n]}`
      }
      return undefined
    },
    atEnd(s) {
      for (let seat = 0; seat < threads; seat++) {
        if (s[COUNTS[0] + seat] !== 0) return 'a place in the service is taken for ever'
        if (s[COUNTS[1] + seat] !== 0) return 'a place at the endpoint is taken for ever'
      }
      return undefined
    },
  }
}
