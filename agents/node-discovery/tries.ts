/** How it stands with connecting to one url. */
interface Try {
  phase: 'waiting' | 'under-way' | 'reached' | 'missed'
  /** In a row. */
  failures: number
  /** Services that want it. */
  readonly services: Set<string>
}

/** Under way at a time: more would wait for each other in this one thread. */
const UNDER_WAY_MAX = 64
/** Before one that was missed is tried again, in ms: this, and twice as long each time, up to … */
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = 60_000

/**
 * Who was connected to and who is still to be, by url. Changed in place: thousands may come at once, and each would copy all.
 *
 *   want ──▶ waiting ──▶ under way ──▶ reached
 *               ▲           └──▶ missed ──▶ 1, 2, 4 … 60 s ──┐
 *               └────────────────────────────────────────────┘
 */
export class Tries {
  readonly #tries = new Map<string, Try>()
  readonly #waiting: string[] = []
  #underWay = 0

  isReached(url: string): boolean {
    return this.#tries.get(url)?.phase === 'reached'
  }

  /** A service wants this url. */
  want(url: string, service: string): void {
    const known = this.#tries.get(url)
    if (known !== undefined) {
      known.services.add(service)
      return
    }
    this.#tries.set(url, { phase: 'waiting', failures: 0, services: new Set([service]) })
    this.#waiting.push(url)
  }

  /** Forgets those that nobody wants any more. */
  keep(isWanted: (url: string) => boolean): void {
    for (const url of this.#tries.keys()) if (!isWanted(url)) this.#tries.delete(url)
  }

  /** Who is to be connected to now. */
  take(): string[] {
    const taken: string[] = []
    while (this.#underWay < UNDER_WAY_MAX && this.#waiting.length > 0) {
      const url = this.#waiting.shift()!
      const known = this.#tries.get(url)
      if (known?.phase !== 'waiting') continue
      known.phase = 'under-way'
      this.#underWay++
      taken.push(url)
    }
    return taken
  }

  /** One was connected to, or not. Services that are to be settled, and when it is tried again in ms; −1: not. */
  hear(url: string, isReached: boolean): { services: readonly string[]; againMs: number } {
    this.#underWay = Math.max(0, this.#underWay - 1)
    const known = this.#tries.get(url)
    if (known === undefined) return { services: [], againMs: -1 }
    known.phase = isReached ? 'reached' : 'missed'
    known.failures = isReached ? 0 : known.failures + 1
    const againMs = isReached ? -1 : Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** (known.failures - 1))
    return { services: [...known.services], againMs }
  }

  /** Has one tried again; of those that were reached only with `isDoubted`. */
  again(url: string, isDoubted = false): void {
    const known = this.#tries.get(url)
    if (known === undefined || (known.phase !== 'missed' && !(isDoubted && known.phase === 'reached'))) return
    known.phase = 'waiting'
    this.#waiting.push(url)
  }
}
