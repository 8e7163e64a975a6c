/**
 * Eight servers that are not alike, as after a year of buying machines. Each works on a few requests at once and lets the others wait in their
 * order; a request takes so long as its own number says, times what its server is slower.
 *
 *   five      full speed, and one of them stands still for 0.3 s now and then, as one that collects garbage or backs up its disk
 *   two       half the speed
 *   one       a quarter
 */
export interface Server {
  /** So many times as long as a quick one it takes. */
  readonly slowness: number
  readonly isStalling?: boolean
}

export const SERVERS: readonly Server[] = [
  { slowness: 1 },
  { slowness: 1 },
  { slowness: 2 },
  { slowness: 1, isStalling: true },
  { slowness: 4 },
  { slowness: 1 },
  { slowness: 2 },
  { slowness: 1 },
]

/** Requests a server works on at once. */
export const SLOTS = 4
/** Of a request on a quick server. */
export const WORK_MS_MEAN = 20
/** Of the logarithm: half of the requests take 12 ms and less on a quick server, one of a hundred 124 and more. */
export const WORK_SIGMA = 1
export const STALL_MS = 300
/** From the end of one to the beginning of the next, exponentially distributed. */
export const BETWEEN_STALLS_MS_MEAN = 2700

/** Requests a second that all of them together can work off: slots ÷ (mean × slowness) each, less what the stalls take. */
export function capacityPerSecond(): number {
  const stalledShare = STALL_MS / (STALL_MS + BETWEEN_STALLS_MS_MEAN)
  const each = SERVERS.map(
    ({ slowness, isStalling }) => (SLOTS * 1000 * (isStalling ? 1 - stalledShare : 1)) / (WORK_MS_MEAN * slowness),
  )
  return each.reduce((sum, one) => sum + one, 0)
}
