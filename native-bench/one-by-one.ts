import { build } from 'hdr-histogram-js'

/** What single calls take, in nanoseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Calls that are timed each by itself: fifty of them are beyond p99.9. */
const CALLS = 50_000

/** A histogram counts whole numbers; clocks tell tenths of a nanosecond at best. */
const PER_NS = 10

/**
 * Times each call by itself, clock and all.
 *
 *   clock ─ call ─ clock ─ call ─ clock …        one reading: the call, and the clock read once
 *
 * On the machine this was written on `performance.now()` takes 40 ns, at p99.9 still 51, and tells multiples of 10 ns; `hrtime.bigint()`
 * takes as long and makes garbage. So the clock is about as dear as a pick, but always the same: what stands out is the call's own. Runs
 * of 8 or 16 calls to a reading would hide the clock, and the tail with it: one pick of 1 µs among fifteen of 60 ns is a run of 119 ns a
 * pick. The clock is subtracted nowhere: what it takes alone is the row of the empty call, which is timed in the same way.
 */
export function timeOneByOne(call: (i: number) => void): Percentiles {
  const readings = new Float64Array(CALLS)
  // Read twice: the first time through, this very loop is not compiled yet.
  readInto(readings, call)
  readInto(readings, call)
  return percentilesOf([readings])
}

/** Fills it with the ns of one call after the other. */
export function readInto(readings: Float64Array, call: (i: number) => void): void {
  let before = performance.now()
  for (let i = 0; i < readings.length; i++) {
    call(i)
    const after = performance.now()
    readings[i] = (after - before) * 1e6
    before = after
  }
}

/** Of all readings together, whoever made them. */
export function percentilesOf(readings: readonly Float64Array[]): Percentiles {
  const histogram = build({ highestTrackableValue: 1e12, numberOfSignificantValueDigits: 3 })
  for (const each of readings) for (const ns of each) histogram.recordValue(Math.max(0, Math.round(ns * PER_NS)))
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / PER_NS
  return { p50: at(50), p99: at(99), p999: at(99.9) }
}
