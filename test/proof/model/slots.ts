import { DONE, type Model, type Process, type State, WAIT, Words, wrong } from './explore.ts'

/**
 * engine/memory/slots.ts as a model: readers move their pin and read the slot under it, writers take the right to
 * write, look for a free slot, fill it in two steps and publish it; a supervisor frees what the dead held.
 */
export const SLOTS_BROKEN = [
  'no second look at PUBLISHED',
  'the pin is read before the next pin',
  'slots = seats + 1',
  'the next pin is cleared before the pin is set',
  'a slot is reused without asking the pins',
  'published before it is filled',
  'nobody asks for the right to write',
  'a seat is freed on a timer while its thread lives',
  'the right to write of the dead is kept',
] as const

export interface SlotsSize {
  readers: number
  /** How often each reader moves its pin. */
  moves: number
  writers: number
  /** How often each writer publishes. */
  publications: number
  deaths: number
}

export function slotsModel(size: SlotsSize, variant?: (typeof SLOTS_BROKEN)[number]): Model {
  const { readers, moves, writers, publications, deaths } = size
  const is = (broken: (typeof SLOTS_BROKEN)[number]): boolean => variant === broken
  // Writers hold no pin here, so only the readers' seats count.
  const slots = readers + (is('slots = seats + 1') ? 1 : 2)
  const words = new Words()
  const PUBLISHED = words.take()
  const WRITER = words.take()
  const PIN = words.take(readers)
  const NEXT = words.take(readers)
  /** Both halves of a slot say the version it was filled as. */
  const HALF_A = words.take(slots)
  const HALF_B = words.take(slots)
  const DEATH = words.take(readers + writers)
  const slotOf = (published: number): number => published & 7
  const versionOf = (published: number): number => published >> 3
  const isHalf = (s: State, slot: number): boolean => s[HALF_A + slot] !== s[HALF_B + slot]

  const HELD = words.take(readers)

  function reader(r: number): Process {
    const pin = PIN + r
    const next = NEXT + r
    const held = HELD + r
    const seen = words.take()
    const round = words.take()
    const half = words.take()
    const left = words.take()
    const steps: Process['steps'] = {
      'loads PUBLISHED': s => {
        if (s[left] === moves) return DONE
        s[seen] = s[PUBLISHED]!
        return 'announces the slot'
      },
      'announces the slot': s => {
        s[next] = slotOf(s[seen]!) + 1
        return is('no second look at PUBLISHED') ? 'moves its pin' : 'loads PUBLISHED again'
      },
      'loads PUBLISHED again': s => {
        if (s[PUBLISHED] === s[seen]) {
          return is('the next pin is cleared before the pin is set') ? 'clears the next pin' : 'moves its pin'
        }
        s[round]!++
        return s[round] === 3 ? 'gives up' : 'loads PUBLISHED'
      },
      'gives up': s => {
        s[next] = 0
        s[round] = 0
        return 'reads the first half'
      },
      'moves its pin': s => {
        s[pin] = slotOf(s[seen]!) + 1
        if (versionOf(s[seen]!) < versionOf(s[held]!)) wrong('a reader goes back to an older version')
        s[held] = s[seen]!
        s[round] = 0
        return is('the next pin is cleared before the pin is set') ? 'reads the first half' : 'clears the next pin'
      },
      'clears the next pin': s => {
        s[next] = 0
        return is('the next pin is cleared before the pin is set') ? 'moves its pin' : 'reads the first half'
      },
      'reads the first half': s => {
        s[half] = s[HALF_A + slotOf(s[held]!)]!
        return 'reads the second half'
      },
      'reads the second half': s => {
        const version = versionOf(s[held]!)
        if (s[half] !== version || s[HALF_B + slotOf(s[held]!)] !== version) wrong('a reader sees a torn slot')
        s[half] = 0
        s[seen] = 0
        s[left]!++
        return 'loads PUBLISHED'
      },
    }
    return { name: `reader ${r}`, steps, deathWord: DEATH + r }
  }

  function writer(w: number): Process {
    const before = words.take()
    const used = words.take()
    const at = words.take()
    const slot = words.take()
    const left = words.take()
    const nextFirst = !is('the pin is read before the next pin')
    const use = (s: State, pin: number): void => {
      if (pin > 0 && !is('a slot is reused without asking the pins')) s[used]! |= 1 << (pin - 1)
    }
    const afterPins = (s: State): string => {
      s[at]!++
      if (s[at]! < readers) return nextFirst ? 'looks at a next pin' : 'looks at a pin'
      s[at] = 0
      for (let free = 0; free < slots; free++) {
        if ((s[used]! & (1 << free)) !== 0) continue
        s[slot] = free
        s[used] = 0
        return is('published before it is filled') ? 'publishes' : 'fills the first half'
      }
      return 'looks for the live slot'
    }
    const steps: Process['steps'] = {
      'takes the right to write': s => {
        if (s[WRITER] !== 0 && !is('nobody asks for the right to write')) return WAIT
        s[WRITER] = w + 1
        return 'loads PUBLISHED'
      },
      'loads PUBLISHED': s => {
        s[before] = s[PUBLISHED]!
        return 'looks for the live slot'
      },
      'looks for the live slot': s => {
        s[used] = 1 << slotOf(s[PUBLISHED]!)
        return nextFirst ? 'looks at a next pin' : 'looks at a pin'
      },
      'looks at a next pin': s => {
        use(s, s[NEXT + s[at]!]!)
        return nextFirst ? 'looks at a pin' : afterPins(s)
      },
      'looks at a pin': s => {
        use(s, s[PIN + s[at]!]!)
        return nextFirst ? afterPins(s) : 'looks at a next pin'
      },
      'fills the first half': s => {
        s[HALF_A + s[slot]!] = versionOf(s[before]!) + 1
        return 'fills the second half'
      },
      'fills the second half': s => {
        s[HALF_B + s[slot]!] = versionOf(s[before]!) + 1
        return is('published before it is filled') ? 'leaves' : 'publishes'
      },
      publishes: s => {
        if (s[PUBLISHED] !== s[before]) wrong('two threads publish on one version')
        s[PUBLISHED] = ((versionOf(s[before]!) + 1) << 3) | s[slot]!
        return is('published before it is filled') ? 'fills the first half' : 'leaves'
      },
      leaves: s => {
        if (s[WRITER] === w + 1) s[WRITER] = 0
        s[before] = 0
        s[slot] = 0
        s[left]!++
        return s[left] === publications ? DONE : 'takes the right to write'
      },
    }
    return { name: `writer ${w}`, steps, deathWord: DEATH + readers + w }
  }

  function supervisor(): Process {
    const seat = words.take()
    const timers = words.take()
    const steps: Process['steps'] = {
      'waits for a death': s => {
        for (let thread = 0; thread < readers + writers; thread++) {
          if (s[DEATH + thread] !== 1) continue
          s[DEATH + thread] = 2
          s[seat] = thread
          return thread < readers ? 'clears the pin' : 'clears the right to write'
        }
        if (!is('a seat is freed on a timer while its thread lives') || s[timers] === 1) return WAIT
        s[timers] = 1
        s[seat] = 0
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
      'clears the right to write': s => {
        const isIts = s[WRITER] === s[seat]! - readers + 1
        if (isIts && !is('the right to write of the dead is kept')) s[WRITER] = 0
        return 'waits for a death'
      },
    }
    return { name: 'supervisor', steps, isService: true }
  }

  const processes = [
    ...Array.from({ length: readers }, (_, r) => reader(r)),
    ...Array.from({ length: writers }, (_, w) => writer(w)),
    supervisor(),
  ]

  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[PUBLISHED] = 1 << 3
      s[HALF_A] = s[HALF_B] = 1
      // Everyone is attached: pinned to slot 0, version 1.
      for (let r = 0; r < readers; r++) {
        s[PIN + r] = 1
        s[HELD + r] = 1 << 3
      }
    },
    always(s) {
      const live = slotOf(s[PUBLISHED]!)
      if (isHalf(s, live) || s[HALF_A + live] !== versionOf(s[PUBLISHED]!))
        return 'PUBLISHED names a slot that is not whole'
      const used = new Set([live])
      for (let r = 0; r < readers; r++) {
        if (s[NEXT + r] !== 0) return undefined
        if (s[PIN + r] !== 0) used.add(s[PIN + r]! - 1)
      }
      return used.size < slots ? undefined : 'nobody moves a pin, and no slot is free'
    },
  }
}
