import { threadId } from 'node:worker_threads'
import { SignalboxError } from '../errors.ts'
import { atomics } from './atomics.ts'
import {
  BREAKER_PROBE,
  BUILDER_AT,
  DRAINER_AT,
  ROW_WORDS,
  SEAT_PIN,
  SEAT_PIN_NEXT,
  SEAT_THREAD,
  SEAT_WORDS,
  SEATS_HIGH_AT,
  TOTAL_WAITING_MS,
  TOTAL_WORDS,
  TRIAL_AT,
  WRITER_AT,
} from './layout.ts'
import type { Region } from './region.ts'
import { touchService } from './service-table.ts'

/** In place of the seat of a canary: it has ended, or left, before the trial was over. */
export const CANARY_LOST = -1

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

/**
 * Gives back all that this thread holds by a seat: its in-flight and gauges, probes it has out, its pin, its right to
 * write, drain or build, and last the seat itself. Does nothing when the seat is free. While it is at it, SEAT_THREAD is negated: should
 * the thread die within, freeSeatOf still knows whose seat it was.
 *
 * writes    the seat's in-flight words and gauges, BREAKER_PROBE of rows that name it, REVISION of every service, SEAT_PIN,
 *           SEAT_PIN_NEXT, WRITER, DRAINER, BUILDER and TRIAL if they name it, SEAT_THREAD
 * reads     SEAT_THREAD, WRITER, DRAINER, BUILDER
 * ordering  SeqCst compareExchange of SEAT_THREAD, Unordered zeroing of words whose only writer is this, then SeqCst
 *           stores; SEAT_THREAD last, so that a new taker finds everything zero
 * progress  wait-free
 * pairs     takeSeat, freeSeatOf
 */
export function freeSeat(region: Region, seat: number): void {
  const word = seatWord(region, seat, SEAT_THREAD)
  const holder = atomics.load(region.words, word)
  if (holder > 0 && atomics.compareExchange(region.words, word, holder, -holder) === holder) clearSeat(region, seat)
}

/**
 * The same for a thread that has ended, wherever it was. Call it after its `exit` event: never because it has been
 * silent for long. Of several that call it for one thread, one does it; SEAT_THREAD then names that one, negated, so that
 * whoever hears of its end, should it die within, finds the seat among its seats.
 *
 * writes, reads, ordering, progress  as freeSeat
 * pairs     takeSeat, freeSeat
 */
export function freeSeatOf(region: Region, seat: number, thread: number): void {
  const word = seatWord(region, seat, SEAT_THREAD)
  for (const holder of [thread + 1, -(thread + 1)]) {
    if (atomics.compareExchange(region.words, word, holder, -(threadId + 1)) !== holder) continue
    clearSeat(region, seat)
    return
  }
}

function clearSeat(region: Region, seat: number): void {
  const { words, layout } = region
  const inflightAt = layout.inflightAt + seat * layout.inflightStride
  words.fill(0, inflightAt, inflightAt + layout.rows)
  const totalsAt = layout.totalsAt + seat * layout.totalsStride
  for (let row = 0; row < layout.rows; row++) words[totalsAt + row * TOTAL_WORDS + TOTAL_WAITING_MS] = 0
  const gaugesAt = layout.gaugesAt + seat * layout.gaugesStride
  words.fill(0, gaugesAt, gaugesAt + layout.gaugesStride)
  for (let row = 0; row < layout.rows; row++) {
    atomics.compareExchange(words, layout.endpointsAt + row * ROW_WORDS + BREAKER_PROBE, seat + 1, 0)
  }
  atomics.compareExchange(words, TRIAL_AT, seat + 1, CANARY_LOST)
  // The dead may have changed a fact and not have told of it.
  for (let service = 0; service < layout.services; service++) {
    touchService(region, service)
  }
  atomics.store(words, seatWord(region, seat, SEAT_PIN), 0)
  atomics.store(words, seatWord(region, seat, SEAT_PIN_NEXT), 0)
  // A table half written by the dead is in a slot that nobody was told of: there is nothing to repair.
  atomics.compareExchange(words, WRITER_AT, seat + 1, 0)
  atomics.compareExchange(words, DRAINER_AT, seat + 1, 0)
  atomics.compareExchange(words, BUILDER_AT, seat + 1, 0)
  atomics.store(words, seatWord(region, seat, SEAT_THREAD), 0)
}

/** The seats a thread holds, by the id `worker.threadId` had while it lived. */
export function seatsOfThread(region: Region, thread: number): number[] {
  const seats: number[] = []
  for (let seat = 0; seat < region.layout.seats; seat++) {
    const holder = atomics.load(region.words, seatWord(region, seat, SEAT_THREAD))
    if (holder === thread + 1 || holder === -(thread + 1)) seats.push(seat)
  }
  return seats
}
