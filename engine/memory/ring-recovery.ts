import { atomics } from './atomics.ts'
import {
  FREEING_CURSOR,
  HOLD_CLAIM,
  HOLD_NOTHING,
  HOLD_TRYING,
  headerWord,
  invalid,
  PADDING,
  type RingMemory,
  SEAT_CURSOR,
  SEAT_HOLD,
  SEAT_STATE,
  SEAT_UNITS,
  STATE_DEAD,
  STATE_FREE,
  STATE_TAKEN,
  seatWord,
  WRITE_CURSOR,
} from './ring-layout.ts'
import { wakeReader } from './ring-sleep.ts'
import { RING } from './ring-writer.ts'

/**
 * How often recovery looks again before it tells its caller to come back: a living writer is past the spot within a few
 * steps.
 */
const LOOKS = 1000

/**
 * Finishes what a dead writer began: its claimed record becomes padding, and its seat is free again. Returns 1 when a
 * claim was turned to padding, 0 when there was none to turn, or RING.AGAIN: a living writer stands where the dead one
 * tried to claim and has not taken its next step; nothing was changed, call again.
 *
 * Only for whoever *knows* that the writer's thread has ended (its `exit` event), and for one caller at a time: a
 * supervisor.
 *
 * writes    SEAT_STATE of the dead; type and length of its claim; SEAT_HOLD
 * reads     WRITE_CURSOR, the seats, the length of the claim, FREEING_CURSOR, in this order
 * ordering  the dead writer's plain words were written before its end, which the caller has seen. Of the living only
 *           Atomics are read. FREEING_CURSOR is read by add(0): with the reader's exchange either we see that it began
 *           to zero, or our look at the length came before its first zero
 * progress  wait-free: a bounded number of looks
 * pairs     tryClaim, commit (of the dead writer), giveBack (of the reader)
 */
export function recoverSeat(memory: RingMemory, id: number): number {
  const { words } = memory
  if (!Number.isInteger(id) || id < 0 || id >= memory.seats) {
    throw invalid('recover', `writer id is ${id}, this ring has the seats 0 to ${memory.seats - 1}`)
  }
  const seat = seatWord(id)
  if (atomics.load(words, seat + SEAT_STATE) === STATE_FREE) return 0
  atomics.store(words, seat + SEAT_STATE, STATE_DEAD)
  const result = memory.hasManyWriters ? settleClaim(memory, seat) : 0
  if (result === RING.AGAIN) return result
  words[seat + SEAT_HOLD] = HOLD_NOTHING
  atomics.store(words, seat + SEAT_STATE, STATE_FREE)
  // Even without a claim to turn: the writer may have ended between its last commit and waking the reader.
  wakeReader(words)
  return result
}

function settleClaim(memory: RingMemory, seat: number): number {
  const { words } = memory
  const cursor = atomics.load(words, seat + SEAT_CURSOR)
  const endCursor = atomics.load(words, WRITE_CURSOR)
  switch (words[seat + SEAT_HOLD]) {
    case HOLD_CLAIM:
      if (atomics.load(words, headerWord(memory, cursor)) > 0) return 0 // committed, and then ended before it cleared its seat
      if (!isUnread(memory, cursor, endCursor)) return 0 // committed, and read since
      turnToPadding(memory, cursor, words[seat + SEAT_UNITS]!)
      return 1
    case HOLD_TRYING:
      return settleAttempt(memory, cursor, endCursor)
    default:
      return 0
  }
}

/**
 * The dead writer was about to claim from `cursor`, or just had: its seat does not say. Everyone who tried there has,
 * or had, a seat pointing there, so the owner is found by leaving out who it is not:
 *
 * 1. The length there is not 0: its owner got further than the dead writer, whose seat would say that it holds the
 *    claim.
 * 2. The write cursor had not passed `cursor`: nobody claimed there. (A writer that does later is alive.)
 * 3. FREEING_CURSOR has passed `cursor`: the length is 0 because the record was read and zeroed.
 * 4. A living writer's seat points there: it may be the owner. Alive, it takes its next step (writes its length, or
 *    steps aside) and is then out of the question; until then, AGAIN. Its seat was looked at before the length.
 * 5. What is left: one of the dead owns it. If several died at this very place, the length of the claim is the smallest
 *    tried that ends where the write cursor is, or where somebody else has claimed (a length) or tried to (a seat):
 *    within the real claim there is none of the three, because its owner ended before it could write there, and
 *    whatever begins behind the real one shows one of the three.
 *
 * From then on nobody but us can change this place: the reader stands before it and its owner is dead.
 */
function settleAttempt(memory: RingMemory, cursor: number, endCursor: number): number {
  const { words } = memory
  for (let look = 0; look < LOOKS; look++) {
    const isContested = somebodyPointsAt(memory, cursor, STATE_TAKEN)
    if (atomics.load(words, headerWord(memory, cursor)) !== 0) return 0
    if (!isUnread(memory, cursor, endCursor)) return 0
    if (isContested) continue
    const dead = deadAt(memory, cursor)
    const sizes = dead.map(seat => words[seat + SEAT_UNITS]!).sort((a, b) => a - b)
    const units = sizes.find(size => isBoundary(memory, (cursor + size) | 0, endCursor))
    if (units === undefined) continue
    turnToPadding(memory, cursor, units)
    for (const seat of dead) words[seat + SEAT_HOLD] = HOLD_NOTHING
    return 1
  }
  return RING.AGAIN
}

/**
 * Whether the claim at `cursor` is still before the reader, and before `endCursor`. Call it after looking at its
 * length.
 */
function isUnread(memory: RingMemory, cursor: number, endCursor: number): boolean {
  const freeingCursor = atomics.add(memory.words, FREEING_CURSOR, 0)
  const ahead = (cursor - freeingCursor) | 0
  return ahead >= 0 && ahead < ((endCursor - freeingCursor) | 0)
}

/** Seats first, then the length: an owner writes its length before its seat points elsewhere. */
function isBoundary(memory: RingMemory, cursor: number, endCursor: number): boolean {
  const ahead = (endCursor - cursor) | 0
  if (ahead <= 0) return ahead === 0
  if (somebodyPointsAt(memory, cursor, STATE_TAKEN) || somebodyPointsAt(memory, cursor, STATE_DEAD)) return true
  return atomics.load(memory.words, headerWord(memory, cursor)) !== 0
}

function somebodyPointsAt(memory: RingMemory, cursor: number, state: number): boolean {
  const { words, seats } = memory
  for (let id = 0; id < seats; id++) {
    const seat = seatWord(id)
    if (atomics.load(words, seat + SEAT_STATE) === state && atomics.load(words, seat + SEAT_CURSOR) === cursor)
      return true
  }
  return false
}

function deadAt(memory: RingMemory, cursor: number): number[] {
  const { words, seats } = memory
  const found: number[] = []
  for (let id = 0; id < seats; id++) {
    const seat = seatWord(id)
    const isDead = atomics.load(words, seat + SEAT_STATE) === STATE_DEAD
    if (isDead && atomics.load(words, seat + SEAT_CURSOR) === cursor && words[seat + SEAT_HOLD] !== HOLD_NOTHING) {
      found.push(seat)
    }
  }
  return found
}

function turnToPadding(memory: RingMemory, cursor: number, units: number): void {
  const header = headerWord(memory, cursor)
  memory.words[header + 1] = PADDING
  atomics.store(memory.words, header, units << 3)
}
