import type { Availability } from '../../signals.ts'
import { type Finding, failed, passed, skipped } from './looks.ts'

/** In a quarter of an hour; with fewer, one that fails would be a bad quarter of an hour. */
const REQUESTS_MIN = 100
/** In the last minute; with fewer it is not known whether it goes on. */
const LATELY_MIN = 10

/** The part of its requests that went well, against the goal: it fails where it is below in the last quarter of an hour and goes on to be. */
export function lookAtAvailability(
  availability: Omit<Availability, 'row' | 'generation'> | undefined,
  goal: number,
): Finding {
  if (availability === undefined || availability.last15m === null) return skipped('it had no requests')
  const { last1m, last15m, requests1m, requests15m } = availability
  const burn = (1 - last15m) / Math.max(1 - goal, Number.EPSILON)
  const figures = { availability: last15m, burn, requests: requests15m }
  const isBelow = requests15m >= REQUESTS_MIN && last15m < goal
  const goesOn = last1m !== null && requests1m >= LATELY_MIN && last1m < goal
  const said = `${(last15m * 100).toFixed(2)} % of ${requests15m} requests went well`
  return isBelow && goesOn ? failed(said, figures, { score: last15m }) : passed(said, figures)
}
