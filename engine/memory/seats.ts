import { threadId } from 'node:worker_threads'
import { SignalboxError } from '../errors.ts'
import { atomics } from './atomics.ts'
import { DRAINER_AT, SEAT_PIN, SEAT_PIN_NEXT, SEAT_THREAD, SEAT_WORDS, SEATS_HIGH_AT, WRITER_AT } from './layout.ts'
import type { Region } from './region.ts'

/**
 * A seat is a thread's place in the region: its pin, its block of in-flight counts and totals, its outcome ring. What
 * a thread writes per request lies in its own seat, so picks on two threads never contend for a word.
 */
export function seatWord(region: Region, seat: number, word: number): number {
  return region.layout.seatsAt + seat * SEAT_WORDS + word
}

/**
 * Takes the lowest free seat for this thread. Throws SBX_REGION_SEATS_TAKEN when all are taken.
 *
 * writes    SEAT_THREAD of the seat, SEATS_HIGH
 * reads     SEAT_THREAD of every seat below it
 * ordering  SeqCst compareExchange: of two takers one gets the seat
 * progress  lock-free: a taker that loses one seat goes on to the next
 * pairs     freeSeat
 */
export function takeSeat(region: Region): number {
  const { words, layout } = region
  for (let seat = 0; seat < layout.seats; seat++) {
    if (atomics.compareExchange(words, seatWord(region, seat, SEAT_THREAD), 0, threadId + 1) !== 0) continue
    let high = atomics.load(words, SEATS_HIGH_AT)
    while (high <= seat) {
      const seen = atomics.compareExchange(words, SEATS_HIGH_AT, high, seat + 1)
      if (seen === high) break
      high = seen
    }
    return seat
  }
  throw new SignalboxError(
    'SBX_REGION_SEATS_TAKEN',
    `Cannot attach: all ${layout.seats} seats are taken; close routers of threads that ended (box.watch(worker) does it), ` +
      'or create the box with a larger capacity.seats',
  )
}

/** In SEAT_THREAD while the seat is being given back: neither free nor anybody's. */
const GOING = -1

/**
 * Gives back all that a thread held: its in-flight, its pin, its right to write or drain, and last the seat itself.
 * Call it from that thread, or after its `exit` event: never because it has been silent for long. Of two that call it
 * for one thread, one does it.
 *
 * writes    the seat's in-flight words, SEAT_PIN, SEAT_PIN_NEXT, WRITER and DRAINER if they name it, SEAT_THREAD
 * reads     SEAT_THREAD, WRITER, DRAINER
 * ordering  SeqCst compareExchange of SEAT_THREAD, Unordered zeroing of words whose only writer is gone, then SeqCst
 *           stores; SEAT_THREAD last, so that a new taker finds everything zero
 * progress  wait-free. A caller that dies within loses the seat for good, nothing else
 * pairs     takeSeat
 */
export function freeSeat(region: Region, seat: number, thread = holderOf(region, seat)): void {
  const { words, layout } = region
  if (thread < 0) return
  if (atomics.compareExchange(words, seatWord(region, seat, SEAT_THREAD), thread + 1, GOING) !== thread + 1) return
  const inflightAt = layout.inflightAt + seat * layout.inflightStride
  words.fill(0, inflightAt, inflightAt + layout.rows)
  atomics.store(words, seatWord(region, seat, SEAT_PIN), 0)
  atomics.store(words, seatWord(region, seat, SEAT_PIN_NEXT), 0)
  // A table half written by the dead is in a slot that nobody was told of: there is nothing to repair.
  atomics.compareExchange(words, WRITER_AT, seat + 1, 0)
  atomics.compareExchange(words, DRAINER_AT, seat + 1, 0)
  atomics.store(words, seatWord(region, seat, SEAT_THREAD), 0)
}

/** Id of the thread in a seat; below zero when it is free or being given back. */
function holderOf(region: Region, seat: number): number {
  return atomics.load(region.words, seatWord(region, seat, SEAT_THREAD)) - 1
}

/** The seats a thread holds, by the id `worker.threadId` had while it lived. */
export function seatsOfThread(region: Region, thread: number): number[] {
  const seats: number[] = []
  for (let seat = 0; seat < region.layout.seats; seat++) {
    if (atomics.load(region.words, seatWord(region, seat, SEAT_THREAD)) === thread + 1) seats.push(seat)
  }
  return seats
}
