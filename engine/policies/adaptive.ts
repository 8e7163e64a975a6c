import type { CostOf } from './cheapest.ts'
import { inSteps, latencyOf, soonest } from './peak-ewma.ts'
import type { Policy } from './policy.ts'

/**
 * Adaptive: the endpoint that will answer soonest, by what was measured and by what is forecast.
 *
 *   expected(e) = (1 − t) × latency(e) + t × forecast(e)        latency as peak-ewma measures it
 *   cost(e)     = expected(e) × (inside(e) + 1) ÷ pull(e)
 *   t           = how far forecasts are trusted, 0…1; 0 for an endpoint without a fresh one
 *
 * Forecasts and the trust in them are written by the predictor: of each endpoint how long its requests took on average of late, pooled with
 * the others by as much as the difference may be chance, and divided by its rate of success; trusted by how much less they err than the peaks
 * that are measured here, 0.95 at most, and not at all when they have done worse for ten seconds.
 * Without agents, without forecasts, with old ones or with trust 0 it is peak-ewma, and picks what that would pick.
 *
 * Source    peak-ewma, see there; the mix is ours.
 * Reads     as peak-ewma, and two more words of each candidate.
 * Good for  endpoints of uneven or changing speed: peaks see a slow-down first, means tell best who is faster.
 */
export const adaptive: Policy = {
  name: 'adaptive',
  aliases: [],
  summary: 'lowest expected latency, measured and forecast; without forecasts as peak-ewma',
  isWeighted: false,
  options: {},
  create: dice => soonest(dice, costOf),
}

/** A forecast counts for so long, in ms: five times the pace at which agents write them. */
const FORECAST_MS = 5000
/** Trust in forecasts where nobody has said: as much as in what is measured. */
const TRUST = 0.5

const costOf: CostOf = (candidates, row, cost) => {
  const inflight = candidates.inflight(row)
  const measured = latencyOf(candidates, row, inflight)
  const forecast = candidates.forecastUs(row)
  let expected = measured
  if (forecast > 0) {
    const ageMs = (candidates.nowMs() - candidates.forecastAtMs(row)) | 0
    const told = candidates.trust()
    const trust = ageMs < 0 || ageMs > FORECAST_MS ? 0 : told < 0 ? TRUST : told
    expected = Math.round(measured + (forecast - measured) * trust) | 0
  }
  cost[0] = inSteps(expected) * (inflight + candidates.others(row) + 1)
}
