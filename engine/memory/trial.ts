import { atomics } from './atomics.ts'
import { ARRIVING, LEAVING } from './bars.ts'
import {
  SEAT_THREAD,
  TOTAL_PICKED,
  TOTAL_WORDS,
  TRIAL_AT,
  TRIAL_BEGAN_MS_AT,
  TRIAL_SINCE_MS_AT,
  TRIAL_VERSION_AT,
} from './layout.ts'
import type { Region } from './region.ts'
import { CANARY_LOST, seatWord } from './seats.ts'
import { touchService } from './service-table.ts'
import { isAtLeast, versionOf } from './slots.ts'

/**
 * A change of structure that an agent asked for, tried by one thread before the rest.
 *
 *   TRIAL          the canary ignores   the others ignore   what it is
 *   0                                   LEAVING             no trial
 *   seat + 1       ARRIVING             LEAVING             on trial: the canary picks newcomers, and not who leaves
 *   −1             –                    LEAVING             the canary is lost
 *   −2             ARRIVING             ARRIVING            it holds: all go by it
 *   −3             LEAVING              LEAVING             it is taken back: all as before
 *
 *   edit ▶ seat + 1 ─┬─ 5 s, and it holds ──▶ −2 ──▶ ARRIVING cleared, LEAVING unlisted ──▶ 0
 *                    └─ fails, or −1 ───────▶ −3 ──▶ LEAVING cleared, ARRIVING unlisted ──▶ 0
 *
 * Both bars are facts like others: a thread derives which of them it goes by when one has changed, and the pick tests the bits
 * it tests anyway. So at −2 a thread goes from the old to the new with one look, never with neither or half, and nothing of it
 * can go wrong that facts cannot (test/proof/model/facts.ts, trial.ts). Rows it does not go by are not counted in its tiers.
 */
export const NO_TRIAL = 0
export const SPREADING = -2
export const WITHDRAWING = -3

/** How long a change is tried, from when it was last added to. */
export const TRIAL_MS = 5_000
/** So long after the first change of a trial no more are added: it would never end. */
export const TRIAL_MS_MAX = 15_000

/** The seat of the canary + 1, or a state. SeqCst load. */
export function trialState({ words }: Region): number {
  return atomics.load(words, TRIAL_AT)
}

/**
 * Which of the bars of a trial this seat does not go by, having pinned this published word. As long as that is a structure from
 * before the trial it goes by the old whatever the state: the newcomers are not in it, and without who leaves nobody might be.
 *
 * writes    nothing
 * reads     TRIAL, then TRIAL_VERSION
 * ordering  SeqCst loads
 * progress  wait-free
 * pairs     beginTrial, turnTrial
 */
export function ignoredOfTrial(region: Region, seat: number, pinned: number): number {
  const state = trialState(region)
  if (state !== seat + 1 && state !== SPREADING) return LEAVING
  return isAtLeast(versionOf(pinned), atomics.load(region.words, TRIAL_VERSION_AT)) ? ARRIVING : LEAVING
}

/**
 * Puts what follows on trial, as the version that it is published as. Only while holding the right to write, before that.
 *
 * writes    TRIAL_VERSION, TRIAL_SINCE_MS, TRIAL_BEGAN_MS, then TRIAL if there is no trial
 * reads     SEAT_THREAD of the canary, after TRIAL is written: it may have gone since it was chosen. freeSeat marks SEAT_THREAD
 *           before it looks at TRIAL, so one of the two sees the other
 * ordering  SeqCst compareExchange before the publication: who sees newcomers sees that they are tried
 * progress  wait-free
 * pairs     ignoredOfTrial; freeSeat, when the canary ends
 */
export function beginTrial(region: Region, canary: number, version: number, nowMs: number): void {
  const { words } = region
  atomics.store(words, TRIAL_VERSION_AT, version)
  words[TRIAL_SINCE_MS_AT] = nowMs
  if (atomics.load(words, TRIAL_AT) !== NO_TRIAL) return
  words[TRIAL_BEGAN_MS_AT] = nowMs
  atomics.compareExchange(words, TRIAL_AT, NO_TRIAL, canary + 1)
  if (atomics.load(words, seatWord(region, canary, SEAT_THREAD)) > 0) return
  atomics.compareExchange(words, TRIAL_AT, canary + 1, CANARY_LOST)
}

/**
 * Takes a trial to its next state, for all threads at once. False: it is in another by now.
 *
 * writes    TRIAL, then REVISION of every service
 * ordering  SeqCst compareExchange, then SeqCst adds, as switchAgent
 * progress  wait-free
 * pairs     ignoredOfTrial
 */
export function turnTrial(region: Region, from: number, to: number): boolean {
  if (atomics.compareExchange(region.words, TRIAL_AT, from, to) !== from) return false
  for (let service = 0; service < region.layout.services; service++) touchService(region, service)
  return true
}

/** The clock when something was last put on trial, and when the trial began. */
export function trialTimes({ words }: Region): { sinceMs: number; beganMs: number } {
  return { sinceMs: words[TRIAL_SINCE_MS_AT], beganMs: words[TRIAL_BEGAN_MS_AT] }
}

/** The seat that has picked most of those that are taken; −1 where fewer than two have: then there is no rest to spare. */
export function chooseCanary(region: Region): number {
  const { words, layout } = region
  let canary = -1
  let most = 0
  let picking = 0
  for (let seat = 0; seat < layout.seats; seat++) {
    if (atomics.load(words, seatWord(region, seat, SEAT_THREAD)) <= 0) continue
    const at = layout.totalsAt + seat * layout.totalsStride + TOTAL_PICKED
    let picked = 0
    for (let row = 0; row < layout.rows; row++) picked += words[at + row * TOTAL_WORDS] >>> 0
    if (picked === 0) continue
    picking++
    if (picked > most) {
      most = picked
      canary = seat
    }
  }
  return picking < 2 ? -1 : canary
}
