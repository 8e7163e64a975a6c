import { type Process, type State, WAIT } from './explore.ts'
import {
  CLAIMED,
  HOLD_CLAIM,
  HOLD_NOTHING,
  HOLD_TRYING,
  PADDING,
  type RingManyBroken,
  type RingWords,
  UNITS,
} from './ring-words.ts'

/** A death word is 0 while its writer lives. */
const DIED = 1
const IN_RECOVERY = 2
const RECOVERED = 3

/**
 * engine/memory/ring-recovery.ts as one process of the model: a supervisor that hears of deaths and finishes what the
 * dead began, step by step while everyone else goes on. Where the shipped code looks a thousand times before it says
 * AGAIN, this looks once: the caller comes back, which is the same to everybody else.
 */
export function supervisorOf(words: RingWords, variant?: RingManyBroken): Process {
  const is = (broken: RingManyBroken): boolean => variant === broken
  const { WRITE, FREEING, EVEN, ODD, SEAT_CURSOR, SEAT_UNITS, SEAT_HOLD, DEATH, writers } = words
  const dead = words.take()
  const cursor = words.take()
  const end = words.take()
  const isContested = words.take()
  const at = words.take()
  const isUnreadEarly = words.take()
  /** The size that is being asked for its boundary. */
  const size = words.take()
  const timers = words.take()

  const unit = (s: State): number => s[cursor]! % UNITS
  const isUnread = (s: State): boolean => {
    const ahead = s[cursor]! - s[FREEING]!
    return ahead >= 0 && ahead < s[end]! - s[FREEING]!
  }
  /** Sizes the dead tried at this place, smallest first, from `over` on. */
  const nextSize = (s: State, over: number): number => {
    const sizes: number[] = []
    for (let w = 0; w < writers; w++) {
      const isHere =
        s[DEATH + w] === IN_RECOVERY && s[SEAT_CURSOR + w] === s[cursor] && s[SEAT_HOLD + w] !== HOLD_NOTHING
      if (isHere && s[SEAT_UNITS + w]! > over) sizes.push(s[SEAT_UNITS + w]!)
    }
    return sizes.length === 0 ? 0 : Math.min(...sizes)
  }
  const forget = (s: State): void => {
    for (const word of [cursor, end, isContested, at, isUnreadEarly, size]) s[word] = 0
  }
  const settled = (s: State): string => {
    s[SEAT_HOLD + s[dead]!] = HOLD_NOTHING
    s[DEATH + s[dead]!] = RECOVERED
    forget(s)
    s[dead] = 0
    return 'waits for a death'
  }
  const again = (s: State): string => {
    forget(s)
    return 'waits for a death'
  }

  const steps: Process['steps'] = {
    'waits for a death': s => {
      if (is('nobody recovers')) return WAIT
      // Whom it was told to come back for waits behind those it has not looked at yet.
      for (const state of [DIED, IN_RECOVERY]) {
        for (let turn = 1; turn <= writers; turn++) {
          const w = (s[dead]! + turn) % writers
          if (s[DEATH + w] !== state) continue
          s[dead] = w
          s[DEATH + w] = IN_RECOVERY
          return 'loads the cursors'
        }
      }
      if (!is('recovery on a timer while the writer lives') || s[timers] === 1 || s[SEAT_HOLD] === HOLD_NOTHING)
        return WAIT
      s[timers] = 1
      s[dead] = 0
      return 'loads the cursors'
    },
    'loads the cursors': s => {
      s[cursor] = s[SEAT_CURSOR + s[dead]!]!
      s[end] = s[WRITE]!
      switch (s[SEAT_HOLD + s[dead]!]) {
        case HOLD_CLAIM:
          return 'looks at the length of the claim'
        case HOLD_TRYING:
          return is('recovery asks what is freed before it looks at the length')
            ? 'asks early what is freed'
            : 'looks at the seats of the living'
        default:
          return settled(s)
      }
    },
    'looks at the length of the claim': s => {
      const length = s[EVEN + unit(s)]!
      return length > 0 && length < CLAIMED ? settled(s) : 'asks whether the claim is unread'
    },
    'asks whether the claim is unread': s => {
      if (!isUnread(s)) return settled(s)
      s[size] = s[SEAT_UNITS + s[dead]!]!
      return 'writes the type of padding'
    },
    'asks early what is freed': s => {
      s[isUnreadEarly] = isUnread(s) ? 1 : 2
      return 'looks at the seats of the living'
    },
    'looks at the seats of the living': s => {
      const asks = !is('recovery does not ask the seats of the living')
      if (asks && s[DEATH + s[at]!]! <= DIED && s[SEAT_CURSOR + s[at]!] === s[cursor]) s[isContested] = 1
      s[at]!++
      if (s[at]! < writers) return 'looks at the seats of the living'
      s[at] = 0
      return 'looks at the length'
    },
    'looks at the length': s => (s[EVEN + unit(s)] === 0 ? 'asks whether it is unread' : settled(s)),
    'asks whether it is unread': s => {
      const unread = s[isUnreadEarly] === 0 ? isUnread(s) : s[isUnreadEarly] === 1
      if (!unread) return settled(s)
      if (s[isContested] === 1) return again(s)
      s[size] = nextSize(s, 0)
      if (is('recovery takes the first size tried')) {
        s[size] = s[SEAT_UNITS + s[dead]!]!
        return 'writes the type of padding'
      }
      return 'asks whether a claim of this size ends there'
    },
    'asks whether a claim of this size ends there': s => {
      if (s[size] === 0) return again(s)
      return s[cursor]! + s[size]! === s[end] ? 'writes the type of padding' : 'asks the seats for the boundary'
    },
    'asks the seats for the boundary': s => {
      const boundary = s[cursor]! + s[size]!
      const points = boundary < s[end]! && s[DEATH + s[at]!]! < RECOVERED && s[SEAT_CURSOR + s[at]!] === boundary
      s[at]!++
      if (points || s[at] === writers) {
        s[at] = 0
        return points ? 'writes the type of padding' : 'looks for a length at the boundary'
      }
      return 'asks the seats for the boundary'
    },
    'looks for a length at the boundary': s => {
      const boundary = s[cursor]! + s[size]!
      if (boundary < s[end]! && s[EVEN + (boundary % UNITS)] !== 0) return 'writes the type of padding'
      s[size] = nextSize(s, s[size]!)
      return 'asks whether a claim of this size ends there'
    },
    'writes the type of padding': s => {
      s[ODD + unit(s)] = PADDING
      return 'stores the length of padding'
    },
    'stores the length of padding': s => {
      s[EVEN + unit(s)] = s[size]!
      for (let w = 0; w < writers; w++) {
        if (s[DEATH + w] === IN_RECOVERY && s[SEAT_CURSOR + w] === s[cursor]) s[SEAT_HOLD + w] = HOLD_NOTHING
      }
      return settled(s)
    },
  }
  return { name: 'supervisor', steps, isService: true }
}
