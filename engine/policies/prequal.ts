import type { Candidates } from '../memory/candidates.ts'
import { ABANDONED, OK } from '../memory/outcomes.ts'
import { SCAN_MAX } from './cheapest.ts'
import { below, type Dice } from './dice.ts'
import { type Learn, NO_ENDPOINT, type Policy } from './policy.ts'

/**
 * Prequal: hot endpoints by requests in flight, cold ones by latency.
 *
 *   θ    = the Q-quantile of what is in flight on the candidates, Q = 2^−0.25 ≈ 0.84
 *   hot  = in flight above θ
 *   any cold: the cold one with the lowest latency at its level of in flight;  none: the one with the least in flight
 *
 * Source    Wydrowski et al., Prequal, NSDI 2024 (its "hot-cold lexicographic" rule). Deviation: what the paper learns by
 *           three probes a query is read from the shared tables, as it is now: no probes, no probe pool, no age limit.
 *           Failures count as PENALTY_US, so that an endpoint that fails fast does not look fast. What routers elsewhere have in flight is not
 *           counted, though endpoints may tell: seconds old, it leads all of them to the same cold one (100 routers apart in `signalbox simulate
 *           prequal` at 90 %: p99 3,254 ms with it, 559 without).
 * Reads     bars, pull, in flight and one latency word of each candidate: up to 16 neighbours.
 * Good for  endpoints whose machines are shared with others, load near capacity.   Poor for  cache affinity.
 */
export const prequal: Policy = {
  name: 'prequal',
  aliases: [],
  summary: 'hot endpoints by in flight, cold ones by latency at their level',
  isWeighted: false,
  options: {},
  create: dice => {
    // One pick's candidates, in memory that is made once: a pick allocates nothing.
    const window: Window = {
      rows: new Int32Array(SCAN_MAX),
      loads: new Float64Array(SCAN_MAX),
      sorted: new Float64Array(SCAN_MAX),
      latencies: new Int32Array(SCAN_MAX),
    }
    return { pickRow: candidates => pickHotCold(candidates, dice, window), learn }
  },
}

interface Window {
  readonly rows: Int32Array
  /** In flight ÷ pull: twice the weight carries twice as much at the same heat. */
  readonly loads: Float64Array
  readonly sorted: Float64Array
  /** Latency at the level of in flight that the next request would meet, µs; 0 when nothing is known. */
  readonly latencies: Int32Array
}

/** The quantile of in flight above which an endpoint is hot. The paper finds 0.6 to 0.9 equally good. */
const HOT_QUANTILE = 2 ** -0.25
/** Beyond every latency that is measured. */
const HOT_US = 0x7fffffff
/** Share of a new sample in the latency of its level. */
const ALPHA = 0.1
const PENALTY_US = 5_000_000

function pickHotCold(candidates: Candidates, dice: Dice, window: Window): number {
  const count = gather(candidates, dice, window)
  if (count === 0) return NO_ENDPOINT
  const { rows, loads, sorted, latencies } = window
  const theta = sortLoads(window, count)
  let best = 0
  let ties = 0
  for (let i = 0; i < count; i++) {
    // A hot one is later than every cold one, and among the hot in flight alone decides.
    if (loads[i] > sorted[theta]) latencies[i] = HOT_US
    const isLater = latencies[i] > latencies[best]
    if (isLater || (latencies[i] === latencies[best] && loads[i] > loads[best])) continue
    const isTie = latencies[i] === latencies[best] && loads[i] === loads[best]
    ties = isTie ? ties + 1 : 1
    if (ties > 1 && dice() % ties !== 0) continue
    best = i
  }
  return rows[best]
}

/** The open ones among up to sixteen neighbours from a random place on; when none of them is, the first sixteen open. */
function gather(candidates: Candidates, dice: Dice, { rows, loads, latencies }: Window): number {
  const all = candidates.count
  if (all === 0) return 0
  let position = below(dice(), all)
  let count = 0
  for (let step = 0; step < all && count < SCAN_MAX; step++) {
    if (step >= SCAN_MAX && count > 0) break
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull > 0) {
      const inflight = candidates.inflight(row)
      rows[count] = row
      latencies[count] = candidates.levelUs(row, inflight + 1)
      loads[count++] = inflight / pull
    }
    if (++position === all) position = 0
  }
  return count
}

/** Sorts the loads aside, by insertion: at most sixteen. Returns the place of the quantile among them. */
function sortLoads({ loads, sorted }: Window, count: number): number {
  for (let i = 0; i < count; i++) {
    const load = loads[i]
    let at = i
    while (at > 0 && sorted[at - 1] > load) {
      sorted[at] = sorted[at - 1]
      at--
    }
    sorted[at] = load
  }
  return Math.min(count - 1, Math.floor(count * HOT_QUANTILE))
}

const learn: Learn = (candidates, row, outcome, latencyUs) => {
  if (outcome === ABANDONED) return
  const sample = outcome === OK ? Math.max(1, latencyUs) : PENALTY_US
  // The request itself is settled already: it met this many and itself.
  const inflight = candidates.inflight(row) + 1
  const before = candidates.levelUs(row, inflight)
  candidates.setLevelUs(row, inflight, before === 0 ? sample : Math.round(before + (sample - before) * ALPHA))
}
