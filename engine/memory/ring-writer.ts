import { SignalboxError } from '../errors.ts'
import { atomics } from './atomics.ts'
import {
  HOLD_NOTHING,
  invalid,
  LOSS,
  READ_CURSOR,
  type RingMemory,
  SEAT_CURSOR,
  SEAT_HOLD,
  SEAT_STATE,
  STATE_FREE,
  STATE_TAKEN,
  seatWord,
} from './ring-layout.ts'

/**
 * Why a claim, or a recovery, gave no result: all negative, so that one comparison tells them from an offset or a
 * count.
 */
export const RING = {
  /** No room until the reader has read; nothing was overwritten. */
  FULL: -1,
  /** Longer than `ring.longestBytes`, or not a length: no waiting helps. */
  TOO_LONG: -2,
  /** The type is not a whole number from 0 to 2^31 - 1. */
  BAD_TYPE: -3,
  /** This writer's last claim is neither committed nor aborted. */
  CLAIM_OPEN: -4,
  /** This writer was closed. */
  CLOSED: -5,
  /** From `recover`: a living writer stands at the same place, ask again in a moment. */
  AGAIN: -6,
} as const

const NO_CLAIM = 0
const NO_MORE = -1

/**
 * One thread's way into a ring. It sits on a seat, by whose number (`id`) the thread's death can be told to
 * `ring.recover`. Claim, fill in place, commit; or `write` what you already have. Nothing here allocates per record.
 */
export abstract class RingWriter {
  /** The number of the seat. */
  readonly id: number
  /** The whole ring as bytes; the payload of an open claim begins at the offset that `tryClaim` returned. */
  readonly bytes: Uint8Array
  /** The same memory as 32-bit words; the payload begins at `offset >> 2`. */
  readonly words: Int32Array
  /** Whether the reader slept or dozed when the last record was committed. One that dozed has to be sent word, see RingReader.doze. */
  hasWoken = false
  protected readonly memory: RingMemory
  protected openOffset = NO_CLAIM
  protected openType = 0
  readonly #text: Buffer

  /** Use `ring.writer()`, which takes the seat first. */
  constructor(memory: RingMemory, id: number) {
    this.memory = memory
    this.id = id
    this.bytes = memory.bytes
    this.words = memory.words
    this.#text = Buffer.from(memory.buffer)
  }

  /**
   * Claims room for a record of `bytes` payload bytes and returns the offset of the payload, a multiple of 8 and never
   * 0; or a negative reason, one of `RING`. The record is not readable before `commit`. One claim at a time.
   */
  abstract tryClaim(type: number, bytes: number): number

  /** Makes the claim at `offset` readable. @throws SignalboxError SBX_RING_INVALID when that is not the open claim */
  abstract commit(offset: number): void

  /**
   * Gives the claim at `offset` up; its reader never hears of it. @throws SignalboxError SBX_RING_INVALID as for commit
   */
  abstract abort(offset: number): void

  /**
   * Claims, copies and commits; a string goes in as UTF-8, nothing as an empty payload. False when it was refused:
   * full, or longer than `ring.longestBytes`.
   */
  write(type: number, payload?: Uint8Array | string): boolean {
    if (typeof payload === 'string') {
      const bytes = Buffer.byteLength(payload)
      const offset = this.tryClaim(type, bytes)
      if (offset < 0) return false
      this.#text.write(payload, offset, bytes, 'utf8')
      this.commit(offset)
      return true
    }
    const offset = this.tryClaim(type, payload === undefined ? 0 : payload.length)
    if (offset < 0) return false
    if (payload !== undefined) this.bytes.set(payload, offset)
    this.commit(offset)
    return true
  }

  /** As `write`, for what nobody waits for: a record that is refused is counted as lost. */
  writeOrLose(type: number, payload?: Uint8Array | string): boolean {
    const isWritten = this.write(type, payload)
    if (!isWritten) this.lose(1)
    return isWritten
  }

  /**
   * Counts `records` as given up, for whoever reads `ring.loss`.
   *
   * writes    LOSS
   * reads     LOSS
   * ordering  SeqCst add: every writer's losses count, and none twice
   * progress  wait-free
   * pairs     ring.loss
   */
  lose(records = 1): void {
    atomics.add(this.words, LOSS, records)
  }

  /** Aborts an open claim and gives the seat back. As often as you like; a claim afterwards is refused as CLOSED. */
  close(): void {
    if (this.openOffset === NO_MORE) return
    if (this.openOffset !== NO_CLAIM) this.abort(this.openOffset)
    this.openOffset = NO_MORE
    atomics.store(this.words, seatWord(this.id) + SEAT_STATE, STATE_FREE)
  }

  /** The reason to refuse such a claim whatever the room, or 0. */
  protected refusal(type: number, bytes: number): number {
    if (this.openOffset !== NO_CLAIM) return this.openOffset === NO_MORE ? RING.CLOSED : RING.CLAIM_OPEN
    if ((type | 0) !== type || type < 0) return RING.BAD_TYPE
    if ((bytes | 0) !== bytes || bytes < 0 || bytes > this.memory.longestBytes) return RING.TOO_LONG
    return 0
  }

  /** Takes the open claim for ending; returns the word of its header. */
  protected endClaim(action: string, offset: number): number {
    if (offset <= 0 || offset !== this.openOffset) {
      const open = this.openOffset > 0 ? `the open claim is at ${this.openOffset}` : 'no claim is open'
      throw invalid(action, `offset is ${offset} and ${open}, pass what tryClaim returned, once`)
    }
    this.openOffset = NO_CLAIM
    return (offset >> 2) - 2
  }
}

/**
 * Sits down on seat `id`, or on the first free one, and returns its number.
 *
 * writes    SEAT_STATE (free to taken), then SEAT_HOLD and SEAT_CURSOR of the own seat
 * reads     SEAT_STATE, READ_CURSOR
 * ordering  SeqCst compareExchange: of two writers one sits. SEAT_CURSOR starts one behind the reader, where no claim
 *           can be
 * progress  wait-free: one attempt per seat
 * pairs     close and recover, which free it
 * @throws SignalboxError SBX_RING_INVALID for a seat that does not exist, SBX_RING_SEATS_TAKEN when it, or every one,
 * is taken
 */
export function takeSeat(memory: RingMemory, id?: number): number {
  const { words, seats } = memory
  if (id !== undefined && (!Number.isInteger(id) || id < 0 || id >= seats)) {
    throw invalid('write to', `writer id is ${id}, this ring has the seats 0 to ${seats - 1}`)
  }
  for (let at = id ?? 0; at <= (id ?? seats - 1); at++) {
    const seat = seatWord(at)
    if (atomics.compareExchange(words, seat + SEAT_STATE, STATE_FREE, STATE_TAKEN) !== STATE_FREE) continue
    words[seat + SEAT_HOLD] = HOLD_NOTHING
    atomics.store(words, seat + SEAT_CURSOR, (atomics.load(words, READ_CURSOR) - 1) | 0)
    return at
  }
  const state = id === undefined ? `all ${seats} seats are taken` : `seat ${id} is taken`
  const wish = 'close a writer, or recover one that died'
  throw new SignalboxError('SBX_RING_SEATS_TAKEN', `Cannot write to ring: ${state}, ${wish}`)
}
