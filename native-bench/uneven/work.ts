import { seeded } from '../load/arrivals.ts'
import { BETWEEN_STALLS_MS_MEAN, STALL_MS, WORK_MS_MEAN, WORK_SIGMA } from './plan.ts'

/**
 * What the requests of a turn take on a quick server, by their numbers, in ms: log-normal, e^(μ + σz) with μ = ln mean − σ²/2, z by Box and
 * Muller. A request takes the same whoever routes it, so that no proxy has the easier ones.
 */
export function worksMs(seed: number, count: number): Float64Array {
  const random = seeded(seed)
  const mu = Math.log(WORK_MS_MEAN) - WORK_SIGMA ** 2 / 2
  return Float64Array.from({ length: count }, () => {
    const z = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
    return Math.exp(mu + WORK_SIGMA * z)
  })
}

/** When a server stands still, from and until, in ms since the first request of a turn; for so long a time. */
export function stallsMs(seed: number, untilMs: number): (readonly [from: number, until: number])[] {
  const random = seeded(seed)
  const stalls: (readonly [number, number])[] = []
  for (let at = 0; at < untilMs; at += STALL_MS) {
    at += -Math.log(random()) * BETWEEN_STALLS_MS_MEAN
    stalls.push([at, at + STALL_MS])
  }
  return stalls
}
