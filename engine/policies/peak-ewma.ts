import type { Candidates } from '../memory/candidates.ts'
import { ABANDONED, OK } from '../memory/outcomes.ts'
import { type CostOf, cheapest } from './cheapest.ts'
import type { Dice } from './dice.ts'
import type { Chooser, Learn, Policy } from './policy.ts'

/**
 * Peak EWMA: the endpoint that would answer soonest.
 *
 *   cost(e)  = latency(e) × (inside(e) + 1) ÷ pull(e)        inside: as in least-request.ts
 *   latency  = max(peak × e^(−Δt/τ), stall)        in steps of 6 %, so that near-equals share by weight
 *   peak     rises at once to a sample above it, else  peak × e^(−Δt/τ) + sample × (1 − e^(−Δt/τ))
 *   sample   the latency of an 'ok'; PENALTY_US for an error or a timeout
 *   stall    time since anything was settled there, while something is in flight: a hung endpoint is seen before it answers
 *
 * Source    Finagle PeakEwma, tower; the penalty from linkerd's PenaltyPeakEwma, the age of open requests from nginx
 *           least_time. Deviation: Int32 words that all threads share; Δt by the region's clock, so samples of one tick
 *           count once, peaks always.
 * Reads     bars, pull, in flight and three latency words of each candidate.   Cost  as least-request, and an exponential
 *           for each candidate that was not settled in this tick.
 * Good for  endpoints of uneven or drifting speed.   Poor for  cache affinity.
 * Newcomer  without history and idle it costs nothing and is probed at once; with that probe in flight it costs more than
 *           any other, so that it gets exactly one before it has answered.
 * Nobody starves: what is known decays, and an endpoint that was avoided is tried again.
 */
export const peakEwma: Policy = {
  name: 'peak-ewma',
  aliases: ['peak_ewma', 'latency_aware', 'latency-aware'],
  summary: 'lowest expected latency: peak-sensitive average × requests in flight',
  isWeighted: false,
  options: {},
  create: dice => soonest(dice, costOf),
}

/** Picks by a cost that is made from the latency learned here. */
export function soonest(dice: Dice, cost: CostOf): Chooser {
  const pick = cheapest(dice, cost)
  return {
    pickRow: (candidates, hash) => {
      const row = pick(candidates, hash)
      // The clock of the stall starts with the first request after idling.
      if (row >= 0 && candidates.inflight(row) === 0) candidates.setSettledAt(row, candidates.nowMs())
      return row
    },
    learn,
  }
}

/** How fast the past is forgotten, in ms. Finagle's and Envoy's default. */
const TAU_MS = 10_000
/** What a failure counts as, in µs: linkerd's. Longer than any answer worth waiting for, gone in half a minute. */
const PENALTY_US = 5_000_000
/** Of an endpoint whose first answer is still awaited: beyond every latency that is measured. */
const UNKNOWN_US = 0x7fffffff
/** A stall is counted up to half an hour, which fits 31 bits of µs. */
const STALL_MS_MAX = 1_800_000

const costOf: CostOf = (candidates, row, cost) => {
  const inflight = candidates.inflight(row)
  cost[0] = inSteps(latencyOf(candidates, row, inflight)) * (inflight + candidates.others(row) + 1)
}

/** What an answer would take, µs: within 31 bits, as everything here that a function returns. */
export function latencyOf(candidates: Candidates, row: number, inflight: number): number {
  const now = candidates.nowMs()
  const peak = candidates.peakUs(row)
  const known = decayed(peak, now - candidates.peakAtMs(row))
  if (inflight === 0) return known
  if (peak === 0) return UNKNOWN_US
  const stallMs = Math.min(STALL_MS_MAX, (now - candidates.settledAtMs(row)) | 0)
  return Math.max(known, stallMs * 1000)
}

const learn: Learn = (candidates, row, outcome, latencyUs) => {
  const now = candidates.nowMs()
  candidates.setSettledAt(row, now)
  if (outcome === ABANDONED) return
  const sample = outcome === OK ? Math.max(1, latencyUs) : PENALTY_US
  const before = candidates.peakUs(row)
  const kept = decayed(before, now - candidates.peakAtMs(row))
  const after = before === 0 || sample >= kept ? sample : Math.round(kept + sample * (1 - kept / before))
  candidates.setPeak(row, Math.max(1, after), now)
}

function decayed(us: number, elapsedMs: number): number {
  const elapsed = elapsedMs | 0
  return elapsed <= 0 ? us : Math.round(us * Math.exp(-elapsed / TAU_MS)) | 0
}

/** Keeps the four highest bits: two latencies within 6 % cost the same. */
export function inSteps(us: number): number {
  const shift = 28 - Math.clz32(us)
  return shift <= 0 ? us : ((us >>> shift) << shift) >>> 0
}
