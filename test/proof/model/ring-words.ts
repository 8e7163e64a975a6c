import { Words } from './explore.ts'

/** What can be done wrong in a ring with many writers: each must be caught. */
export const RING_MANY_BROKEN = [
  'claim by load and store',
  'zeroing is missing',
  'the read cursor is stored before the zeroes',
  'what is being freed is not announced',
  'the seat points to the claim only after it is made',
  'recovery on a timer while the writer lives',
  'recovery does not ask the seats of the living',
  'recovery takes the first size tried',
  'recovery asks what is freed before it looks at the length',
  'nobody recovers',
] as const
export type RingManyBroken = (typeof RING_MANY_BROKEN)[number]

export const UNITS = 4
export const PADDING = 99
/** A length that is claimed and not committed is this much larger. */
export const CLAIMED = 100
export const HOLD_NOTHING = 0
export const HOLD_TRYING = 1
export const HOLD_CLAIM = 2

/** The words that writers, reader and supervisor share. */
export class RingWords extends Words {
  readonly writers: number
  readonly WRITE = this.take()
  readonly READ = this.take()
  readonly FREEING = this.take()
  readonly EVEN = this.take(UNITS)
  readonly ODD = this.take(UNITS)
  readonly SEAT_CURSOR: number
  readonly SEAT_UNITS: number
  readonly SEAT_HOLD: number
  /** 0 lives · 1 has died · 2 is being recovered · 3 is recovered. */
  readonly DEATH: number
  readonly READER_DEATH = this.take()

  constructor(writers: number) {
    super()
    this.writers = writers
    this.SEAT_CURSOR = this.take(writers)
    this.SEAT_UNITS = this.take(writers)
    this.SEAT_HOLD = this.take(writers)
    this.DEATH = this.take(writers)
  }
}
