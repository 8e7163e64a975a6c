import { build } from 'hdr-histogram-js'

/** What single calls take, in nanoseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** A histogram counts whole numbers; clocks tell tenths of a nanosecond at best. */
const PER_NS = 10

/** Of all readings together, whoever made them. */
export function percentilesOf(readings: readonly Float64Array[]): Percentiles {
  const histogram = build({ highestTrackableValue: 1e12, numberOfSignificantValueDigits: 3 })
  for (const each of readings) for (const ns of each) histogram.recordValue(Math.max(0, Math.round(ns * PER_NS)))
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / PER_NS
  return { p50: at(50), p99: at(99), p999: at(99.9) }
}
