/** What speaks for an endpoint to fail soon, each from 0 up. */
export interface Signs {
  /** From 0 to 1, as node discovery has it: how it is reached. */
  readonly risk: number
  /** Part of its requests that failed of late, from 0 to 1. */
  readonly errorShare: number
  /** By how much that grew within twenty seconds, from 0 to 1; what shrinks counts as 0. */
  readonly errorTrend: number
  /** Standard deviations by which its latency is above what is usual. */
  readonly latencyZ: number
  /** How many times beyond its threshold the worst anomaly is; 0: none was found. */
  readonly anomaly: number
}

/**
 * Log-odds of each sign. Without any an endpoint fails in a minute one time in four hundred; a fifth of its requests failing, and more each
 * second, makes it even odds, and so does a risk of 1 with an anomaly at its threshold. Neither is fitted to anything: what they really
 * come to is learned afterwards, see calibration.ts.
 */
const ODDS = { none: -6, risk: 4, errorShare: 8, errorTrend: 22, latencyZ: 0.25, anomaly: 2 }
/** One sign alone, however strong, is not everything. */
const MOST = { latencyZ: 12, anomaly: 2 }

/**
 * Probability that an endpoint fails within a minute, before calibration.
 *
 *   p = 1 ÷ (1 + e^−x)      x = −6 + 4 risk + 8 errors + 22 growth of errors + ¼ z of latency + 2 anomaly
 */
export function failureOdds({ risk, errorShare, errorTrend, latencyZ, anomaly }: Signs): number {
  const x =
    ODDS.none +
    ODDS.risk * risk +
    ODDS.errorShare * errorShare +
    ODDS.errorTrend * Math.max(0, errorTrend) +
    ODDS.latencyZ * Math.max(0, Math.min(MOST.latencyZ, latencyZ)) +
    ODDS.anomaly * Math.max(0, Math.min(MOST.anomaly, anomaly))
  return 1 / (1 + Math.exp(-x))
}

/** What the signs are, for people; the weightiest first. */
export function reasonsOf({ risk, errorShare, errorTrend, latencyZ, anomaly }: Signs): string[] {
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  const each: [number, string][] = [
    [ODDS.errorTrend * errorTrend, `failures grew by ${percent(errorTrend)} of requests within 20 s`],
    [ODDS.errorShare * errorShare, `${percent(errorShare)} of requests fail`],
    [ODDS.risk * risk, `risk by how it is reached: ${risk.toFixed(2)}`],
    [ODDS.anomaly * Math.min(MOST.anomaly, anomaly), `an anomaly ${anomaly.toFixed(1)} times beyond its threshold`],
    [
      ODDS.latencyZ * Math.min(MOST.latencyZ, latencyZ),
      `latency ${latencyZ.toFixed(1)} standard deviations above what is usual`,
    ],
  ]
  return each
    .filter(([odds]) => odds > 0.25)
    .sort(([a], [b]) => b - a)
    .map(([, reason]) => reason)
}
