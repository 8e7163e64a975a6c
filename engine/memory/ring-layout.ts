import { SignalboxError } from '../errors.ts'

/**
 * The words of a ring. One SharedArrayBuffer: a head of 64-byte lines, one line per writer's seat, then the records.
 *
 *   word                                                                         owner (writes)
 *     0 MAGIC            "SBRG"                                                  createRing, once
 *     1 LAYOUT_VERSION   shape of all this                                       createRing, once
 *     2 KIND             1 one writer · 2 many writers                           createRing, once
 *     3 UNITS            size of the record area in units of 8 bytes, 2^n        createRing, once
 *     4 SEATS            how many writers may be open at a time                  createRing, once
 *     5 READER           0 no reader · 1 a reader is open                        the reader
 *    16 WRITE_CURSOR     claimed up to here (many), readable up to here (one)    the writers
 *    32 READ_CURSOR      everything before is free, and (many) zero              the reader
 *    33 FREEING_CURSOR   many: everything before was consumed, perhaps zeroed    the reader
 *    48 SLEEPING         1 the reader sleeps, or is about to                     reader sets, writer clears
 *    64 LOSS             records given up, modulo 2^32                           the writers, by add
 *    80 seats, 16 words each: see SEAT_STATE below                               the writer of the seat
 *     … records, 8-byte aligned:
 *
 *        0               4               8
 *        +---------------+---------------+---------------------------+-------+
 *        | length        | type          | payload, length - 8 bytes | to 8s |
 *        +---------------+---------------+---------------------------+-------+
 *        length counts itself: 0 nobody wrote here yet · negative claimed · positive committed
 *        type is the caller's, 0 and up; -1 is padding, which the reader steps over
 *
 * A record does not wrap: where it would, padding fills the rest of the area and the record begins at its start.
 *
 * Cursors count units modulo 2^32 and never stop growing, so a cursor names one lap of the ring for 32 GiB of traffic
 * and a claim that slept for a lap cannot mistake the next one for its own. Compare them by difference only. What many
 * threads write sits on different lines from what they read.
 */
export const MAGIC = 0
export const LAYOUT_VERSION = 1
export const KIND = 2
export const UNITS = 3
export const SEATS = 4
export const READER = 5
export const WRITE_CURSOR = 16
export const READ_CURSOR = 32
export const FREEING_CURSOR = 33
export const SLEEPING = 48
export const LOSS = 64
const FIRST_SEAT = 80

/**
 * A seat: one line that a writer keeps about its own claim, so that whoever learns of its death can finish the claim.
 *
 *   0 SEAT_STATE   free · taken by a living writer · dead and not yet recovered
 *   1 SEAT_CURSOR  the write cursor it last tried to claim from    by Atomics: recovery asks the seats of the living too
 *   2 SEAT_UNITS   how much it tried to claim                      plain: read after the writer's end only
 *   3 SEAT_HOLD    nothing · trying · holds the claim              plain: read after the writer's end only
 *
 * With one writer only SEAT_STATE is used: what that writer has not committed nobody can see.
 */
export const SEAT_STATE = 0
export const SEAT_CURSOR = 1
export const SEAT_UNITS = 2
export const SEAT_HOLD = 3
export const SEAT_WORDS = 16

export const STATE_FREE = 0
export const STATE_TAKEN = 1
export const STATE_DEAD = 2

export const HOLD_NOTHING = 0
export const HOLD_TRYING = 1
export const HOLD_CLAIM = 2

export const KIND_ONE = 1
export const KIND_MANY = 2

/** Length and type. */
export const HEADER_BYTES = 8
/** The type of what the reader steps over: the rest before a wrap, an aborted claim, the claim of a dead writer. */
export const PADDING = -1

const MAGIC_SBRG = 0x47524253
const LAYOUT = 1
const BYTES_MIN = 1024
const BYTES_MAX = 2 ** 30
const SEATS_DEFAULT = 64
const SEATS_MAX = 1024

/** What a ring is made from. */
export interface RingOptions {
  /** Size of the record area in bytes, 1 KiB to 1 GiB; rounded up to a power of two. */
  bytes: number
  /** Who writes: one thread at a time, or many at once. One reader either way. */
  writers: 'one' | 'many'
  /** How many writers may be open at a time, 1 to 1024, default 64: 64 bytes each. One writer: always 1. */
  seats?: number
}

/** The two views over a ring and the sizes read from its head once. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer
  /** The whole buffer as words. */
  readonly words: Int32Array
  /** The whole buffer as bytes. */
  readonly bytes: Uint8Array
  readonly hasManyWriters: boolean
  readonly units: number
  readonly seats: number
  /** The word at which the records begin. */
  readonly firstWord: number
  /** Longest payload in bytes: an eighth of the area, so that a wrap wastes little and several records always fit. */
  readonly longestBytes: number
}

/**
 * Lays out an empty ring. `startCursor` is where its cursors begin: 0, except in tests that want to see them wrap.
 *
 * @throws SignalboxError SBX_RING_INVALID for options out of range, or when the memory cannot be had
 */
export function layRing(options: RingOptions, startCursor = 0): RingMemory {
  const { bytes, writers, seats = writers === 'one' ? 1 : SEATS_DEFAULT } = options
  if (!Number.isInteger(bytes) || bytes < BYTES_MIN || bytes > BYTES_MAX) {
    throw invalid('create', `bytes is ${bytes}, ask for a whole number from ${BYTES_MIN} to ${BYTES_MAX}`)
  }
  if (writers !== 'one' && writers !== 'many') {
    throw invalid('create', `writers is ${JSON.stringify(writers)}, say 'one' or 'many'`)
  }
  const seatsMax = writers === 'one' ? 1 : SEATS_MAX
  if (!Number.isInteger(seats) || seats < 1 || seats > seatsMax) {
    throw invalid('create', `seats is ${seats}, ask for 1 to ${seatsMax} with writers: '${writers}'`)
  }
  const units = 2 ** Math.ceil(Math.log2(bytes)) / 8
  const words = new Int32Array(allocate(4 * seatWord(seats) + 8 * units))
  words[MAGIC] = MAGIC_SBRG
  words[LAYOUT_VERSION] = LAYOUT
  words[KIND] = writers === 'one' ? KIND_ONE : KIND_MANY
  words[UNITS] = units
  words[SEATS] = seats
  words[WRITE_CURSOR] = words[READ_CURSOR] = words[FREEING_CURSOR] = startCursor
  return ringMemory(words.buffer as SharedArrayBuffer)
}

/**
 * Checks that `buffer` is a ring of this layout and opens its views.
 *
 * @throws SignalboxError SBX_RING_INVALID when it is not
 */
export function ringMemory(buffer: SharedArrayBuffer): RingMemory {
  if (!(buffer instanceof SharedArrayBuffer))
    throw invalid('attach', 'no SharedArrayBuffer was given, pass ring.buffer')
  if (buffer.byteLength < 4 * FIRST_SEAT) {
    throw invalid('attach', `a buffer of ${buffer.byteLength} bytes is too short for a ring, pass ring.buffer`)
  }
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2)
  if (words[MAGIC] !== MAGIC_SBRG) throw invalid('attach', 'the buffer does not begin as a ring does, pass ring.buffer')
  if (words[LAYOUT_VERSION] !== LAYOUT) {
    const wish = 'let one build of signalbox make and use it'
    throw invalid('attach', `ring has layout version ${words[LAYOUT_VERSION]}, this build reads ${LAYOUT}, ${wish}`)
  }
  const units = words[UNITS]!
  const seats = words[SEATS]!
  if (buffer.byteLength !== 4 * seatWord(seats) + 8 * units || (units & (units - 1)) !== 0) {
    throw invalid(
      'attach',
      `${seats} seats and ${units} units do not make ${buffer.byteLength} bytes, pass ring.buffer whole`,
    )
  }
  return {
    buffer,
    words,
    bytes: new Uint8Array(buffer),
    hasManyWriters: words[KIND] === KIND_MANY,
    units,
    seats,
    firstWord: seatWord(seats),
    longestBytes: units,
  }
}

/** The first word of a writer's seat. */
export function seatWord(id: number): number {
  return FIRST_SEAT + id * SEAT_WORDS
}

/** The word of the header at which a cursor points. */
export function headerWord(memory: RingMemory, cursor: number): number {
  return memory.firstWord + 2 * (cursor & (memory.units - 1))
}

/** How every complaint about a ring is made: cannot + action, state, wish. */
export function invalid(action: string, stateAndWish: string, options?: ErrorOptions): SignalboxError {
  return new SignalboxError('SBX_RING_INVALID', `Cannot ${action} ring: ${stateAndWish}`, options)
}

function allocate(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes)
  } catch (cause) {
    throw invalid('create', `${bytes} bytes of shared memory are not to be had, ask for less`, { cause })
  }
}
