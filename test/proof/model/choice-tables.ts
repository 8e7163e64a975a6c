import { DONE, type Model, type Process, type State, WAIT, Words, wrong } from './explore.ts'

/**
 * engine/memory/choice-tables.ts as a model: a builder looks for room, has a thread of its own fill it in two steps, and
 * publishes a slot that names it; an editor publishes slots that name the live table; readers move their pin and read
 * the table their slot names. That slots themselves are safe is the model of slots.ts: here a free one is found, filled
 * and published in one step each.
 */
export const CHOICE_TABLES_BROKEN = [
  'only the live slot is asked',
  'the pin is read before the next pin',
  'published before it is filled',
  'nobody asks for the right to build',
  'the right to build of the dead is kept',
  'an edit names the table it saw before it had the right to write',
  'the filling thread outlives its builder',
] as const

export interface ChoiceTablesSize {
  readers: number
  /** How often each reader moves its pin. */
  moves: number
  builders: number
  /** How many tables each builder publishes. */
  builds: number
  /** How often the editor publishes. */
  edits: number
  deaths: number
}

export function choiceTablesModel(size: ChoiceTablesSize, variant?: (typeof CHOICE_TABLES_BROKEN)[number]): Model {
  const { readers, moves, builders, builds, edits, deaths } = size
  const is = (broken: (typeof CHOICE_TABLES_BROKEN)[number]): boolean => variant === broken
  const slots = readers + 2
  const blocks = readers + 2
  const words = new Words()
  const PUBLISHED = words.take()
  const WRITER = words.take()
  const BUILDER = words.take()
  const PIN = words.take(readers)
  const NEXT = words.take(readers)
  /** The block a slot names, and which build it held when it was published. */
  const SLOT_TABLE = words.take(slots)
  const SLOT_BUILD = words.take(slots)
  /** Both halves of a block say the build they were filled by. */
  const HALF_A = words.take(blocks)
  const HALF_B = words.take(blocks)
  /** Builds begun so far. */
  const BUILDS = words.take()
  const TASK = words.take(builders)
  const TASK_BUILD = words.take(builders)
  const FILLING_ENDED = words.take(builders)
  const HELD = words.take(readers)
  const DEATH = words.take(readers + 2 * builders + 1)
  const deathOfBuilder = (b: number): number => DEATH + readers + b
  const deathOfFiller = (b: number): number => DEATH + readers + builders + b
  const deathOfEditor = DEATH + readers + 2 * builders
  const slotOf = (published: number): number => published & 7
  const versionOf = (published: number): number => published >> 3

  function freeSlot(s: State): number {
    const used = new Set([slotOf(s[PUBLISHED]!)])
    for (let r = 0; r < readers; r++) for (const pin of [s[PIN + r]!, s[NEXT + r]!]) used.add(pin - 1)
    for (let slot = 0; slot < slots; slot++) if (!used.has(slot)) return slot
    return -1
  }

  /** Publishes a table with the next version; WAIT while readers on the move leave no slot. */
  function publish(s: State, table: number, build: number, next: string): string {
    const slot = freeSlot(s)
    if (slot < 0) return WAIT
    s[SLOT_TABLE + slot] = table
    s[SLOT_BUILD + slot] = build
    s[PUBLISHED] = ((versionOf(s[PUBLISHED]!) + 1) << 3) | slot
    return next
  }

  function reader(r: number): Process {
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
        s[NEXT + r] = slotOf(s[seen]!) + 1
        return 'loads PUBLISHED again'
      },
      'loads PUBLISHED again': s => {
        if (s[PUBLISHED] === s[seen]) return 'moves its pin'
        s[round]!++
        return s[round] === 3 ? 'gives up' : 'loads PUBLISHED'
      },
      'gives up': s => {
        s[NEXT + r] = 0
        s[round] = 0
        return 'reads the first half'
      },
      'moves its pin': s => {
        s[PIN + r] = slotOf(s[seen]!) + 1
        s[HELD + r] = s[seen]!
        s[round] = 0
        return 'clears the next pin'
      },
      'clears the next pin': s => {
        s[NEXT + r] = 0
        return 'reads the first half'
      },
      'reads the first half': s => {
        s[half] = s[HALF_A + s[SLOT_TABLE + slotOf(s[HELD + r]!)]! - 1]!
        return 'reads the second half'
      },
      'reads the second half': s => {
        const slot = slotOf(s[HELD + r]!)
        const build = s[SLOT_BUILD + slot]!
        if (s[half] !== build || s[HALF_B + s[SLOT_TABLE + slot]! - 1] !== build) wrong('a reader sees a torn table')
        s[half] = 0
        s[seen] = 0
        s[left]!++
        return 'loads PUBLISHED'
      },
    }
    return { name: `reader ${r}`, steps, deathWord: DEATH + r }
  }

  function builder(b: number): Process {
    const used = words.take()
    const at = words.take()
    const block = words.take()
    const build = words.take()
    const done = words.take()
    const nextFirst = !is('the pin is read before the next pin')
    const use = (s: State, slot: number): void => {
      if (slot >= 0) s[used]! |= 1 << (s[SLOT_TABLE + slot]! - 1)
    }
    const afterPins = (s: State): string => {
      s[at]!++
      if (s[at]! < readers) return nextFirst ? 'looks at a next pin' : 'looks at a pin'
      s[at] = 0
      for (let free = 0; free < blocks; free++) {
        if ((s[used]! & (1 << free)) !== 0) continue
        s[block] = free
        s[used] = 0
        s[BUILDS]!++
        s[build] = s[BUILDS]!
        return is('published before it is filled') ? 'takes the right to write' : 'has it filled'
      }
      return 'looks for the live table'
    }
    const afterDone = (s: State): string => {
      s[build] = 0
      s[block] = 0
      s[done]!++
      return s[done] === builds ? 'gives the right to build back' : 'looks for the live table'
    }
    const steps: Process['steps'] = {
      'takes the right to build': s => {
        if (s[BUILDER] !== 0 && !is('nobody asks for the right to build')) return WAIT
        s[BUILDER] = b + 1
        return 'looks for the live table'
      },
      'looks for the live table': s => {
        s[used] = 0
        use(s, slotOf(s[PUBLISHED]!))
        if (is('only the live slot is asked')) s[at] = readers - 1
        return is('only the live slot is asked') ? afterPins(s) : nextFirst ? 'looks at a next pin' : 'looks at a pin'
      },
      'looks at a next pin': s => {
        use(s, s[NEXT + s[at]!]! - 1)
        return nextFirst ? 'looks at a pin' : afterPins(s)
      },
      'looks at a pin': s => {
        use(s, s[PIN + s[at]!]! - 1)
        return nextFirst ? afterPins(s) : 'looks at a next pin'
      },
      'has it filled': s => {
        s[TASK_BUILD + b] = s[build]!
        s[TASK + b] = s[block]! + 1
        return 'waits until it is filled'
      },
      'waits until it is filled': s => {
        if (s[TASK + b] === 0) return is('published before it is filled') ? afterDone(s) : 'takes the right to write'
        if (s[deathOfFiller(b)] === 0) return WAIT
        // Its thread has died: it fills the room itself.
        s[TASK + b] = 0
        return 'fills the first half'
      },
      'fills the first half': s => {
        s[HALF_A + s[block]!] = s[build]!
        return 'fills the second half'
      },
      'fills the second half': s => {
        s[HALF_B + s[block]!] = s[build]!
        return is('published before it is filled') ? afterDone(s) : 'takes the right to write'
      },
      'takes the right to write': s => {
        if (s[WRITER] !== 0) return WAIT
        s[WRITER] = b + 1
        return 'publishes'
      },
      publishes: s => publish(s, s[block]! + 1, s[build]!, 'leaves'),
      leaves: s => {
        s[WRITER] = 0
        return is('published before it is filled') ? 'has it filled' : afterDone(s)
      },
      'gives the right to build back': s => {
        if (s[BUILDER] === b + 1) s[BUILDER] = 0
        return DONE
      },
    }
    return { name: `builder ${b}`, steps, deathWord: deathOfBuilder(b) }
  }

  /** The thread of a builder. It ends with its builder, before anybody is told of that one's death. */
  function filler(b: number): Process {
    const isOver = (s: State): boolean => s[deathOfBuilder(b)] !== 0 && !is('the filling thread outlives its builder')
    const end = (s: State): string => {
      s[FILLING_ENDED + b] = 1
      return DONE
    }
    const steps: Process['steps'] = {
      'waits for a task': s => {
        if (s[deathOfBuilder(b)] !== 0 && s[TASK + b] === 0) return end(s)
        return isOver(s) ? end(s) : s[TASK + b] === 0 ? WAIT : 'fills the first half'
      },
      'fills the first half': s => {
        if (isOver(s)) return end(s)
        s[HALF_A + s[TASK + b]! - 1] = s[TASK_BUILD + b]!
        return 'fills the second half'
      },
      'fills the second half': s => {
        if (isOver(s)) return end(s)
        s[HALF_B + s[TASK + b]! - 1] = s[TASK_BUILD + b]!
        return 'says so'
      },
      'says so': s => {
        if (isOver(s)) return end(s)
        s[TASK + b] = 0
        return 'waits for a task'
      },
    }
    return { name: `filling thread ${b}`, steps, deathWord: deathOfFiller(b), isService: true }
  }

  function editor(): Process {
    const table = words.take()
    const build = words.take()
    const left = words.take()
    const isEarly = is('an edit names the table it saw before it had the right to write')
    const look = (s: State): void => {
      s[table] = s[SLOT_TABLE + slotOf(s[PUBLISHED]!)]!
      s[build] = s[SLOT_BUILD + slotOf(s[PUBLISHED]!)]!
    }
    const steps: Process['steps'] = {
      'begins an edit': s => {
        if (s[left] === edits) return DONE
        if (isEarly) look(s)
        return 'takes the right to write'
      },
      'takes the right to write': s => {
        if (s[WRITER] !== 0) return WAIT
        s[WRITER] = builders + 1
        return 'looks at the live slot'
      },
      'looks at the live slot': s => {
        if (!isEarly) look(s)
        return 'publishes'
      },
      publishes: s => publish(s, s[table]!, s[build]!, 'leaves'),
      leaves: s => {
        s[WRITER] = 0
        s[table] = 0
        s[build] = 0
        s[left]!++
        return 'begins an edit'
      },
    }
    return { name: 'editor', steps, deathWord: deathOfEditor }
  }

  function supervisor(): Process {
    const dead = words.take()
    const steps: Process['steps'] = {
      'waits for a death': s => {
        for (let thread = 0; thread < readers + 2 * builders + 1; thread++) {
          if (s[DEATH + thread] !== 1) continue
          const b = thread - readers
          const hasFiller = b >= 0 && b < builders && s[deathOfFiller(b)] === 0
          if (hasFiller && s[FILLING_ENDED + b] === 0 && !is('the filling thread outlives its builder')) continue
          s[DEATH + thread] = 2
          s[dead] = thread
          if (thread < readers) return 'clears the pin'
          return b < builders || thread === readers + 2 * builders ? 'clears the right to write' : 'waits for a death'
        }
        return WAIT
      },
      'clears the pin': s => {
        s[PIN + s[dead]!] = 0
        return 'clears the next pin'
      },
      'clears the next pin': s => {
        s[NEXT + s[dead]!] = 0
        return 'waits for a death'
      },
      'clears the right to write': s => {
        const holder = s[dead]! === readers + 2 * builders ? builders + 1 : s[dead]! - readers + 1
        if (s[WRITER] === holder) s[WRITER] = 0
        return 'clears the right to build'
      },
      'clears the right to build': s => {
        const isIts = s[BUILDER] === s[dead]! - readers + 1
        if (isIts && !is('the right to build of the dead is kept')) s[BUILDER] = 0
        return 'waits for a death'
      },
    }
    return { name: 'supervisor', steps, isService: true }
  }

  const processes = [
    ...Array.from({ length: readers }, (_, r) => reader(r)),
    ...Array.from({ length: builders }, (_, b) => builder(b)),
    ...Array.from({ length: builders }, (_, b) => filler(b)),
    ...(edits > 0 ? [editor()] : []),
    supervisor(),
  ]

  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[PUBLISHED] = 1 << 3
      s[SLOT_TABLE] = s[SLOT_BUILD] = 1
      s[HALF_A] = s[HALF_B] = 1
      s[BUILDS] = 1
      // Slots that were never filled name the first block, as the memory of old ones names what it named.
      for (let slot = 1; slot < slots; slot++) s[SLOT_TABLE + slot] = 1
      for (let r = 0; r < readers; r++) {
        s[PIN + r] = 1
        s[HELD + r] = 1 << 3
      }
    },
    always(s) {
      const live = slotOf(s[PUBLISHED]!)
      const table = s[SLOT_TABLE + live]! - 1
      const isWhole = s[HALF_A + table] === s[SLOT_BUILD + live] && s[HALF_B + table] === s[SLOT_BUILD + live]
      return isWhole ? undefined : 'the live slot names a table that is not whole'
    },
  }
}
