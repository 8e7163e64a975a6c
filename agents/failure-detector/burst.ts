import { OK } from '../../engine/writer.ts'
import type { Charge } from './judgement.ts'
import type { Drained } from './signals.ts'

export interface BurstRule {
  /** From 0 to 1; 0: never. */
  readonly burst: number
  readonly burstVolume: number
}

/** How requests of one endpoint ended within the second under way. */
export interface Burst {
  readonly row: number
  readonly generation: number
  readonly failed: number
  readonly total: number
}

/** One in 3.5 million if it were chance, which a service that is judged ten times a second meets in four days. */
const Z_MIN = 5

/**
 * The endpoints that fail far more often than the others within one second.
 *
 *   p = failed ÷ total of one, q = of all others together, r = of all
 *   p − q ≥ burst        and        (p − q) ÷ √(r (1 − r) (1 ÷ total + 1 ÷ others)) ≥ 5
 *
 * Intuition  five failures in a row are rare where three in ten fail, and ten seconds are long to wait for a rate; two hundred requests say
 *            enough in one, as long as there are others to compare with. Where all fail alike it is not the endpoint.
 * Source     the test of two proportions; ours. Envoy compares over `interval` only.
 */
export function burstCharges({ burst, burstVolume }: BurstRule, bursts: readonly Burst[]): Charge[] {
  if (burst === 0) return []
  const all = bursts.reduce((sum, each) => ({ failed: sum.failed + each.failed, total: sum.total + each.total }), {
    failed: 0,
    total: 0,
  })
  return bursts
    .flatMap(({ row, failed, total }): Charge[] => {
      const others = all.total - total
      if (failed === 0 || total < burstVolume || others < burstVolume) return []
      const p = failed / total
      const q = (all.failed - failed) / others
      const r = all.failed / all.total
      const error = Math.sqrt(r * (1 - r) * (1 / total + 1 / others))
      if (p - q < burst || p - q < Z_MIN * error) return []
      return [{ row, because: 'burst', failures: failed, found: 100 * p, limit: 100 * (q + burst) }]
    })
    .sort((a, b) => b.found - a.found)
}

type Entry = { -readonly [key in keyof Burst]: Burst[key] }

/** The sums of the second under way, by service and row; changed in place as the ledger is, and as bounded. */
export class Bursts {
  readonly #services = new Map<number, Map<number, Entry>>()

  add({ service, row, generation, codes }: Drained): void {
    let entries = this.#services.get(service)
    if (entries === undefined) this.#services.set(service, (entries = new Map()))
    let entry = entries.get(row)
    if (entry?.generation !== generation) entries.set(row, (entry = { row, generation, failed: 0, total: 0 }))
    for (const code of codes) {
      entry.total++
      if (code !== OK) entry.failed++
    }
  }

  of(service: number): Burst[] {
    return [...(this.#services.get(service)?.values() ?? [])]
  }

  get services(): readonly number[] {
    return [...this.#services.keys()]
  }

  /** The second is over: what was in it, and another one begins. */
  take(): Burst[] {
    const all = [...this.#services.values()].flatMap(entries => [...entries.values()])
    this.#services.clear()
    return all
  }
}
