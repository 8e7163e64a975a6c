/**
 * One thread of limits.stress.test.ts, breaker.stress.test.ts and storm.stress.test.ts: picks and settles until it is told
 * to stop, and adds up what it saw in shared counters.
 */
import { isMainThread, workerData } from 'node:worker_threads'
import { realAtomics, useAtomics } from '../../engine/memory/atomics.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { BREAKER_PROBE, CLOCK_MS_AT, ROW_WORDS } from '../../engine/memory/layout.ts'
import type { RegionHandle } from '../../engine/memory/region.ts'
import { isProbe, rowOfTicket } from '../../engine/memory/ticket.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'

/** Shared counters of all threads. */
export const STOP = 0
export const PICKED = 1
export const REFUSED = 2
/** What was seen that must not be. */
export const WRONG = 3
/** Requests in flight in the service, and the most there were. */
export const HELD = 4
export const HELD_MOST = 5
export const PROBES = 6
/** How far the writer of the storm has come, and the most steps of one pick. */
export const SEQUENCE = 7
export const STEPS_MOST = 8
/** Barred rows that were drawn by somebody who does not look. */
export const BLIND = 9
/** Of the last two probes that met: how many were out, whom the row said it was, and who saw it (seats + 1). */
export const MET = 10
export const COUNTERS = 13

export type Role = 'hold' | 'probe' | 'probe without a claim' | 'pick in a storm'

export interface Part {
  role: Role
  seed: number
  handle: RegionHandle
  counters: SharedArrayBuffer
  /** A word for each row: requests in flight there; 1 while its probe is out; when it was barred. */
  marks: SharedArrayBuffer
  /** Requests that an endpoint, and the service, may have in flight. */
  endpointMost: number
  serviceMost: number
}

const HOLDS_MOST = 3

/** As long as nobody says stop. */
function* turns(counters: Int32Array): Generator<number> {
  for (let turn = 0; Atomics.load(counters, STOP) === 0; turn++) yield turn
}

function raise(counters: Int32Array, counter: number, to: number): void {
  for (let most = counters[counter]; to > most; ) {
    const seen = Atomics.compareExchange(counters, counter, most, to)
    if (seen === most) return
    most = seen
  }
}

/** Holds a few requests at a time, and counts for itself how many all hold. */
function hold(
  router: Router,
  { seed, endpointMost, serviceMost }: Part,
  counters: Int32Array,
  marks: Int32Array,
): void {
  const dice = createDice(seed)
  const held: number[] = []
  const settle = (): void => {
    const [ticket] = held.splice(below(dice(), held.length), 1)
    Atomics.sub(marks, rowOfTicket(ticket), 1)
    Atomics.sub(counters, HELD, 1)
    router.settle(ticket, 'ok', 1)
  }
  for (const _ of turns(counters)) {
    const ticket = router.pick()
    if (ticket >= 0) {
      held.push(ticket)
      const inService = Atomics.add(counters, HELD, 1) + 1
      const atEndpoint = Atomics.add(marks, rowOfTicket(ticket), 1) + 1
      if (inService > serviceMost || atEndpoint > endpointMost) Atomics.add(counters, WRONG, 1)
      raise(counters, HELD_MOST, inService)
    }
    Atomics.add(counters, ticket >= 0 ? PICKED : REFUSED, 1)
    if (held.length > 0 && (ticket < 0 || held.length === HOLDS_MOST)) settle()
  }
  while (held.length > 0) settle()
}

/**
 * Sends requests that nearly all fail, to breakers that are due as soon as they are open: most are probes. The clock goes on
 * with every request, so that every pick looks for a probe that is due.
 */
function probe(router: Router, { seed, handle }: Part, counters: Int32Array, marks: Int32Array): void {
  const dice = createDice(seed)
  const { region, seat } = attach(handle)
  const { words, layout } = region
  for (const _ of turns(counters)) {
    // By add: a thread that is put aside in the middle of an increment would set it back by all that others have added since.
    Atomics.add(words, CLOCK_MS_AT, 1)
    const ticket = router.pick()
    Atomics.add(counters, ticket >= 0 ? PICKED : REFUSED, 1)
    if (ticket < 0) continue
    const row = rowOfTicket(ticket)
    if (isProbe(ticket)) {
      Atomics.add(counters, PROBES, 1)
      const others = Atomics.add(marks, row, 1)
      if (others !== 0) {
        const named = Atomics.load(words, layout.endpointsAt + row * ROW_WORDS + BREAKER_PROBE)
        counters.set([others, named, seat + 1], MET)
        Atomics.add(counters, WRONG, 1)
      }
      Atomics.sub(marks, row, 1)
    }
    router.settle(ticket, below(dice(), 8) === 0 ? 'ok' : 'error', 1)
  }
}

/** Picks while bars come and go: never a row that was barred before the pick began. */
function pickInStorm(router: Router, { seed }: Part, counters: Int32Array, marks: Int32Array): void {
  const dice = createDice(seed)
  let steps = 0
  const { at } = Candidates.prototype
  Candidates.prototype.at = function (this: Candidates, position: number): number {
    steps++
    return at.call(this, position)
  }
  // Barred before the pick began, and not let in since.
  const wasBarred = (row: number, before: number): boolean => {
    const since = Atomics.load(marks, row)
    return since !== 0 && since <= before
  }
  for (const turn of turns(counters)) {
    const before = Atomics.load(counters, SEQUENCE)
    steps = 0
    const ticket = router.pick(turn)
    raise(counters, STEPS_MOST, steps)
    Atomics.add(counters, ticket >= 0 ? PICKED : REFUSED, 1)
    if (wasBarred(below(dice(), marks.length), before)) Atomics.add(counters, BLIND, 1)
    if (ticket < 0) continue
    if (wasBarred(rowOfTicket(ticket), before)) Atomics.add(counters, WRONG, 1)
    router.settle(ticket, 'ok', 1)
  }
}

if (!isMainThread && workerData !== null && typeof workerData === 'object' && 'endpointMost' in workerData) {
  const part = workerData as Part
  const counters = new Int32Array(part.counters)
  const marks = new Int32Array(part.marks)
  if (part.role === 'probe without a claim') {
    const { load, store, add, sub, and, or, exchange, notify, wait } = realAtomics
    const compareExchange = (words: Int32Array, index: number, expected: number, replacement: number): number => {
      const found = load(words, index)
      // As long as a thread may be interrupted between the two.
      for (let i = 0; i < 500; i++) load(words, index)
      if (found === expected) store(words, index, replacement)
      return found
    }
    useAtomics({ load, store, add, sub, and, or, exchange, compareExchange, notify, wait })
  }
  const router = new Router(attach(part.handle), 'api')
  if (part.role === 'hold') hold(router, part, counters, marks)
  else if (part.role === 'pick in a storm') pickInStorm(router, part, counters, marks)
  else probe(router, part, counters, marks)
}
